//! The command `efface`, as an operator runs it against a deployed table.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use efface_local::{
    child,
    emulator::Emulator,
    environment,
    error::{LocalError, Tried},
    workspace::Workspace,
};
use serde_json::Value;

use crate::{gateway::Gateway, report::Report, requests};

/// Roles whose tokens the requests use.
const ROLES: [&str; 3] = ["workspace_owner", "identity_admin", "profile_reader"];
const SPACE: &str = "spa_demo";

/// The command with the settings of one stack.
pub(crate) struct Efface<'a> {
    workspace: &'a Workspace,
    settings: Vec<(String, String)>,
}

/// Tokens by role, and each one's id.
pub(crate) type Tokens = BTreeMap<&'static str, (String, String)>;

impl<'a> Efface<'a> {
    /// Takes the table and the key from the deployed function.
    pub(crate) async fn of_stack(
        workspace: &'a Workspace,
        emulator: &Emulator,
        stack: &str,
    ) -> Result<Self, LocalError> {
        let mut settings = emulator.function_variables(&format!("{stack}-api")).await?;
        let own = environment::aws(&emulator.endpoint);
        settings.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(Self { workspace, settings })
    }

    /// Makes the space, its profiles and tokens.
    pub(crate) async fn administer(&self) -> Result<Tokens, LocalError> {
        self.run(&["admin", "space", "create", SPACE, "--reactor-instance", "demo"]).await?;
        self.run(&["load", "infra/local/demo.jsonl"]).await?;
        let mut tokens = Tokens::new();
        for role in ROLES {
            let made = self.run(&["admin", "token", "create", SPACE, "--role", role]).await?;
            let text = |name: &str| made["token"][name].as_str().or(made[name].as_str()).unwrap_or_default().to_owned();
            tokens.insert(role, (text("token"), text("token_id")));
        }
        Ok(tokens)
    }

    /// A revoked token is refused within 60 s.
    pub(crate) async fn revoke(
        &self,
        gateway: &Gateway,
        tokens: &Tokens,
        report: &mut Report,
    ) -> Result<(), LocalError> {
        let (token, id) = &tokens["profile_reader"];
        let path = requests::profile("user_001", "external_ids");
        let before = gateway.get(&path, Some(token)).await?;
        report.check("a token opens its space", before.status == 200, before.status);
        self.run(&["admin", "token", "revoke", SPACE, id]).await?;
        let revoked = Instant::now();
        let mut status = 200;
        while status == 200 && revoked.elapsed() < Duration::from_mins(1) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            status = gateway.get(&path, Some(token)).await?.status;
        }
        let found = format_args!("{status} after {:?}", revoked.elapsed()).to_string();
        report.check("a revoked token is refused within 60 s", status == 401, &found);
        efface_local::console::say(format_args!("        {found}"));
        Ok(())
    }

    /// Runs the command to its end; its answer.
    async fn run(&self, arguments: &[&str]) -> Result<Value, LocalError> {
        let mut cargo = child::command(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))?;
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        environment::clean(&mut cargo).envs(settings).current_dir(&self.workspace.root);
        cargo.args(["run", "--quiet", "--bin", "efface", "--", "--json"]).args(arguments);
        let output = cargo.stdout(std::process::Stdio::piped()).output().await.tried("running efface")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let answer = serde_json::from_str(&text).ok().filter(|_| output.status.success());
        answer.ok_or_else(|| LocalError::Refused { what: format!("efface {}", arguments.join(" ")), text })
    }
}
