//! Checks that the changes of a deployed table arrive in its journal: once each, although records come that cannot be read,
//! and functions are ended in the middle of their work.

use std::{collections::BTreeSet, time::Duration};

use efface_aws::{Journal, StoreError, client::dynamodb, config::Config};
use efface_core::{
    journal::{EventId, EventKind, Pack},
    space::SpaceId,
};
use efface_local::{emulator::Emulator, environment, error::LocalError, seeds::DEMO_SPACE};
use serde_json::{Value, json};

use crate::{gateway::Gateway, queues::wait, report::Report};

/// How long a change may take until it is in the journal. The stream is looked at many times in a second, but a batch whose
/// function was ended is delivered again, and there may be many batches.
const TIMEOUT: Duration = Duration::from_mins(2);
/// How many packs are read for one request.
const PACKS: i32 = 10;
/// The keys of an item that no version of Efface writes.
const POISON: (&str, &str) = ("I#spa_demo#poison", "-");

/// The journal of one stack.
pub(crate) struct Records<'a> {
    emulator: &'a Emulator,
    journal: Journal,
    space: SpaceId,
    table: String,
    aside: String,
}

impl<'a> Records<'a> {
    /// Takes the names from the variables of the deployed functions.
    pub(crate) async fn of_stack(emulator: &'a Emulator, stack: &str) -> Result<Self, LocalError> {
        let mut variables = emulator.function_variables(&format!("{stack}-change-capture")).await?;
        variables.extend(emulator.function_variables(&format!("{stack}-api")).await?);
        variables.extend(environment::aws(&emulator.endpoint).map(|(name, value)| (name.to_owned(), value.to_owned())));
        let lookup = |name: &str| variables.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        let config = Config::of_table(&lookup, "EFFACE_JOURNAL")?;
        let missing =
            |what: &str| LocalError::Emulator { what: "a name that is not as expected", text: what.to_owned() };
        Ok(Self {
            emulator,
            journal: Journal::new(dynamodb(&config), config.table),
            space: DEMO_SPACE.parse().map_err(|_| missing(DEMO_SPACE))?,
            table: lookup("EFFACE_TABLE").ok_or_else(|| missing("EFFACE_TABLE"))?,
            aside: lookup("EFFACE_ASIDE_QUEUE_URL").ok_or_else(|| missing("EFFACE_ASIDE_QUEUE_URL"))?,
        })
    }

    /// Writes an item that no version can read. What is written later comes after it in the stream.
    pub(crate) async fn poison(&self) -> Result<(), LocalError> {
        let item = json!({ "pk": { "S": POISON.0 }, "sk": { "S": POISON.1 } });
        self.dynamodb("PutItem", &json!({ "TableName": self.table, "Item": item })).await.map(drop)
    }

    /// Checks that the deletion of a value was recorded, by the id of its request, and that the item of [`Self::poison`] was
    /// put aside.
    pub(crate) async fn check(&self, gateway: &Gateway, token: &str, report: &mut Report) -> Result<(), LocalError> {
        let path = format!("/v1/spaces/{DEMO_SPACE}/deletions/email:example@gmail.com");
        let deletion = gateway.get(&path, Some(token)).await?.json()["deletion"].take();
        let request = deletion["request_id"].as_str().unwrap_or_default().to_owned();
        let recorded = wait(TIMEOUT, async || Ok(self.kinds(&request).await?.contains(&EventKind::IdentifierRemoved)));
        let recorded = recorded.await?;
        report.check("a deletion arrives in the journal", recorded, &deletion);
        let aside = wait(TIMEOUT, async || Ok(self.asides().await?.len() == 1)).await?;
        let found = self.asides().await?;
        report.check("a change that cannot be read is put aside", aside, json!(found));
        // The key is not one of ours, and may hold anything: only its letter is kept.
        let names_it = found.iter().any(|body| body["pk"] == POISON.0[..1] && body["reason"] == "unreadable_key");
        report.check("the queue names its kind of item and the reason", names_it, json!(found));
        self.check_tombstones("one by one", report).await
    }

    /// Checks that each tombstone of the table has one entry, and that there are no others.
    pub(crate) async fn check_tombstones(&self, what: &str, report: &mut Report) -> Result<(), LocalError> {
        let expected = self.tombstones().await?;
        wait(TIMEOUT, async || Ok(self.removals().await?.len() >= expected)).await?;
        let removals = self.removals().await?;
        let distinct: BTreeSet<&EventId> = removals.iter().collect();
        let nouns: BTreeSet<String> = removals.iter().map(|id| id.noun.to_string()).collect();
        let found = format!("{} entries of {} identifiers, {expected} tombstones", removals.len(), nouns.len());
        let is_exact = removals.len() == expected && distinct.len() == expected && nouns.len() == expected;
        report.check(
            &format!("each deletion is in the journal once ({what}: {found})"),
            is_exact && expected > 0,
            &found,
        );
        Ok(())
    }

    /// What the journal tells of a request.
    async fn kinds(&self, request: &str) -> Result<Vec<EventKind>, LocalError> {
        let Ok(request) = request.parse() else { return Ok(Vec::new()) };
        let read = self.journal.numbers_of_request(&self.space, request, None, PACKS).await;
        let (numbers, _) = read.map_err(unread)?;
        let mut kinds = Vec::new();
        for number in numbers {
            let pack = self.journal.pack_with(&self.space, number).await.map_err(unread)?;
            let entries = pack.iter().flat_map(Pack::numbered);
            kinds.extend(entries.filter(|(found, _)| *found == number).map(|(_, entry)| entry.id().kind.clone()));
        }
        Ok(kinds)
    }

    /// The deletions of identifiers that the journal has, in its order.
    async fn removals(&self) -> Result<Vec<EventId>, LocalError> {
        let head = self.journal.head(&self.space).await.map_err(unread)?;
        let (mut found, mut next) = (Vec::new(), 0);
        while next < head.n() {
            let packs = self.journal.packs(&self.space, next, head.n()).await.map_err(unread)?;
            next = packs.last().map_or(head.n(), Pack::end);
            let ids = packs.iter().flat_map(Pack::entries).map(|entry| entry.id().clone());
            found.extend(ids.filter(|id| id.kind == EventKind::IdentifierRemoved));
        }
        Ok(found)
    }

    /// The number of deleted identifiers in the table.
    async fn tombstones(&self) -> Result<usize, LocalError> {
        let (mut count, mut start) = (0, Value::Null);
        loop {
            let mut scan = json!({ "TableName": self.table, "Select": "COUNT",
                "FilterExpression": "begins_with(pk, :kind) AND #state = :deleted",
                "ExpressionAttributeNames": { "#state": "state" },
                "ExpressionAttributeValues": { ":kind": { "S": "I#" }, ":deleted": { "S": "deleted" } } });
            if start.is_object() {
                scan["ExclusiveStartKey"] = start;
            }
            let mut page = self.dynamodb("Scan", &scan).await?;
            count += page["Count"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
            start = page["LastEvaluatedKey"].take();
            if !start.is_object() {
                return Ok(count);
            }
        }
    }

    /// The messages of the queue of records that were put aside. They stay there.
    async fn asides(&self) -> Result<Vec<Value>, LocalError> {
        let receive = json!({ "QueueUrl": self.aside, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0 });
        let found = self.emulator.call("a queue", "sqs", "AmazonSQS.ReceiveMessage", &receive).await?;
        let messages = found["Messages"].as_array().into_iter().flatten();
        Ok(messages.filter_map(|message| serde_json::from_str(message["Body"].as_str()?).ok()).collect())
    }

    async fn dynamodb(&self, action: &str, request: &Value) -> Result<Value, LocalError> {
        self.emulator.call("the table", "dynamodb", &format!("DynamoDB_20120810.{action}"), request).await
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn unread(error: StoreError) -> LocalError {
    LocalError::Emulator { what: "the journal", text: error.to_string() }
}
