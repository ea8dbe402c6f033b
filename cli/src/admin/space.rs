//! `efface admin space`: creates, lists, shows and changes spaces.

use clap::{Args, Subcommand, ValueEnum, builder::TypedValueParser};
use efface_aws::{Store, clock::Clock};
use efface_core::{
    identifier::Normalisation,
    limit::{Limit, SETTINGS},
    segment::MAX_SETTLING_SECONDS,
    space::{ApprovalChange, SOURCE_NAME, SourceState, Space, SpaceChange, SpaceId, TypeSpec},
};
use serde_json::{Value, json};

use super::{
    live::{self, InFlight},
    space_list, type_spec,
};
use crate::{
    CliError, Interrupts, Output, connect,
    output::{columns, printable},
};

/// The subcommands of `efface admin space`.
#[derive(Subcommand)]
pub enum SpaceCommand {
    /// Create a space
    #[command(after_help = "Example:\n  efface admin space create spa_demo --identifier-type loyalty_id:lowercase")]
    Create(Create),
    /// List the spaces of the stack, with what is stopped
    List(space_list::ListArgs),
    /// Show a space's settings
    #[command(after_help = "Example:\n  efface admin space show spa_demo")]
    Show {
        /// The space's id
        #[arg(value_parser = SpaceId::parse)]
        id: SpaceId,
    },
    /// Change a space's settings; the functions use the new settings within 60 seconds. --deactivate also pauses its jobs
    #[command(after_help = UPDATE_HELP)]
    Update(Update),
}

const UPDATE_HELP: &str = "\
Example:
  efface admin space update spa_demo --deactivate --deletions-per-second 50

Exit codes:
  0    changed; with --deactivate, nothing is in flight, or, with --no-wait, the jobs are paused
  1    the command failed; or, with --deactivate, jobs cannot be read: the output says so
  2    the command line or a setting is wrong; nothing was changed
  3    the table was unavailable; or, with --deactivate, something is still in flight: run the command again
  130  stopped by Ctrl-C; 143: by SIGTERM. With --deactivate only the waiting has ended: deletions are switched off";

/// The options that `create` and `update` have in common.
#[derive(Args)]
pub(crate) struct Settings {
    /// Add an identifier type; with `:lowercase`, its values match regardless of letter case. This cannot be changed
    /// later
    #[arg(long = "identifier-type", value_name = "NAME[:lowercase]", value_parser = type_spec::parse)]
    identifier_types: Vec<TypeSpec>,
    /// The maximum number of single deletions per clock second; more than 1000 acts as 1000
    #[arg(long, value_name = "N", value_parser = limit())]
    deletions_per_second: Option<u32>,
    /// The maximum number of single deletions per clock second on one profile; more than 1000 acts as 1000
    #[arg(long, value_name = "N", value_parser = limit())]
    deletions_per_second_per_profile: Option<u32>,
    /// The maximum number of jobs and pages per clock second; more than 1000 acts as 1000
    #[arg(long, value_name = "N", value_parser = limit())]
    jobs_per_second: Option<u32>,
    /// The maximum number of dry runs per clock second; more than 1000 acts as 1000
    #[arg(long, value_name = "N", value_parser = limit())]
    dry_runs_per_second: Option<u32>,
    /// The maximum number of reads per clock second in each instance of the function
    #[arg(long, value_name = "N", value_parser = limit())]
    reads_per_second: Option<u32>,
    /// A job with more than N rows, with those of its group, waits until a second token approves it: a guard against
    /// mistakes; `none` switches it off
    #[arg(long, value_name = "N|none", value_parser = approval)]
    approval_over: Option<ApprovalChange>,
    /// Seconds between the emptying of a segment and the last look at it, after which its job is completed; 300 by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_SETTLING_SECONDS)))]
    settling_seconds: Option<u32>,
    /// A name by which workflows address the space (x-reactor-instance-name); repeatable. On an update the given names
    /// replace the present ones
    #[arg(long = "reactor-instance", value_name = "NAME")]
    reactor_instances: Vec<String>,
}

/// The options of `efface admin space create`.
#[derive(Args)]
pub struct Create {
    /// The space's id: 1 to 64 of a-z, A-Z, 0-9, `_`, `-`
    #[arg(value_parser = SpaceId::parse)]
    id: SpaceId,
    #[command(flatten)]
    settings: Settings,
    /// Create the space with the deletion API switched off
    #[arg(long)]
    inactive: bool,
}

/// The options of `efface admin space update`.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own on the command line")]
pub struct Update {
    /// The space's id
    #[arg(value_parser = SpaceId::parse)]
    id: SpaceId,
    #[command(flatten)]
    settings: Settings,
    /// Switch the deletion API on; jobs that were paused stay paused until people resume them
    #[arg(long, conflicts_with = "deactivate")]
    activate: bool,
    /// Switch the deletion API off, and pause the space's jobs; it waits until nothing is in flight
    #[arg(long)]
    deactivate: bool,
    /// With --deactivate: do not wait until nothing is in flight any more
    #[arg(long, requires = "deactivate")]
    no_wait: bool,
    /// Attach or detach the space's source; the API rejects whatever deletes while it is detached
    #[arg(long, value_name = "STATE")]
    source: Option<SourceArg>,
    /// Remove all instance names of the space
    #[arg(long, conflicts_with = "reactor_instances")]
    no_reactor_instances: bool,
}

/// A limit, as the options name it.
fn limit() -> impl TypedValueParser<Value = u32> {
    let (least, most) = SETTINGS.into_inner();
    clap::value_parser!(u32).range(i64::from(least)..=i64::from(most))
}

/// A change of the rows that need no approval, as `--approval-over` names it.
fn approval(text: &str) -> Result<ApprovalChange, String> {
    let rows = || text.parse().map(ApprovalChange::Over).map_err(|_| "give a number of rows, or `none`".to_owned());
    if text == "none" { Ok(ApprovalChange::Off) } else { rows() }
}

/// The state of a source, as `--source` names it.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SourceArg {
    /// Deletions are accepted
    Attached,
    /// Deletions are rejected
    Detached,
}

impl Settings {
    fn change(&self) -> SpaceChange {
        let names = &self.reactor_instances;
        SpaceChange {
            identifier_types: self.identifier_types.clone(),
            deletions_per_second: self.deletions_per_second,
            deletions_per_second_per_profile: self.deletions_per_second_per_profile,
            jobs_per_second: self.jobs_per_second,
            dry_runs_per_second: self.dry_runs_per_second,
            reads_per_second: self.reads_per_second,
            reactor_instances: (!names.is_empty()).then(|| names.clone()),
            approval_over: self.approval_over.unwrap_or_default(),
            settling_seconds: self.settling_seconds,
            ..SpaceChange::default()
        }
    }
}

impl Update {
    fn change(&self) -> Result<SpaceChange, CliError> {
        let mut change = self.settings.change();
        change.activated = (self.activate || self.deactivate).then_some(self.activate);
        change.source = self.source.map(|source| match source {
            SourceArg::Attached => SourceState::Attached,
            SourceArg::Detached => SourceState::Detached,
        });
        if self.no_reactor_instances {
            change.reactor_instances = Some(Vec::new());
        }
        if change == SpaceChange::default() { Err(CliError::NothingToChange) } else { Ok(change) }
    }
}

impl SpaceCommand {
    /// Whether the command handles Ctrl-C and SIGTERM itself, to finish work.
    pub(super) fn handles_interrupts(&self) -> bool {
        match self {
            Self::List(_) => true,
            Self::Update(update) => update.deactivate,
            Self::Create(_) | Self::Show { .. } => false,
        }
    }
}

pub(crate) async fn run(
    command: &SpaceCommand,
    settings: &crate::settings::Settings<'_>,
    interrupts: &Interrupts,
) -> Result<Output, CliError> {
    let store = &match command {
        SpaceCommand::Create(_) => connect::open(settings).await?.store,
        _ => connect::keyless(settings).await?,
    };
    let (id, space) = match command {
        SpaceCommand::List(args) => return space_list::run(args, store, settings.global.json, interrupts).await,
        SpaceCommand::Update(update) if update.deactivate => return deactivate(update, store, interrupts).await,
        SpaceCommand::Create(create) => {
            let mut change = create.settings.change();
            change.activated = Some(!create.inactive);
            (&create.id, store.create_space(&create.id, &change, Clock::system().now()).await?)
        }
        SpaceCommand::Show { id } => (id, store.space(id).await?.ok_or_else(|| CliError::UnknownSpace(id.clone()))?),
        SpaceCommand::Update(update) => {
            (&update.id, store.update_space(&update.id, &update.change()?, Clock::system().now()).await?)
        }
    };
    Ok(Output::success(text(id, &space), json(id, &space)))
}

/// Switches the deletion API off, and pauses the space's jobs: the switch is written first, so that none starts after it.
async fn deactivate(update: &Update, store: &Store, interrupts: &Interrupts) -> Result<Output, CliError> {
    let id = &update.id;
    let space = store.update_space(id, &update.change()?, Clock::system().now()).await?;
    let (engine, in_flight) = (live::engine(store), InFlight::after(Clock::system().now(), Some(id)));
    let mut live = live::pause(&engine, Some(id)).await?;
    let mut is_over = false;
    if !update.no_wait {
        (live, is_over) = in_flight.wait(&engine, live, interrupts).await?;
    }
    let hint = "When the space is activated again, `efface jobs resume` resumes a job.";
    let (told, flight) = (live::summary(&live), in_flight.text(&live.jobs, is_over));
    let mut json = json(id, &space);
    json["jobs"] = live::json(&live.jobs);
    json["unreadable_jobs"] = live.unreadable.into();
    json["in_flight"] = in_flight.json(&live.jobs, is_over);
    let exit = live::exit_code(&live, update.no_wait || is_over, interrupts);
    Ok(Output { text: format!("{}\n\n{told}\n{flight}\n{hint}", text(id, &space)), json, exit })
}

/// The limits of a space: the name of each setting, its title, the setting, and what it acts as.
fn limits(space: &Space) -> [(&'static str, &'static str, u32, u32); 5] {
    let per_profile = space.deletions_per_second_per_profile;
    let limit = |name, title, setting, limit: Limit| (name, title, setting, limit.acting(setting));
    [
        limit("deletions_per_second", "deletions per second", space.deletions_per_second, Limit::Deletions),
        limit("deletions_per_second_per_profile", "  on one profile", per_profile, Limit::Deletions),
        limit("jobs_per_second", "jobs and pages per second", space.jobs_per_second, Limit::Jobs),
        limit("dry_runs_per_second", "dry runs per second", space.dry_runs_per_second, Limit::DryRuns),
        limit("reads_per_second", "reads per second, by instance", space.reads_per_second, Limit::Reads),
    ]
}

fn json(id: &SpaceId, space: &Space) -> Value {
    let types = space.identifier_types.all();
    let types: Vec<Value> = types.map(|(name, n)| json!({"name": name, "normalisation": n})).collect();
    let mut document = json!({
        "id": id.as_str(),
        "activated": space.activated,
        "identifier_types": types,
        "source": space.source,
        "reactor_instances": space.reactor_instances,
        "approval_over": space.approval_over,
        "settling_seconds": space.settling_seconds,
        "created_at": space.created_at,
    });
    for (name, _, setting, acting) in limits(space) {
        document[name] = setting.into();
        document["acting_limits"][name] = acting.into();
    }
    json!({"space": document})
}

fn text(id: &SpaceId, space: &Space) -> String {
    let types = space.identifier_types.all().map(|(name, normalisation)| match normalisation {
        Normalisation::None => name.to_owned(),
        Normalisation::Lowercase => format!("{name} (lowercase)"),
    });
    let source = space.source.as_ref().map_or("created at the first deletion".to_owned(), |source| {
        let state = if source.state == SourceState::Attached { "attached" } else { "detached" };
        format!("{SOURCE_NAME} {} {state}", source.id)
    });
    let mut rows = vec![
        ["space".to_owned(), id.to_string()],
        ["deletion API".to_owned(), if space.activated { "on" } else { "off" }.to_owned()],
        ["identifier types".to_owned(), types.collect::<Vec<_>>().join(", ")],
    ];
    for (_, title, setting, acting) in limits(space) {
        let acts = if acting == setting { String::new() } else { format!(" (acts as {acting})") };
        rows.push([title.to_owned(), format!("{setting}{acts}")]);
    }
    rows.extend([
        ["source".to_owned(), source],
        ["reactor instances".to_owned(), printable(&space.reactor_instances.join(", "))],
        [
            "approval of jobs".to_owned(),
            space.approval_over.map_or("none".to_owned(), |rows| format!("over {rows} rows")),
        ],
        ["settling of segments".to_owned(), format!("{} s", space.settling_seconds)],
        ["created".to_owned(), space.created_at.to_string()],
    ]);
    columns(&rows)
}
