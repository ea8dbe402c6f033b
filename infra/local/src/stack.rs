//! `infra/template.yaml`, deployed to the emulator by the same tool and settings as to AWS.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::{
    child::{command, run},
    emulator::{BUCKET, Emulator},
    environment::{clean, local_aws},
    error::LocalError,
    tools::{Tools, path_with},
    workspace::Workspace,
};

/// Workers at the same time: as many as a small machine bears.
const WORKERS: u32 = 4;

/// What deploys stacks.
#[derive(Debug)]
pub struct Deployer<'a> {
    /// The repository.
    pub workspace: &'a Workspace,
    /// The tools.
    pub tools: &'a Tools,
    /// Where logs and builds go.
    pub folder: &'a Path,
}

impl Deployer<'_> {
    /// `sam build` for this machine's processor; the path of the built template.
    pub async fn build(&self) -> Result<PathBuf, LocalError> {
        let output = self.folder.join("build");
        let mut sam = self.sam("build")?;
        // The compiler that is here, not zig: what is built runs on this machine, and nothing has to be fetched.
        clean(&mut sam).env("CARGO_LAMBDA_COMPILER", "cargo").env("SAM_CLI_TELEMETRY", "0");
        sam.env("PATH", path_with(&self.tools.folders())).arg("--build-dir").arg(&output);
        sam.args(["--parameter-overrides", &format!("Architecture={}", architecture())]);
        run(sam, &self.folder.join("sam-build.log")).await?.or_say("sam build")?;
        Ok(output.join("template.yaml"))
    }

    /// `sam deploy` of a template, built or not.
    pub async fn deploy(&self, emulator: &Emulator, template: &Path, stack: &str) -> Result<(), LocalError> {
        let mut sam = self.sam("deploy")?;
        local_aws(&mut sam, &emulator.endpoint).arg("--template-file").arg(template);
        // In place of the managed bucket, whose stack takes the SAM CLI half a minute.
        sam.args(["--stack-name", stack, "--s3-bucket", BUCKET, "--no-resolve-s3", "--parameter-overrides"]);
        sam.arg(format!(
            "EnvironmentName=local EventSource=decoding DeletionProtection=false WorkerConcurrency={WORKERS} \
             Architecture={}",
            architecture()
        ));
        run(sam, &self.folder.join(format!("sam-deploy-{stack}.log"))).await?.or_say("sam deploy")?;
        emulator.mend_mappings(WORKERS).await
    }

    /// `sam delete`.
    pub async fn delete(&self, emulator: &Emulator, stack: &str) -> Result<(), LocalError> {
        let mut sam = self.sam("delete")?;
        local_aws(&mut sam, &emulator.endpoint).args(["--no-prompts", "--stack-name", stack, "--s3-bucket", BUCKET]);
        run(sam, &self.folder.join(format!("sam-delete-{stack}.log"))).await?.or_say("sam delete")
    }

    fn sam(&self, action: &str) -> Result<Command, LocalError> {
        let mut sam = command(self.tools.sam())?;
        // With a template named on the command line, the SAM CLI would look for its settings beside the template.
        sam.current_dir(&self.workspace.root).arg(action).args(["--config-env", "local", "--config-file"]);
        sam.arg(self.workspace.root.join("samconfig.toml"));
        Ok(sam)
    }
}

/// This machine's processor, in Lambda's words.
fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}
