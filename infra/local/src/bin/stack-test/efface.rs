//! Runs the command `efface` against a deployed table, as an operator does.

use std::{
    collections::BTreeMap,
    env, fs,
    time::{Duration, Instant},
};

use efface_local::{
    child,
    emulator::Emulator,
    environment,
    error::{Context, LocalError},
    workspace::Workspace,
};
use serde_json::{Value, json};

use crate::{gateway::Gateway, report::Report, requests};

/// The roles whose tokens the tests use.
const ROLES: [&str; 3] = ["workspace_owner", "identity_admin", "profile_reader"];
const SPACE: &str = "spa_demo";
/// How many people the checks of segments use.
const SEGMENT_PEOPLE: usize = 4;

/// The command `efface` with the settings of one stack.
pub(crate) struct Efface<'a> {
    workspace: &'a Workspace,
    settings: Vec<(String, String)>,
}

/// The token and its id, by role.
pub(crate) type Tokens = BTreeMap<&'static str, (String, String)>;

impl<'a> Efface<'a> {
    /// Takes the table's name and the keys from the variables of the deployed API function; the log key from its
    /// secret, where the function has none.
    pub(crate) async fn of_stack(
        workspace: &'a Workspace,
        emulator: &Emulator,
        stack: &str,
    ) -> Result<Self, LocalError> {
        let mut settings = emulator.function_variables(&format!("{stack}-api")).await?;
        if settings.iter().all(|(name, _)| name != "EFFACE_LOG_KEY") {
            settings.push(("EFFACE_LOG_KEY".to_owned(), emulator.log_key(stack).await?));
        }
        let emulator_settings = environment::aws(&emulator.endpoint);
        settings.extend(emulator_settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Ok(Self { workspace, settings })
    }

    /// Creates the space and the tokens, and loads the demo profiles and the people of the checks of segments.
    pub(crate) async fn set_up(&self) -> Result<Tokens, LocalError> {
        let settings = ["--reactor-instance", "demo", "--settling-seconds", "0"];
        self.run(&[&["admin", "space", "create", SPACE][..], &settings].concat()).await?;
        self.run(&["load", "infra/local/demo.jsonl"]).await?;
        self.load_people("stack", SEGMENT_PEOPLE).await?;
        let mut tokens = Tokens::new();
        for role in ROLES {
            let created = self.run(&["admin", "token", "create", SPACE, "--role", role]).await?;
            let text =
                |name: &str| created["token"][name].as_str().or(created[name].as_str()).unwrap_or_default().to_owned();
            tokens.insert(role, (text("token"), text("token_id")));
        }
        Ok(tokens)
    }

    /// Loads people. Each has a `user_id`, the name and a number from 1, and an email with these.
    pub(crate) async fn load_people(&self, name: &str, count: usize) -> Result<(), LocalError> {
        let person = |number| {
            let id = format!("{name}_{number}");
            let ids = json!([{ "type": "user_id", "id": id }, { "type": "email", "id": format!("{id}@example.com") }]);
            json!({ "space_id": SPACE, "external_ids": ids }).to_string() + "\n"
        };
        let file = self.workspace.target.join(format!("stack-test/{name}.jsonl"));
        fs::write(&file, (1..=count).map(person).collect::<String>()).context("writing people")?;
        self.run(&["load", &file.display().to_string()]).await.map(drop)
    }

    /// Checks that a revoked token is rejected within 60 s.
    pub(crate) async fn check_revocation(
        &self,
        gateway: &Gateway,
        tokens: &Tokens,
        report: &mut Report,
    ) -> Result<(), LocalError> {
        let (token, id) = &tokens["profile_reader"];
        let path = requests::profile("user_001", "external_ids");
        let before = gateway.get(&path, Some(token)).await?;
        report.check("a token gives access to its space", before.status == 200, before.status);
        self.run(&["admin", "token", "revoke", SPACE, id]).await?;
        let revoked = Instant::now();
        let mut status = 200;
        while status == 200 && revoked.elapsed() < Duration::from_mins(1) {
            tokio::time::sleep(Duration::from_millis(500)).await;
            status = gateway.get(&path, Some(token)).await?.status;
        }
        let found = format_args!("{status} after {:?}", revoked.elapsed()).to_string();
        report.check("a revoked token is rejected within 60 s", status == 401, &found);
        efface_local::console::say(format_args!("        {found}"));
        Ok(())
    }

    /// Runs the command to its end, and returns the JSON document that it printed.
    async fn run(&self, arguments: &[&str]) -> Result<Value, LocalError> {
        let mut cargo = child::command(env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()))?;
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        environment::clean(&mut cargo).envs(settings).current_dir(&self.workspace.root);
        cargo.args(["run", "--quiet", "--bin", "efface", "--", "--json"]).args(arguments);
        let output = cargo.stdout(std::process::Stdio::piped()).output().await.context("running efface")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let document = serde_json::from_str(&text).ok().filter(|_| output.status.success());
        document.ok_or_else(|| LocalError::Command { what: format!("efface {}", arguments.join(" ")), text })
    }
}
