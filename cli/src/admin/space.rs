//! `efface admin space`: creates, shows and changes a space.

use clap::{Args, Subcommand, ValueEnum};
use efface_aws::{Store, clock::Clock};
use efface_core::{
    identifier::Normalisation,
    space::{SOURCE_NAME, SourceState, Space, SpaceChange, SpaceId, TypeSpec},
};
use serde_json::{Value, json};

use super::type_spec;
use crate::{
    CliError, Output,
    output::{columns, printable},
};

/// The subcommands of `efface admin space`.
#[derive(Subcommand)]
pub enum SpaceCommand {
    /// Create a space
    #[command(after_help = "Example:\n  efface admin space create spa_demo --identifier-type loyalty_id:lowercase")]
    Create(Create),
    /// Show a space's settings
    #[command(after_help = "Example:\n  efface admin space show spa_demo")]
    Show {
        /// The space's id
        #[arg(value_parser = SpaceId::parse)]
        id: SpaceId,
    },
    /// Change a space's settings; the functions use the new settings within 60 seconds
    #[command(after_help = "Example:\n  efface admin space update spa_demo --deactivate --deletions-per-second 50")]
    Update(Update),
}

/// The options that `create` and `update` have in common.
#[derive(Args)]
pub(crate) struct Settings {
    /// Add an identifier type; with `:lowercase`, its values match regardless of letter case. This cannot be changed
    /// later
    #[arg(long = "identifier-type", value_name = "NAME[:lowercase]", value_parser = type_spec::parse)]
    identifier_types: Vec<TypeSpec>,
    /// The maximum number of single deletions per clock second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    deletions_per_second: Option<u32>,
    /// The maximum number of single deletions per clock second on one profile
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    deletions_per_second_per_profile: Option<u32>,
    /// An instance name that workflows send to address the space; repeatable. The given names replace the present ones
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
pub struct Update {
    /// The space's id
    #[arg(value_parser = SpaceId::parse)]
    id: SpaceId,
    #[command(flatten)]
    settings: Settings,
    /// Switch the deletion API on
    #[arg(long, conflicts_with = "deactivate")]
    activate: bool,
    /// Switch the deletion API off
    #[arg(long)]
    deactivate: bool,
    /// Attach or detach the space's source; the API rejects deletions while it is detached
    #[arg(long, value_name = "STATE")]
    source: Option<SourceArg>,
    /// Remove all instance names of the space
    #[arg(long, conflicts_with = "reactor_instances")]
    no_reactor_instances: bool,
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
            reactor_instances: (!names.is_empty()).then(|| names.clone()),
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

pub(crate) async fn run(command: &SpaceCommand, store: &Store) -> Result<Output, CliError> {
    let (id, space) = match command {
        SpaceCommand::Create(create) => {
            let mut change = create.settings.change();
            change.activated = Some(!create.inactive);
            (&create.id, store.create_space(&create.id, &change, Clock::system().now()).await?)
        }
        SpaceCommand::Show { id } => (id, store.space(id).await?.ok_or_else(|| CliError::UnknownSpace(id.clone()))?),
        SpaceCommand::Update(update) => (&update.id, store.update_space(&update.id, &update.change()?).await?),
    };
    Ok(Output::success(text(id, &space), json(id, &space)))
}

fn json(id: &SpaceId, space: &Space) -> Value {
    let types = space.identifier_types.all();
    let types: Vec<Value> = types.map(|(name, n)| json!({"name": name, "normalisation": n})).collect();
    json!({"space": {
        "id": id.as_str(),
        "activated": space.activated,
        "identifier_types": types,
        "deletions_per_second": space.deletions_per_second,
        "deletions_per_second_per_profile": space.deletions_per_second_per_profile,
        "source": space.source,
        "reactor_instances": space.reactor_instances,
        "created_at": space.created_at,
    }})
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
    let rows = [
        ["space".to_owned(), id.to_string()],
        ["deletion API".to_owned(), if space.activated { "on" } else { "off" }.to_owned()],
        ["identifier types".to_owned(), types.collect::<Vec<_>>().join(", ")],
        ["deletions per second".to_owned(), space.deletions_per_second.to_string()],
        ["  on one profile".to_owned(), space.deletions_per_second_per_profile.to_string()],
        ["source".to_owned(), source],
        ["reactor instances".to_owned(), printable(&space.reactor_instances.join(", "))],
        ["created".to_owned(), space.created_at.to_string()],
    ];
    columns(&rows)
}
