//! `efface admin token create`: creates a token, and shows it once.

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use efface_aws::{Store, store::token::NewToken};
use efface_core::{
    role::Role,
    space::SpaceId,
    time::{BadTime, Time},
    token_label::{BadLabel, TokenLabel},
};

use super::{document, existing, expiry, label_text};
use crate::{CliError, Output, admin::duration};

/// How long a token is valid unless its maker says otherwise, in seconds: 90 days.
const DEFAULT_LIFE_SECONDS: i64 = 90 * 86_400;

pub(super) const CREATE_HELP: &str = "\
Example:
  efface admin token create spa_demo --role identity_admin --label 'nightly cleanup'
  efface admin token create spa_demo --role privacy_admin --label 'deletion workflow' --expires-in 30d";

/// The options of `efface admin token create`.
#[derive(Args)]
pub struct Create {
    /// The id of the space that the token gives access to
    #[arg(value_parser = SpaceId::parse)]
    space: SpaceId,
    /// The token's role, which decides what it may do
    #[arg(long, value_parser = role())]
    role: Role,
    /// What the token is for, such as 'nightly cleanup'. Name a program or a team, no person: everybody who may list the
    /// space's tokens sees it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = label)]
    label: Option<TokenLabel>,
    /// Let the token expire after this time, such as 12h, 90d or 52w [default: 90d]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, conflicts_with = "expires_at")]
    expires_in: Option<i64>,
    /// Let the token expire at this time, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<Time>,
    /// Let the token never expire; it has to be revoked then
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    no_expiry: bool,
}

impl Create {
    fn expires_at(&self, now: Time) -> Option<Time> {
        let seconds = self.expires_in.unwrap_or(DEFAULT_LIFE_SECONDS);
        self.expires_at.or_else(|| (!self.no_expiry).then(|| now.plus_seconds(seconds)))
    }
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|name| name.parse::<Role>())
}

fn label(text: &str) -> Result<TokenLabel, BadLabel> {
    text.parse()
}

fn time(text: &str) -> Result<Time, BadTime> {
    Time::parse(text)
}

pub(super) async fn create_token(create: &Create, store: &Store, now: Time) -> Result<Output, CliError> {
    let expires_at = create.expires_at(now);
    if expires_at.is_some_and(|expires| expires <= now) {
        return Err(CliError::PastExpiry);
    }
    let space = existing(&create.space, store).await?;
    let new = NewToken { role: create.role, label: create.label.clone(), expires_at };
    let (token, record) = store.create_labelled_token(space, new, now).await?;
    let mut json = document(&record);
    json["token"] = token.expose().into();
    let text = format!(
        "{}\n\nThis token is shown once and stored nowhere. Keep it in a safe place now.\n\
         id {}, label {}, role {}, space {space}, {}",
        token.expose(),
        record.token_id,
        label_text(&record),
        record.role,
        expiry(&record),
    );
    Ok(Output::success(text, json))
}
