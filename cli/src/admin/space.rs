//! `efface admin space`: make, show and change a space.

use clap::{Args, Subcommand, ValueEnum};
use efface_aws::{Store, clock::Clock};
use efface_core::{
    identifier::Normalisation,
    space::{SOURCE_NAME, SourceState, Space, SpaceChange, SpaceId, TypeSpec},
};
use serde_json::{Value, json};

use super::type_spec;
use crate::{
    Answer, CliError,
    output::{columns, harmless},
};

/// What to do with a space.
#[derive(Subcommand)]
pub enum SpaceCommand {
    /// Make a space
    #[command(after_help = "Example:\n  efface admin space create spa_demo --identifier-type loyalty_id:lowercase")]
    Create(Create),
    /// Show a space's settings
    #[command(after_help = "Example:\n  efface admin space show spa_demo")]
    Show {
        /// The space's id
        #[arg(value_parser = SpaceId::parse)]
        id: SpaceId,
    },
    /// Change a space's settings; functions see the change within 60 seconds
    #[command(after_help = "Example:\n  efface admin space update spa_demo --deactivate --deletions-per-second 50")]
    Update(Update),
}

/// Settings that a new space and a change have in common.
#[derive(Args)]
pub(crate) struct Settings {
    /// Add an identifier type; `:lowercase` compares its values by their lower-case form, for good
    #[arg(long = "identifier-type", value_name = "NAME[:lowercase]", value_parser = type_spec::parse)]
    identifier_types: Vec<TypeSpec>,
    /// The most single deletions in a clock second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    deletions_per_second: Option<u32>,
    /// The most single deletions on one profile in a clock second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    deletions_per_second_per_profile: Option<u32>,
    /// A name under which workflows address the space; all names given replace the old ones
    #[arg(long = "reactor-instance", value_name = "NAME")]
    reactor_instances: Vec<String>,
}

/// A new space.
#[derive(Args)]
pub struct Create {
    /// The space's id: 1 to 64 of a-z, A-Z, 0-9, `_`, `-`
    #[arg(value_parser = SpaceId::parse)]
    id: SpaceId,
    #[command(flatten)]
    settings: Settings,
    /// Leave the deletion API switched off
    #[arg(long)]
    inactive: bool,
}

/// A change.
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
    /// Attach or detach the source that deletions come from; without it they are refused
    #[arg(long, value_name = "STATE")]
    source: Option<SourceArg>,
    /// Take all names away under which workflows address the space
    #[arg(long, conflicts_with = "reactor_instances")]
    no_reactor_instances: bool,
}

/// A source's state on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum SourceArg {
    /// In use
    Attached,
    /// Taken off
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

pub(crate) async fn run(command: &SpaceCommand, store: &Store) -> Result<Answer, CliError> {
    let (id, space) = match command {
        SpaceCommand::Create(create) => {
            let mut change = create.settings.change();
            change.activated = Some(!create.inactive);
            (&create.id, store.create_space(&create.id, &change, Clock::system().now()).await?)
        }
        SpaceCommand::Show { id } => (id, store.space(id).await?.ok_or_else(|| CliError::UnknownSpace(id.clone()))?),
        SpaceCommand::Update(update) => (&update.id, store.update_space(&update.id, &update.change()?).await?),
    };
    Ok(Answer::done(text(id, &space), json(id, &space)))
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
    let source = space.source.as_ref().map_or("made at the first deletion".to_owned(), |source| {
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
        ["reactor instances".to_owned(), harmless(&space.reactor_instances.join(", "))],
        ["created".to_owned(), space.created_at.to_string()],
    ];
    columns(&rows)
}
