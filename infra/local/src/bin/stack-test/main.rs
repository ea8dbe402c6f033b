//! `cargo stack-test`: builds the template, deploys it to an emulator with the SAM CLI, and tests it as a client.

mod console;
mod efface;
mod gateway;
mod jobs;
mod journal;
mod monitoring;
mod queues;
mod receipts;
mod report;
mod requests;
mod segments;
mod upgrade;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use efface::Efface;
use efface_local::{
    console::{print, say},
    emulator::Emulator,
    error::{Context, LocalError},
    package::package,
    stack::Deployer,
    supervisor,
    tools::Tools,
    workspace::Workspace,
};
use gateway::Gateway;
use journal::Records;
use queues::Queues;
use report::Report;
use upgrade::{Site, Version};

/// The stacks of the two sites that share an account and a region.
const STACKS: [&str; 2] = ["efface-aws-tokyo", "efface-ap03"];

/// What the template offers on request, for the second stack. The emulator deploys it but does not apply it. It does not
/// know the association of a web ACL, and would refuse a template that asks for one.
const OPTIONS: &str = "Console=off KmsKeyArn=arn:aws:kms:us-east-1:000000000000:key/made-up LogSourceAddress=true \
                       AlarmTopicArn=arn:aws:sns:us-east-1:000000000000:made-up";

/// How many people the job has in whose middle the second stack is deployed again.
const PEOPLE: usize = 6_000;

/// What changes then: something of every function, so that the emulator ends their processes.
const CHANGE: &str = "LogLevel=WARN";

/// Builds infra/template.yaml, deploys it to an emulator with the SAM CLI, and tests it as a client.
#[derive(Debug, Parser)]
#[command(name = "cargo stack-test", bin_name = "cargo stack-test")]
struct Options {
    /// Only replace the version of a stack in the middle of a job: that of another checkout of the repository by this
    /// one, and back. Both are built without optimisations.
    #[arg(long, value_name = "FOLDER")]
    upgrade_from: Option<PathBuf>,
    /// How many people each of these two jobs has.
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "upgrade_from")]
    people: usize,
    /// Build the functions without optimisations and without `sam build`: sooner, and not what is deployed to AWS.
    #[arg(long, conflicts_with = "upgrade_from")]
    quick: bool,
}

fn main() -> ExitCode {
    if let Some(code) = supervisor::run_if_requested() {
        return code;
    }
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.context("starting").and_then(|runtime| {
        runtime.block_on(async {
            match options.upgrade_from {
                Some(checkout) => Box::pin(upgrade::from(&checkout, options.people)).await,
                None => Box::pin(run(options.quick)).await,
            }
        })
    });
    match result {
        Ok(report) => {
            print(format_args!("{report}"));
            if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            say(format_args!("cargo stack-test: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(quick: bool) -> Result<Report, LocalError> {
    let workspace = Workspace::find()?;
    let tools = Tools::install(&workspace).await?;
    let folder = workspace.fresh("stack-test")?;
    let deployer = Deployer { workspace: &workspace, tools: &tools, folder: &folder };
    say("building the functions");
    let template = if quick { package(&workspace, &folder.join("now")).await? } else { deployer.build().await? };
    let emulator = Emulator::start(&tools, &folder).await?;
    emulator.create_bucket().await?;
    emulator.follow_streams();
    let mut report = Report::default();
    let first = deploy(&deployer, &emulator, &template, STACKS[0], "").await?;
    let efface = Efface::of_stack(&workspace, &emulator, STACKS[0]).await?;
    let tokens = efface.set_up().await?;
    let token = tokens["identity_admin"].0.as_str();
    // Only an optimised build names its commit.
    let commit = if quick { None } else { workspace.commit() };
    let records = Records::of_stack(&emulator, STACKS[0]).await?;
    records.poison().await?;
    requests::check(&first, commit, token, &mut report).await?;
    records.check(&first, token, &mut report).await?;
    console::check(&first, &mut report).await?;
    receipts::check(&first, &tokens["workspace_owner"].0, &mut report).await?;
    let queues = Queues::of_stack(&emulator, STACKS[0]).await?;
    jobs::check(&first, &queues, &tokens["workspace_owner"].0, &mut report).await?;
    segments::check(&first, &queues, &tokens["workspace_owner"].0, &mut report).await?;
    queues.check(&mut report).await?;
    monitoring::check(&emulator, STACKS[0], &mut report).await?;
    monitoring::check_undecided(&deployer, &emulator, &template, &mut report).await;
    let second = deploy(&deployer, &emulator, &template, STACKS[1], OPTIONS).await?;
    // The same space with other tokens. Before its first space, a stack has no check of its key, and its API does not start.
    let other = Efface::of_stack(&workspace, &emulator, STACKS[1]).await?;
    let others = other.set_up().await?;
    monitoring::check_topic(&emulator, STACKS[1], &mut report).await?;
    console::check_off(&emulator, STACKS[1], &second, &mut report).await?;
    requests::check_isolation(&first, &second, token, &mut report).await?;
    let (owner, options) = (others["workspace_owner"].0.as_str(), format!("{OPTIONS} {CHANGE}"));
    let site = Site { deployer: &deployer, emulator: &emulator, stack: STACKS[1], efface: &other, token: owner };
    let version = Version { template: &template, options: &options };
    Box::pin(site.replace("again", version, PEOPLE, &mut report)).await?;
    let records = Records::of_stack(&emulator, STACKS[1]).await?;
    records.check_tombstones("while a version was replaced", &mut report).await?;
    check_keys(&emulator, &mut report).await?;
    efface.check_revocation(&first, &tokens, &mut report).await?;
    queues.check_schedule(&mut report).await?;
    tear_down(&deployer, &emulator, &first, &mut report).await?;
    Ok(report)
}

async fn deploy(
    deployer: &Deployer<'_>,
    emulator: &Emulator,
    template: &Path,
    stack: &str,
    options: &str,
) -> Result<Gateway, LocalError> {
    say(format_args!("sam deploy {stack}"));
    deployer.deploy(emulator, template, stack, options).await?;
    Gateway::find(emulator, stack).await
}

/// Checks that each site has an identifier key and a log key of its own, from secrets of its own.
async fn check_keys(emulator: &Emulator, report: &mut Report) -> Result<(), LocalError> {
    let mut keys = Vec::new();
    for stack in STACKS {
        let variables = emulator.function_variables(&format!("{stack}-api")).await?;
        let is_key = |name: &str| name == "EFFACE_IDENTIFIER_KEY" || name == "EFFACE_LOG_KEY";
        keys.extend(variables.into_iter().filter(|(name, _)| is_key(name)).map(|(_, value)| value));
    }
    let found = keys.len();
    keys.sort();
    keys.dedup();
    let differ = found == 2 * STACKS.len() && keys.len() == found;
    report.check("two sites in one account and region have different identifier keys and log keys", differ, found);
    Ok(())
}

/// Deletes the stacks, and checks that their APIs are deleted and their tables are kept.
async fn tear_down(
    deployer: &Deployer<'_>,
    emulator: &Emulator,
    first: &Gateway,
    report: &mut Report,
) -> Result<(), LocalError> {
    for stack in STACKS {
        say(format_args!("sam delete {stack}"));
        deployer.delete(emulator, stack).await?;
    }
    report.check("a deleted stack has no API", first.get("/health", None).await?.status != 200, "it responds");
    let tables = emulator.deployed_tables().await?;
    for stack in STACKS {
        let kept = tables.iter().any(|table| table.starts_with(&format!("{stack}-")));
        report.check(&format!("the table of {stack} is kept"), kept, tables.join(", "));
    }
    Ok(())
}
