//! What to do about a request that the API refuses because of a segment's state.

use serde_json::Value;

use crate::{CliError, jobs::command};

/// Adds to the message what the response says beside it.
pub(super) fn explained(error: CliError) -> CliError {
    let CliError::Api(mut error) = error else { return error };
    let more = match (error.code.as_str(), error.details.get("job_id"), error.details.get("members")) {
        ("job_in_progress", Some(Value::String(job)), _) => {
            format!("; `{} --watch` follows the job", command("status", job))
        }
        ("members_changed", _, Some(Value::Number(members))) => {
            format!("; there are {members} members now: run the command again to see what would be deleted")
        }
        _ => String::new(),
    };
    error.message.push_str(&more);
    CliError::Api(error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::ApiError;

    fn check(code: &str, details: &Value, expected: &str) {
        let (code, details) = (code.to_owned(), details.as_object().unwrap().clone());
        let error =
            ApiError { status: 409, code, message: "No".to_owned(), request_id: None, details, retry_after: None };
        let text = explained(error.into()).to_string();
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        check("job_in_progress", &json!({"job_id": "job_1"}), "No; `efface jobs status job_1 --watch` follows the job");
        check("members_changed", &json!({"members": 7}), "No; there are 7 members now");
        check("job_in_progress", &json!({}), "409 job_in_progress): No");
    }
}
