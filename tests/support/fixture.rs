//! Stored forms as files: the items of a table as lines of DynamoDB's JSON, and the messages of a queue as lines.

use std::{collections::HashMap, fs, path::Path};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use efface_core::job::row::{pack, unpack};
use serde_json::{Map, Value, json};

/// An item.
pub type Item = HashMap<String, AttributeValue>;

/// A table and a queue in the middle of jobs, and what they come to.
pub struct Fixture {
    /// The items of the table.
    pub items: Vec<Item>,
    /// The bodies of the messages that wait.
    pub messages: Vec<String>,
    /// What the version that wrote them made of them.
    pub expected: Value,
}

impl Fixture {
    /// Reads the files of a folder.
    pub fn read(folder: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let items = text("table.jsonl").lines().map(|line| item_of(&serde_json::from_str(line).unwrap())).collect();
        let messages = text("queue.jsonl").lines().map(str::to_owned).collect();
        Self { items, messages, expected: serde_json::from_str(&text("expected.json")).unwrap() }
    }

    /// Writes the files to a new folder.
    pub fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let mut items: Vec<String> = self.items.iter().map(|item| json_of_item(item).to_string()).collect();
        items.sort();
        fs::write(folder.join("table.jsonl"), items.join("\n") + "\n").unwrap();
        fs::write(folder.join("queue.jsonl"), self.messages.join("\n") + "\n").unwrap();
        fs::write(folder.join("expected.json"), format!("{:#}\n", self.expected)).unwrap();
    }

    /// The forms, sorted: for each kind of item its attributes with their types, the words of those that are words, the
    /// kinds in packed bytes, and what is in maps; for messages their fields, and their version.
    pub fn forms(&self) -> Vec<String> {
        let of_item = |item: &Item| {
            let mut forms = Vec::new();
            for (name, value) in item {
                add_forms(&format!("{}: {name}", kind(item)), name, value, &mut forms);
            }
            forms
        };
        let of_message = |message: &String| {
            let message: Map<String, Value> = serde_json::from_str(message).unwrap();
            let form = |(name, value): (&String, &Value)| {
                let value = if name == "version" { format!(" {value}") } else { String::new() };
                format!("message: {name}{value}")
            };
            message.iter().map(form).collect::<Vec<_>>()
        };
        let items = self.items.iter().flat_map(of_item);
        let mut forms: Vec<String> = items.chain(self.messages.iter().flat_map(of_message)).collect();
        forms.sort();
        forms.dedup();
        forms
    }
}

/// The kind of an item: the first letter of its partition key, and what its sort key begins with if that tells kinds apart.
fn kind(item: &Item) -> String {
    let key = |name: &str| item[name].as_s().unwrap().as_str();
    let (pk, sk) = (key("pk"), key("sk"));
    let within = match sk {
        "-" | "A" | "H" | "T" => sk,
        _ => sk.get(..2).filter(|start| start.ends_with('#')).unwrap_or("id"),
    };
    let of = if pk.contains("#target#") { " target" } else { "" };
    format!("{}{of} {within}", &pk[..1])
}

/// Attributes whose values are words of Efface.
const WORDS: [&str; 6] = ["action", "deletion_cursor", "reason", "redriving", "role", "state"];

fn add_forms(path: &str, name: &str, value: &AttributeValue, forms: &mut Vec<String>) {
    let json = json_of(value);
    let kind = json.as_object().unwrap().keys().next().unwrap();
    forms.push(format!("{path} {kind}"));
    match value {
        AttributeValue::S(word) if WORDS.contains(&name) => forms.push(format!("{path} = {word}")),
        AttributeValue::M(map) => {
            for (name, value) in map {
                add_forms(&format!("{path}.{name}"), name, value, forms);
            }
        }
        AttributeValue::B(bytes) if name == "rows" => {
            let rows = unpack(bytes.as_ref()).unwrap();
            forms.extend(rows.iter().map(|row| format!("{path} = kind {}", pack(std::slice::from_ref(row))[0])));
        }
        AttributeValue::B(bytes) if name == "outcomes" => {
            let halves = bytes.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
            forms.extend(halves.map(|number| format!("{path} = outcome {number}")));
        }
        _ => {}
    }
}

fn json_of_item(item: &Item) -> Value {
    item.iter().map(|(name, value)| (name.clone(), json_of(value))).collect()
}

fn json_of(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(is_true) => json!({ "BOOL": is_true }),
        AttributeValue::Null(_) => json!({ "NULL": true }),
        AttributeValue::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        AttributeValue::Ss(texts) => {
            let mut texts = texts.clone();
            texts.sort();
            json!({ "SS": texts })
        }
        AttributeValue::L(list) => json!({ "L": list.iter().map(json_of).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": json_of_item(map) }),
        other => panic!("the fixtures know no {other:?}"),
    }
}

fn item_of(json: &Value) -> Item {
    json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value_of(value))).collect()
}

fn value_of(json: &Value) -> AttributeValue {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(true),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(text()).unwrap())),
        "SS" => AttributeValue::Ss(serde_json::from_value(value.clone()).unwrap()),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(value_of).collect()),
        "M" => AttributeValue::M(item_of(value)),
        other => panic!("the fixtures know no {other}"),
    }
}
