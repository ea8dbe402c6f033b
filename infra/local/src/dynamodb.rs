//! DynamoDB of the emulated AWS: dynoxide, in this process and in memory (`docs/adr/0010`).
//!
//! A stack's tables are made by CloudFormation in ministack. [`DynamoDb::copy_table`] makes each one again here, and from
//! then on every request goes to this one: see [`crate::front`].

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    error::{Context, LocalError},
    streams,
    threads::Threads,
};

/// SQLite runs one request at a time, and blocks the thread that waits for its turn.
const THREADS: usize = 4;
/// The least pause between two sweeps of expired items. AWS deletes them within days.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// A sweep reads whole tables. This many times its duration passes before the next, so it costs at most a twentieth of
/// the throughput.
const SWEEP_PAUSE_FACTOR: u32 = 20;

/// A running database. Its data is lost when this value is dropped.
pub(crate) struct DynamoDb {
    /// The database itself.
    pub(crate) database: Database,
    /// The address of its HTTP API.
    pub(crate) address: SocketAddr,
    _threads: Threads,
}

impl DynamoDb {
    /// Starts an empty database on a free port of the loopback interface.
    pub(crate) fn start() -> Result<Self, LocalError> {
        let database = streams::database().map_err(failed)?;
        let threads = Threads::start("dynamodb", THREADS)?;
        let (listener, address) = threads.listen().context("a port for DynamoDB")?;
        threads.spawn(dynoxide::server::serve_on(listener, database.clone()));
        threads.spawn(sweep(database.clone()));
        Ok(Self { database, address, _threads: threads })
    }

    /// Creates a table like the one that `DescribeTable` returned, with a `TimeToLiveSpecification` or null. A table that
    /// exists stays as it is, but for a stream that it did not have.
    pub(crate) fn copy_table(&self, table: &Value, time_to_live: &Value) -> Result<(), LocalError> {
        match self.database.create_table(read(creation(table))?) {
            Err(DynoxideError::ResourceInUseException(_)) => return self.add_stream(table),
            created => created.map_err(failed)?,
        };
        if time_to_live["Enabled"] == true {
            let update = json!({ "TableName": table["TableName"], "TimeToLiveSpecification": time_to_live });
            self.database.update_time_to_live(read(update)?).map_err(failed)?;
        }
        Ok(())
    }
}

impl DynamoDb {
    /// Gives a table the stream that it is described with, unless it has one.
    fn add_stream(&self, table: &Value) -> Result<(), LocalError> {
        let request = creation(table);
        let (name, stream) = (&request["TableName"], &request["StreamSpecification"]);
        let found = self.database.describe_table(read(json!({ "TableName": name }))?).map_err(failed)?;
        let found = serde_json::to_value(&found).map_err(failed)?;
        if stream.is_null() || found["Table"]["StreamSpecification"]["StreamEnabled"] == true {
            return Ok(());
        }
        let update = json!({ "TableName": name, "StreamSpecification": stream });
        self.database.update_table(read(update)?).map(drop).map_err(failed)
    }
}

fn read<T: serde::de::DeserializeOwned>(request: Value) -> Result<T, LocalError> {
    serde_json::from_value(request).map_err(failed)
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DynamoDb({})", self.address)
    }
}

/// The `CreateTable` request for a table like the described one. Of an index, a description says more than a request may.
fn creation(table: &Value) -> Value {
    let mut request = json!({});
    for name in ["TableName", "AttributeDefinitions", "KeySchema"] {
        copy(table, name, &mut request);
    }
    // A value that came from a parameter of the stack is text in ministack.
    let is_on = |value: &Value| *value == true || *value == "true";
    request["DeletionProtectionEnabled"] = is_on(&table["DeletionProtectionEnabled"]).into();
    let stream = &table["StreamSpecification"];
    if is_on(&stream["StreamEnabled"]) {
        request["StreamSpecification"] = json!({ "StreamEnabled": true, "StreamViewType": stream["StreamViewType"] });
    }
    let mode = table["BillingModeSummary"]["BillingMode"].as_str().unwrap_or("PROVISIONED");
    request["BillingMode"] = mode.into();
    if mode == "PROVISIONED" {
        request["ProvisionedThroughput"] = throughput(table);
    }
    for name in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        let indexes = table[name].as_array().into_iter().flatten().map(|index| {
            let mut request = json!({});
            for name in ["IndexName", "KeySchema", "Projection"] {
                copy(index, name, &mut request);
            }
            if mode == "PROVISIONED" && name.starts_with("Global") {
                request["ProvisionedThroughput"] = throughput(index);
            }
            request
        });
        let indexes: Vec<Value> = indexes.collect();
        if !indexes.is_empty() {
            request[name] = indexes.into();
        }
    }
    request
}

fn copy(from: &Value, name: &str, to: &mut Value) {
    if !from[name].is_null() {
        to[name] = from[name].clone();
    }
}

fn throughput(described: &Value) -> Value {
    let units = |name: &str| described["ProvisionedThroughput"][name].as_u64().filter(|units| *units > 0).unwrap_or(1);
    json!({ "ReadCapacityUnits": units("ReadCapacityUnits"), "WriteCapacityUnits": units("WriteCapacityUnits") })
}

/// Deletes expired items for ever, as DynamoDB does: in a stream, the service is named as who did it. Requests are served
/// between any 25 items of a sweep. An error is tried again in the next one.
async fn sweep(database: Database) {
    let mut pause = SWEEP_INTERVAL;
    loop {
        sleep(pause).await;
        let (database, started) = (database.clone(), Instant::now());
        _ = spawn_blocking(move || database.sweep_ttl()).await;
        pause = SWEEP_INTERVAL.max(started.elapsed() * SWEEP_PAUSE_FACTOR);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn failed<E: ToString>(error: E) -> LocalError {
    LocalError::Emulator { what: "DynamoDB", text: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `DescribeTable` returns for a table with an index, shortened.
    fn described() -> Value {
        let key = |name: &str| json!([{ "AttributeName": name, "KeyType": "HASH" }]);
        let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
        json!({
            "TableName": "things", "TableStatus": "ACTIVE", "ItemCount": 0, "TableId": "0", "TableArn": "arn:…",
            "AttributeDefinitions": [attribute("pk"), attribute("owner")], "KeySchema": key("pk"),
            "BillingModeSummary": { "BillingMode": "PAY_PER_REQUEST" },
            "ProvisionedThroughput": { "ReadCapacityUnits": 0, "WriteCapacityUnits": 0, "NumberOfDecreasesToday": 0 },
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-owner", "KeySchema": key("owner"), "Projection": { "ProjectionType": "KEYS_ONLY" },
                "IndexStatus": "ACTIVE", "ItemCount": 0,
            }],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
            "LatestStreamArn": "arn:…", "DeletionProtectionEnabled": "true",
        })
    }

    #[test]
    fn expired_items_are_deleted() {
        let database = DynamoDb::start().unwrap();
        database.copy_table(&described(), &json!({ "AttributeName": "ttl", "Enabled": true })).unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let ttls =
            [("expired", json!({ "N": (now - 60).to_string() })), ("kept", json!({ "N": (now + 600).to_string() }))];
        for (name, ttl) in ttls.into_iter().chain([("text", json!({ "S": "0" }))]) {
            let item = json!({ "TableName": "things", "Item": { "pk": { "S": name }, "ttl": ttl } });
            database.database.put_item(serde_json::from_value(item).unwrap()).unwrap();
        }
        database.database.sweep_ttl().unwrap();
        let scan = database.database.scan(serde_json::from_value(json!({ "TableName": "things" })).unwrap()).unwrap();
        let scan = serde_json::to_value(&scan).unwrap();
        let mut left: Vec<_> = scan["Items"].as_array().unwrap().iter().map(|item| item["pk"]["S"].clone()).collect();
        left.sort_by_key(ToString::to_string);
        assert_eq!(left, ["kept", "text"]);
    }

    #[test]
    fn a_table_that_exists_gets_its_stream() {
        let database = DynamoDb::start().unwrap();
        let mut without = described();
        without["StreamSpecification"] = Value::Null;
        let has_stream = || {
            let name = json!({ "TableName": "things" });
            let found = database.database.describe_table(serde_json::from_value(name).unwrap()).unwrap();
            serde_json::to_value(&found).unwrap()["Table"]["StreamSpecification"]["StreamEnabled"] == true
        };
        for (table, expected) in [(&without, false), (&described(), true), (&described(), true), (&without, true)] {
            database.copy_table(table, &Value::Null).unwrap();
            assert_eq!(has_stream(), expected);
        }
    }

    #[test]
    fn a_table_is_made_from_its_description() {
        let database = DynamoDb::start().unwrap();
        let time_to_live = json!({ "AttributeName": "ttl", "Enabled": true });
        database.copy_table(&described(), &time_to_live).unwrap();
        database.copy_table(&described(), &time_to_live).unwrap();
        let name = json!({ "TableName": "things" });
        let found = database.database.describe_table(serde_json::from_value(name.clone()).unwrap()).unwrap();
        let table = serde_json::to_value(&found).unwrap()["Table"].take();
        assert_eq!(creation(&table), creation(&described()));
        let found = database.database.describe_time_to_live(serde_json::from_value(name).unwrap()).unwrap();
        assert_eq!(serde_json::to_value(&found).unwrap()["TimeToLiveDescription"]["AttributeName"], "ttl");
    }
}
