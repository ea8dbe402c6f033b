//! What invokes the function.

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// An event of the function. A batch of SQS has `Records`; every other event is taken for one of the schedule, whose form
/// is the template's.
#[derive(Debug)]
pub enum Event {
    /// Messages of the queue.
    Messages(Vec<SqsMessage>),
    /// It is time to look after spaces whose pointer may be lost.
    Schedule,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = Value::deserialize(deserializer)?;
        if event.get("Records").is_none() {
            return Ok(Self::Schedule);
        }
        let event: SqsEvent = serde_json::from_value(event).map_err(D::Error::custom)?;
        Ok(Self::Messages(event.records))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(event: &str) -> Option<usize> {
        match serde_json::from_str(event).unwrap() {
            Event::Messages(messages) => Some(messages.len()),
            Event::Schedule => None,
        }
    }

    #[test]
    fn a_batch_is_told_from_the_schedule() {
        let message = r#"{"messageId":"1","body":"{}","eventSource":"aws:sqs"}"#;
        assert_eq!(kind(&format!(r#"{{"Records":[{message},{message}]}}"#)), Some(2));
        assert_eq!(kind(r#"{"version":"0","source":"aws.events","detail":{}}"#), None);
        assert!(serde_json::from_str::<Event>(r#"{"Records":7}"#).is_err());
    }
}
