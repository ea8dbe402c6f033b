//! How much a deletion of one profile would remove, by a dry run: the API counts as it would delete.

use efface_core::identifier::ExternalId;
use serde::Deserialize;
use serde_json::json;

use crate::{
    CliError,
    api::{ApiRequest, idempotency_key},
    jobs::{Jobs, Plan},
};

/// The response to the dry run. Without a plan it has become a job that takes longer.
#[derive(Deserialize)]
struct DryRun {
    #[serde(default)]
    plan: Option<Plan>,
}

/// How much would be deleted.
///
/// # Errors
/// No profile has the identifier.
pub(super) async fn how_much(jobs: &Jobs, id: &ExternalId) -> Result<String, CliError> {
    let row = format!("{}:{}", id.id_type.as_str(), id.value.expose());
    let body = json!({"action": "delete_profile", "rows": [row], "dry_run": true});
    let request = ApiRequest::post(jobs.api.path("deletion_jobs"), body.to_string());
    let request = request.with_key(idempotency_key(None)?);
    let dry_run: DryRun = jobs.api.request(&request).await.map_err(CliError::without_key)?;
    match dry_run.plan {
        Some(plan) if plan.profiles == 0 => {
            Err(CliError::NotFound(format!("no profile has this {}", id.id_type.as_str())))
        }
        Some(plan) => Ok(plan.extent("profile")),
        None => Ok("1 profile, too large to be counted in a moment".to_owned()),
    }
}
