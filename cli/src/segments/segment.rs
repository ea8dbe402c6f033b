//! A segment, as the API describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    jobs::Job,
    output::{columns, printable},
};

/// A segment. Fields that this program does not use are kept in `rest`, so that they appear in the JSON output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) id: String,
    pub(super) name: String,
    kind: String,
    state: String,
    #[serde(default)]
    members: Option<u64>,
    #[serde(default)]
    counted_at: Option<String>,
    #[serde(default)]
    job: Option<Job>,
    #[serde(default)]
    notifications: Vec<Notification>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    disabled_at: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// What the users of a segment should know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Notification {
    at: String,
    kind: String,
    text: String,
    #[serde(default)]
    job_id: Option<String>,
}

/// A response that contains one segment.
#[derive(Debug, Deserialize)]
pub(super) struct SegmentResponse {
    pub(super) segment: Segment,
}

impl Segment {
    /// A table for users, then the job and the notifications.
    pub(super) fn text(&self) -> String {
        let mut rows = vec![
            ["segment".to_owned(), printable(&self.id)],
            ["name".to_owned(), printable(&self.name)],
            ["kind".to_owned(), printable(&self.kind)],
            ["state".to_owned(), printable(&self.state)],
            ["members".to_owned(), self.members_text()],
        ];
        for (name, time) in [("created", &self.created_at), ("disabled", &self.disabled_at)] {
            rows.extend(time.as_ref().map(|time| [name.to_owned(), printable(time)]));
        }
        let job = self.job.as_ref().map(|job| format!("\n\n{}", job.text())).unwrap_or_default();
        format!("{}{job}{}", columns(&rows), self.notifications_text())
    }

    fn members_text(&self) -> String {
        match (self.members, &self.counted_at) {
            (Some(members), Some(time)) => format!("{members} (counted {})", printable(time)),
            (Some(members), None) => members.to_string(),
            (None, _) => "not counted".to_owned(),
        }
    }

    fn notifications_text(&self) -> String {
        if self.notifications.is_empty() {
            return String::new();
        }
        let row = |told: &Notification| {
            let job = printable(told.job_id.as_deref().unwrap_or("-"));
            [printable(&told.at), printable(&told.kind), job, printable(&told.text)]
        };
        let names = ["at", "notification", "job", "what"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(names).chain(self.notifications.iter().map(row)).collect();
        format!("\n\n{}", columns(&rows))
    }
}

/// A table of segments.
pub(super) fn table(segments: &[Segment]) -> String {
    let names = ["segment", "name", "kind", "state", "members", "job", "created"].map(str::to_owned);
    let row = |segment: &Segment| {
        let members = segment.members.map_or_else(|| "-".to_owned(), |members| members.to_string());
        let job = segment.job.as_ref().map_or_else(|| "-".to_owned(), |job| printable(&job.id));
        let created = printable(segment.created_at.as_deref().unwrap_or("-"));
        let [id, name, kind, state] = [&segment.id, &segment.name, &segment.kind, &segment.state].map(|s| printable(s));
        [id, name, kind, state, members, job, created]
    };
    columns(&std::iter::once(names).chain(segments.iter().map(row)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn segment(more: &Value) -> Segment {
        let mut segment = json!({"id": "seg_1", "name": "V\u{1b}IP", "kind": "manual_segment", "state": "enabled",
            "members": null, "counted_at": null, "job": null, "notifications": [], "created_at": "T1",
            "disabled_at": null, "new": 7});
        segment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let read: Segment = serde_json::from_value(segment.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), segment, "a segment keeps all its fields");
        read
    }

    #[test]
    fn a_segment_is_shown_with_its_notifications() {
        let text = segment(&json!({})).text();
        assert!(text.contains("name     V\u{fffd}IP\n") && text.contains("members  not counted\n"), "{text}");
        let told = json!([{"at": "T3", "kind": "deleted", "text": "All are deleted.", "job_id": "job_1"}]);
        let more = json!({"members": 3, "counted_at": "T2", "notifications": told});
        let text = segment(&more).text();
        assert!(text.contains("members  3 (counted T2)"), "{text}");
        assert!(text.contains("T3  deleted       job_1  All are deleted."), "{text}");
    }

    #[test]
    fn segments_are_listed_in_a_table() {
        let text = table(&[segment(&json!({"members": 3}))]);
        assert!(text.ends_with("seg_1    V\u{fffd}IP  manual_segment  enabled  3        -    T1"), "{text}");
    }
}
