//! The records of the table's stream, as Lambda hands them over.
//!
//! Each record is read by itself: one that cannot be read must not fail the others, as it would if the event had one type.

use efface_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Item,
    journaled::{Journaled, JournaledKey},
    read::key_of,
};

/// An event of Lambda: records of one shard, in order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StreamEvent {
    /// The records, each as it came.
    #[serde(rename = "Records")]
    pub records: Vec<Value>,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamRecord {
    /// When the change was made, to the second.
    pub at: Time,
    /// The change; `None` where its item makes no events.
    pub change: Option<Journaled>,
}

/// Why a record was put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PutAside {
    /// It has not the form of a record.
    #[error("a record that is none")]
    UnreadableRecord,
    /// No version writes such a key.
    #[error("a record with a key that no version writes")]
    UnreadableKey,
    /// An image cannot be read.
    #[error("a record of an item that cannot be read")]
    UnreadableItem,
    /// No version writes such an item, so that it makes no events.
    #[error("a record of an item that makes no sense")]
    SenselessItem,
    /// The journal of its space has stopped: its head or a pack cannot be read.
    #[error("a record of a space whose journal has stopped")]
    SpaceStopped,
}

/// Where a record came from: all that is kept of one that is put aside. It holds no part of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The ARN of the stream.
    pub source: Option<String>,
    /// The number of the record in its shard. Numbers of a stream are unique.
    pub sequence_number: Option<String>,
    /// The id of the record.
    pub event_id: Option<String>,
    /// The partition key of the item; of one that no version writes, only its first letter. Keys of Efface hold no raw
    /// values.
    pub pk: Option<String>,
    /// The sort key of the item.
    pub sk: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    event_name: String,
    dynamodb: RawChange,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawChange {
    approximate_creation_date_time: f64,
    keys: serde_dynamo::Item,
    old_image: Option<serde_dynamo::Item>,
    new_image: Option<serde_dynamo::Item>,
}

impl StreamRecord {
    /// Reads a record.
    pub fn read(record: &Value) -> Result<Self, PutAside> {
        let Raw { event_name, dynamodb } = Raw::deserialize(record).map_err(|_| PutAside::UnreadableRecord)?;
        let RawChange { approximate_creation_date_time: seconds, keys, old_image, new_image } = dynamodb;
        let at = time(seconds).ok_or(PutAside::UnreadableRecord)?;
        let key = key_of(&item(keys)).map_err(|_| PutAside::UnreadableKey)?;
        let Some(key) = JournaledKey::of(&key).map_err(|_| PutAside::UnreadableKey)? else {
            return Ok(Self { at, change: None });
        };
        // A mapping without images, or a record that lacks the new one, would make nothing for good.
        let has_images = match event_name.as_str() {
            "INSERT" => new_image.is_some(),
            "MODIFY" => new_image.is_some() && old_image.is_some(),
            "REMOVE" => return Ok(Self { at, change: None }),
            _ => false,
        };
        if !has_images {
            return Err(PutAside::UnreadableRecord);
        }
        let change = key.read(old_image.map(item), new_image.map(item)).map_err(|_| PutAside::UnreadableItem)?;
        Ok(Self { at, change: Some(change) })
    }
}

/// Whether a record is of a stream whose records have not both images. The stream is set up wrongly, so that no record of it
/// tells what has changed.
pub fn lacks_images(record: &Value) -> bool {
    let view = record.pointer("/dynamodb/StreamViewType").and_then(Value::as_str);
    view.is_some_and(|view| view != "NEW_AND_OLD_IMAGES")
}

/// When the change of a record was made, to the second, if it says so.
pub fn recorded_at(record: &Value) -> Option<Time> {
    record.pointer("/dynamodb/ApproximateCreationDateTime").and_then(Value::as_f64).and_then(time)
}

impl Provenance {
    /// The same of a record whose key is none of Efface's: it could be any text, so only its first letter is kept.
    #[must_use]
    pub fn without_key(self) -> Self {
        let letter = |key: String| key.chars().next().filter(char::is_ascii_uppercase).map(String::from);
        Self { pk: self.pk.and_then(letter), sk: None, ..self }
    }

    /// Where a record came from, whatever else is wrong with it. What is not of the form that such a text has is left out.
    pub fn of(record: &Value) -> Self {
        let text = |place: &str| {
            let text = record.pointer(place).and_then(Value::as_str);
            text.filter(|text| is_plain(text)).map(str::to_owned)
        };
        Self {
            source: text("/eventSourceARN"),
            sequence_number: text("/dynamodb/SequenceNumber"),
            event_id: text("/eventID"),
            pk: text("/dynamodb/Keys/pk/S"),
            sk: text("/dynamodb/Keys/sk/S"),
        }
    }
}

/// Texts of keys, ARNs and numbers.
fn is_plain(text: &str) -> bool {
    text.len() <= 512
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b':' | b'/' | b'_' | b'.' | b'-'))
}

/// Whole seconds, as DynamoDB has them, or with a fraction.
fn time(seconds: f64) -> Option<Time> {
    let millis = (seconds * 1_000.0).round();
    let fits = (0.0..=1e15).contains(&millis);
    #[expect(clippy::cast_possible_truncation, reason = "it is a whole number of at most 15 digits")]
    let millis = millis as i64;
    if fits { Time::from_millis(millis) } else { None }
}

fn item(item: serde_dynamo::Item) -> Item {
    item.into_inner().into_iter().map(|(name, value)| (name, value.into())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(name: &str, pk: &str, images: &Value) -> Value {
        let mut change = json!({
            "ApproximateCreationDateTime": 1_767_225_600, "Keys": { "pk": { "S": pk }, "sk": { "S": "-" } },
            "SequenceNumber": "100000000001", "SizeBytes": 59, "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        change.as_object_mut().unwrap().extend(images.as_object().unwrap().clone());
        json!({
            "eventID": "c9fbe7d0261a5163fcb6940593e41797", "eventName": name, "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "dynamodb": change,
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:111122223333:table/profiles/stream/2026-01-01T00:00:00.000",
        })
    }

    fn space_item(version: &str) -> Value {
        json!({
            "pk": { "S": "S#spa_demo" }, "sk": { "S": "-" }, "activated": { "BOOL": true }, "source": { "NULL": true },
            "identifier_types": { "M": {} }, "reactor_instances": { "L": [] }, "created_at": { "S": "2026-01-01T00:00:00Z" },
            "deletions_per_second": { "N": "100" }, "deletions_per_second_per_profile": { "N": "100" }, "version": { "N": version },
        })
    }

    #[test]
    fn a_record_is_read_or_put_aside() {
        let (new, changed) = (json!({ "NewImage": space_item("1") }), json!({ "NewImage": space_item("2") }));
        let both = json!({ "OldImage": space_item("1"), "NewImage": space_item("2") });
        let wrong = json!({ "NewImage": space_item("x") });
        let without = |name: &str| {
            let mut record = record("INSERT", "S#spa_demo", &new);
            record["dynamodb"].as_object_mut().unwrap().remove(name);
            record
        };
        for (record, expected) in [
            (record("INSERT", "S#spa_demo", &new), Ok(true)),
            (record("MODIFY", "S#spa_demo", &both), Ok(true)),
            (record("REMOVE", "S#spa_demo", &json!({ "OldImage": space_item("1") })), Ok(false)),
            (record("INSERT", "K#spa_demo#A", &new), Ok(false)),
            (record("INSERT", "S#spa_demo", &json!({})), Err(PutAside::UnreadableRecord)),
            (record("MODIFY", "S#spa_demo", &changed), Err(PutAside::UnreadableRecord)),
            (record("RENAME", "S#spa_demo", &both), Err(PutAside::UnreadableRecord)),
            (record("INSERT", "S#a b", &new), Err(PutAside::UnreadableKey)),
            (record("INSERT", "S#spa_demo", &wrong), Err(PutAside::UnreadableItem)),
            (without("Keys"), Err(PutAside::UnreadableRecord)),
            (without("ApproximateCreationDateTime"), Err(PutAside::UnreadableRecord)),
            (json!("text"), Err(PutAside::UnreadableRecord)),
        ] {
            let read = StreamRecord::read(&record);
            assert_eq!(read.as_ref().map(|read| read.change.is_some()).map_err(|aside| *aside), expected, "{record}");
            let at = Time::parse("2026-01-01T00:00:00Z").unwrap();
            assert!(read.is_err() || read.is_ok_and(|read| read.at == at));
        }
    }

    #[test]
    fn what_is_kept_of_a_record_holds_no_image_and_no_text_of_another_form() {
        let mut record =
            record("INSERT", "I#spa_demo#x", &json!({ "NewImage": { "value": { "S": "ada@example.com" } } }));
        let provenance = Provenance::of(&record);
        assert_eq!((provenance.pk.as_deref(), provenance.sk.as_deref()), (Some("I#spa_demo#x"), Some("-")));
        assert_eq!(provenance.sequence_number.as_deref(), Some("100000000001"));
        assert!(provenance.event_id.is_some() && provenance.source.is_some());
        assert!(!serde_json::to_string(&provenance).unwrap().contains("ada"));
        record["dynamodb"]["Keys"] = json!({ "pk": { "S": "ada@example.com" }, "sk": 7 });
        assert_eq!(Provenance::of(&record), Provenance { pk: None, sk: None, ..provenance });
        assert_eq!(Provenance::of(&json!(7)), Provenance::default());
    }

    #[test]
    fn of_a_key_that_no_version_writes_only_the_letter_is_kept() {
        for (pk, expected) in [("I#ada", Some("I")), ("ada", None), ("#", None), ("", None)] {
            let provenance = Provenance::of(&record("INSERT", pk, &json!({})));
            let without = provenance.clone().without_key();
            assert_eq!(without, Provenance { pk: expected.map(str::to_owned), sk: None, ..provenance }, "{pk}");
        }
    }

    #[test]
    fn a_stream_without_both_images_is_noticed() {
        let both = record("INSERT", "S#spa_demo", &json!({}));
        for (view, expected) in [
            (json!("NEW_AND_OLD_IMAGES"), false),
            (json!("KEYS_ONLY"), true),
            (json!("NEW_IMAGE"), true),
            (json!("OLD_IMAGE"), true),
            (Value::Null, false),
        ] {
            let mut record = both.clone();
            record["dynamodb"]["StreamViewType"] = view.clone();
            assert_eq!(lacks_images(&record), expected, "{view}");
        }
        assert!(!lacks_images(&json!({})));
        assert_eq!(recorded_at(&both), Time::from_millis(1_767_225_600_000));
        assert_eq!(recorded_at(&json!({})), None);
    }

    #[test]
    fn times_are_whole_seconds_or_have_a_fraction() {
        assert_eq!(time(1.0), Time::from_millis(1_000));
        assert_eq!(time(1_767_225_600.123), Time::from_millis(1_767_225_600_123));
        assert_eq!([time(-1.0), time(f64::NAN), time(1e300)], [None, None, None]);
    }
}
