//! What a deletion of a segment's users would do, as the API says it before the deletion is confirmed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    api::ApiError,
    output::{columns, printable},
};

/// The plan of a deletion. Fields that this program does not use are kept in `rest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DeletionPlan {
    /// How many members the segment has. `None` if there are too many to count at once.
    pub(super) members: Option<u64>,
    pub(super) consequences: Vec<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl DeletionPlan {
    /// The plan beside the error that asks for a confirmation. `None` for any other error.
    pub(super) fn of_error(error: &ApiError) -> Option<Self> {
        let plan = error.details.get("plan").filter(|_| error.code == "confirmation_required")?;
        serde_json::from_value(plan.clone()).ok()
    }

    /// A text for users: the number of members, and every consequence.
    pub(super) fn text(&self) -> String {
        let members = match self.members {
            Some(members) => format!("{members:>10}"),
            None => "not known: too many to count at once".to_owned(),
        };
        let table = columns(&[["members".to_owned(), members]]);
        let consequences: Vec<String> = self.consequences.iter().map(|told| printable(told)).collect();
        let separator = if consequences.is_empty() { "" } else { "\n\n" };
        format!("{table}{separator}{}", consequences.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(json: Value) -> DeletionPlan {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_members_and_every_consequence_are_shown() {
        let text = plan(json!({"members": 3, "consequences": ["One.", "T\u{1b}wo."]})).text();
        assert_eq!(text, "members           3\n\nOne.\nT\u{fffd}wo.");
        assert_eq!(plan(json!({"members": 0})).text(), "members           0");
        assert_eq!(plan(json!({"members": null})).text(), "members  not known: too many to count at once");
    }

    #[test]
    fn only_a_request_for_confirmation_has_a_plan() {
        let details = json!({"plan": {"members": 3}}).as_object().unwrap().clone();
        let error = |code: &str| {
            let (code, message) = (code.to_owned(), String::new());
            ApiError { status: 409, code, message, request_id: None, details: details.clone(), retry_after: None }
        };
        assert_eq!(DeletionPlan::of_error(&error("confirmation_required")).unwrap().members, Some(3));
        assert_eq!(DeletionPlan::of_error(&error("job_in_progress")), None);
    }
}
