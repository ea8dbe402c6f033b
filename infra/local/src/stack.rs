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

    /// Creates the stack's secret and runs `sam deploy` for a template, built or not. `options` are further parameters of
    /// the template, as `Name=value`.
    pub async fn deploy(
        &self,
        emulator: &Emulator,
        template: &Path,
        stack: &str,
        options: &str,
    ) -> Result<(), LocalError> {
        let secret = secret(stack);
        emulator.create_key_secret(&secret).await?;
        let mut sam = self.sam("deploy")?;
        local_aws(&mut sam, &emulator.endpoint).arg("--template-file").arg(template);
        // Without a bucket, the SAM CLI would create one with a stack of its own, which takes half a minute.
        sam.args(["--stack-name", stack, "--s3-bucket", BUCKET, "--no-resolve-s3", "--parameter-overrides"]);
        sam.arg(format!(
            "EnvironmentName=local IdentifierKeySecret={secret} EventSource=decoding DeletionProtection=false \
             {}WorkerConcurrency={WORKERS} Architecture={} {options}",
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
    let text = fs::read_to_string(template).context(format!("reading {}", template.display()))?;
    Ok(if text.contains("none|arn:") { "AlarmTopicArn=none " } else { "AlarmTopicArn=\"\" " })
}

/// The name of a stack's secret, as `samconfig.toml` has it: `efface/na/identifier-key` for `efface-na`.
fn secret(stack: &str) -> String {
    format!("{}/identifier-key", stack.replacen('-', "/", 1))
}

/// This machine's processor, as Lambda names it.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}
