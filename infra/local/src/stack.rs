//! Deploys `infra/template.yaml` to the emulator, with the same tool and settings file as to AWS.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use crate::{
    child::{command, run},
    emulator::{BUCKET, Emulator},
    environment::{clean, local_aws},
    error::{Context, LocalError},
    tools::{Tools, path_with},
    workspace::Workspace,
};

/// The number of concurrent workers, suitable for a small machine.
const WORKERS: u32 = 4;

/// Builds, deploys and deletes stacks with the SAM CLI.
#[derive(Debug)]
pub struct Deployer<'a> {
    /// The repository.
    pub workspace: &'a Workspace,
    /// The tools.
    pub tools: &'a Tools,
    /// The folder for logs and builds.
    pub folder: &'a Path,
}

impl Deployer<'_> {
    /// Runs `sam build` for this machine's processor, and returns the path of the built template.
    pub async fn build(&self) -> Result<PathBuf, LocalError> {
        let output = self.folder.join("build");
        let mut sam = self.sam("build")?;
        // Uses the installed compiler instead of zig, because the functions run on this machine.
        clean(&mut sam).env("CARGO_LAMBDA_COMPILER", "cargo").env("SAM_CLI_TELEMETRY", "0");
        sam.env("PATH", path_with(&self.tools.folders())).arg("--build-dir").arg(&output);
        sam.args(["--parameter-overrides", &format!("Architecture={}", architecture())]);
        run(sam, &self.folder.join("sam-build.log")).await?.into_result("sam build")?;
        Ok(output.join("template.yaml"))
    }

    /// Runs `sam package`, which uploads the functions, and returns the path of the template that names them. To deploy it
    /// takes seconds.
    pub async fn upload(&self, emulator: &Emulator, template: &Path) -> Result<PathBuf, LocalError> {
        let output = self.folder.join("uploaded.yaml");
        let mut sam = self.sam("package")?;
        local_aws(&mut sam, &emulator.endpoint).arg("--template-file").arg(template).args(["--s3-bucket", BUCKET]);
        sam.arg("--output-template-file").arg(&output);
        run(sam, &self.folder.join("sam-package.log")).await?.into_result("sam package")?;
        Ok(output)
    }

    /// Creates the stack's secrets and runs `sam deploy` for a template, built or not. `options` are further parameters
    /// of the template, as `Name=value`.
    pub async fn deploy(
        &self,
        emulator: &Emulator,
        template: &Path,
        stack: &str,
        options: &str,
    ) -> Result<(), LocalError> {
        let [identifier_key, log_key] = secrets(stack);
        for secret in [&identifier_key, &log_key] {
            emulator.create_key_secret(secret).await?;
        }
        let mut sam = self.sam("deploy")?;
        local_aws(&mut sam, &emulator.endpoint).arg("--template-file").arg(template);
        // Without a bucket, the SAM CLI would create one with a stack of its own, which takes half a minute.
        sam.args(["--stack-name", stack, "--s3-bucket", BUCKET, "--no-resolve-s3", "--parameter-overrides"]);
        sam.arg(format!(
            "EnvironmentName=local IdentifierKeySecret={identifier_key} {}EventSource=decoding DeletionProtection=false \
             {}WorkerConcurrency={WORKERS} Architecture={} {options}",
            log_key_secret(template, &log_key)?,
            pages_nobody(template)?,
            architecture()
        ));
        run(sam, &self.folder.join(format!("sam-deploy-{stack}.log"))).await?.into_result("sam deploy")?;
        emulator.fix_mappings(WORKERS).await?;
        emulator.copy_tables(stack).await
    }

    /// Runs `sam delete`.
    pub async fn delete(&self, emulator: &Emulator, stack: &str) -> Result<(), LocalError> {
        let mut sam = self.sam("delete")?;
        local_aws(&mut sam, &emulator.endpoint).args(["--no-prompts", "--stack-name", stack, "--s3-bucket", BUCKET]);
        run(sam, &self.folder.join(format!("sam-delete-{stack}.log"))).await?.into_result("sam delete")
    }

    fn sam(&self, action: &str) -> Result<Command, LocalError> {
        let mut sam = command(self.tools.sam())?;
        // Without --config-file, the SAM CLI would look for samconfig.toml in the folder of the template.
        sam.current_dir(&self.workspace.root).arg(action).args(["--config-env", "local", "--config-file"]);
        sam.arg(self.workspace.root.join("samconfig.toml"));
        Ok(sam)
    }
}

/// The parameter with which alarms notify nobody. Templates of earlier versions have it empty, not as `none`.
fn pages_nobody(template: &Path) -> Result<&'static str, LocalError> {
    Ok(if text_of(template)?.contains("none|arn:") { "AlarmTopicArn=none " } else { "AlarmTopicArn=\"\" " })
}

/// The parameter that names the log key's secret. Templates of earlier versions do not have it.
fn log_key_secret(template: &Path, secret: &str) -> Result<String, LocalError> {
    let is_known = text_of(template)?.contains("LogKeySecret");
    Ok(if is_known { format!("LogKeySecret={secret} ") } else { String::new() })
}

fn text_of(template: &Path) -> Result<String, LocalError> {
    fs::read_to_string(template).context(format!("reading {}", template.display()))
}

/// The names of a stack's secrets, as `samconfig.toml` has them: `efface/na/identifier-key` and `efface/na/log-key` for
/// `efface-na`.
pub(crate) fn secrets(stack: &str) -> [String; 2] {
    ["identifier-key", "log-key"].map(|name| format!("{}/{name}", stack.replacen('-', "/", 1)))
}

/// This machine's processor, as Lambda names it.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}
