//! Checks that a deletion over HTTP has a receipt that holds, with the log's key and without anything else of the stack.

use std::time::Duration;

use efface_core::{
    identifier::{ExternalId, IdentifierType, IdentifierValue},
    log::{
        note::VerifierKey,
        receipt::Receipt,
        verify::{Expected, verify},
    },
};
use efface_local::{error::LocalError, seeds::DEMO_SPACE};
use serde_json::Value;

use crate::{gateway::Gateway, queues::wait, report::Report};

/// How long a receipt may take.
const TIMEOUT: Duration = Duration::from_mins(2);
/// What was deleted.
const TYPE: &str = "email";
const VALUE: &str = "example@gmail.com";

/// Gets the receipt of a deletion that was made before, and verifies it. Another value, and a changed receipt, must not hold.
pub(crate) async fn check(gateway: &Gateway, token: &str, report: &mut Report) -> Result<(), LocalError> {
    let (space, mut text) = (format!("/v1/spaces/{DEMO_SPACE}"), String::new());
    let is_there = wait(TIMEOUT, async || {
        let reply = gateway.get(&format!("{space}/receipts/{TYPE}:{VALUE}"), Some(token)).await?;
        let is_there = reply.status == 200;
        text = reply.text;
        Ok(is_there)
    });
    let is_there = is_there.await?;
    report.check("a deletion has a receipt", is_there, &text);
    let keys = gateway.get(&format!("{space}/log/key"), Some(token)).await?.json();
    let key = keys["keys"][0]["key"].as_str().unwrap_or_default();
    report.check("the receipt holds with the log's key", holds(&text, key, VALUE), &keys);
    report.check("the receipt does not hold for another value", !holds(&text, key, "other@example.com"), Value::Null);
    report.check("a changed receipt does not hold", !holds(&changed(&text), key, VALUE), Value::Null);
    Ok(())
}

/// A receipt with another letter in its second line, which has the entry.
fn changed(receipt: &str) -> String {
    let mut lines: Vec<String> = receipt.lines().map(str::to_owned).collect();
    if let Some(line) = lines.get_mut(1).filter(|line| line.len() > 80) {
        let letter = if line.get(80..81) == Some("A") { "B" } else { "A" };
        line.replace_range(80..81, letter);
    }
    lines.join("\n") + "\n"
}

/// Whether a receipt proves the deletion of an identifier.
fn holds(receipt: &str, key: &str, value: &str) -> bool {
    let identifier = IdentifierType::parse(TYPE).ok().zip(IdentifierValue::parse(value).ok());
    let identifier = identifier.map(|(id_type, value)| ExternalId { id_type, value });
    let (Ok(receipt), Ok(key)) = (receipt.parse::<Receipt>(), key.parse::<VerifierKey>()) else { return false };
    let proved = verify(&receipt, &key, Expected::Event("identifier.removed"), identifier.as_ref());
    proved.is_ok_and(|proved| proved.identifier.is_some())
}
