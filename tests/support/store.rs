//! An in-process DynamoDB for one test, used through the real SDK over HTTP.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Region, timeout::TimeoutConfig},
    operation::create_table::builders::CreateTableFluentBuilder,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, PutRequest, ScalarAttributeType,
        StreamSpecification, StreamViewType, WriteRequest,
    },
};
use efface_aws::{Store, client::with_limits};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::fault_proxy::FaultProxy;

/// The name of the table in all tests.
pub const TABLE: &str = "profiles";

/// All items of the table by key, with their attributes as text. Two dumps show what an operation has changed.
pub type Dump = BTreeMap<(String, String), BTreeMap<String, String>>;

/// A store on a table of its own. The table is gone when this is dropped.
pub struct TestStore {
    /// The store under test.
    pub store: Store,
    /// A client of the same table that bypasses the fault proxy.
    pub client: Client,
    /// The fault proxy between the store and the table.
    pub proxy: FaultProxy,
    table: String,
    server: Arc<Server>,
}

/// The database, which ends with its last table.
struct Server {
    url: String,
    task: JoinHandle<()>,
}

impl TestStore {
    /// Starts an empty table.
    pub async fn start() -> Self {
        Self::start_with(client).await
    }

    /// Starts an empty table whose client does not time out: for tests that count requests, where a busy machine must
    /// not cause retries.
    pub async fn start_patient() -> Self {
        let patient = |url: &str| {
            let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_mins(5)).build();
            let config = client(url).config().to_builder();
            Client::from_conf(config.timeout_config(timeouts).build())
        };
        Self::start_with(patient).await
    }

    async fn start_with(client: impl Fn(&str) -> Client) -> Self {
        let database = efface_local::streams::database().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            dynoxide::server::serve_on(listener, database).await;
        });
        let proxy = FaultProxy::start(&url).await;
        let direct = client(&url);
        create_table(&direct).await;
        let (store, server) = (Store::new(client(&proxy.url), TABLE), Arc::new(Server { url, task: server }));
        Self { store, client: direct, proxy, table: TABLE.to_owned(), server }
    }

    /// A new table in the same database with these items, as a restore from a backup makes it: without stream, time to
    /// live, backups, protection or tags.
    pub async fn restore(&self, table: &str, items: &[HashMap<String, AttributeValue>]) -> Self {
        let proxy = FaultProxy::start(&self.server.url).await;
        new_table(&self.client, table).send().await.unwrap();
        let (store, client) = (Store::new(client(&proxy.url), table), self.client.clone());
        let restored = Self { store, client, proxy, table: table.to_owned(), server: Arc::clone(&self.server) };
        restored.put(items).await;
        restored
    }

    /// The address of the database, past the fault proxy.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The name of the table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Writes items as they are.
    pub async fn put(&self, items: &[HashMap<String, AttributeValue>]) {
        for batch in items.chunks(25) {
            let put = |item: &HashMap<_, _>| PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
            let writes = batch.iter().map(|item| WriteRequest::builder().put_request(put(item)).build()).collect();
            self.client.batch_write_item().request_items(&self.table, writes).send().await.unwrap();
        }
    }

    /// Has exactly these items from now on, as a table that was restored from a backup, under the same name.
    pub async fn reset(&self, items: &[HashMap<String, AttributeValue>]) {
        for item in self.items().await {
            let delete = self.client.delete_item().table_name(&self.table);
            delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
        }
        self.put(items).await;
    }

    /// A store on another table of the same database, through this one's fault proxy.
    pub fn beside(&self, table: &str) -> Store {
        Store::new(client(&self.proxy.url), table)
    }

    /// All items, as they are.
    pub async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self.client.scan().table_name(&self.table).set_exclusive_start_key(start).send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return items;
            }
        }
    }

    /// Reads the whole table, bypassing the fault proxy. When tokens were used last is left out: any request may be the
    /// first one of its token in an hour.
    pub async fn dump(&self) -> Dump {
        let mut items = Dump::new();
        for mut item in self.items().await {
            item.remove("last_used_at");
            let key = |name: &str| item[name].as_s().unwrap().clone();
            items.insert((key("pk"), key("sk")), shown(&item));
        }
        items
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An item's attributes as text.
pub fn shown(item: &HashMap<String, AttributeValue>) -> BTreeMap<String, String> {
    item.iter().map(|(name, value)| (name.clone(), show(value))).collect()
}

/// A value as text. Equal values have equal texts: the elements of sets and maps are sorted.
fn show(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Ss(values) => {
            let mut values = values.clone();
            values.sort();
            format!("{values:?}")
        }
        AttributeValue::M(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(name, value)| (name, show(value))).collect();
            format!("{sorted:?}")
        }
        other => format!("{other:?}"),
    }
}

/// The keys of the items that differ between two dumps. The counters of the deletion limit (`R#`) are left out.
pub fn changed(before: &Dump, after: &Dump) -> Vec<(String, String)> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(*key) != after.get(*key) && !key.0.starts_with("R#")).cloned().collect()
}

/// Whether a partition key is that of an identifier, a profile or a membership.
pub fn is_profile_item(pk: &str) -> bool {
    ["I#", "P#", "M#"].iter().any(|kind| pk.starts_with(kind))
}

/// The number of identifiers that are stored with their values. Deletions remove the value.
pub fn active_identifiers(dump: &Dump) -> usize {
    dump.iter().filter(|((pk, _), item)| pk.starts_with("I#") && item.contains_key("value")).count()
}

/// The number of heads of deleted profiles.
pub fn deleted_heads(dump: &Dump) -> usize {
    let is_head = |(pk, sk): &(String, String)| pk.starts_with("P#") && sk == "H";
    dump.iter().filter(|(key, item)| is_head(key) && item["state"].contains("deleted")).count()
}

/// A client of an endpoint with the functions' own timeouts and retries.
pub fn client(url: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    Client::from_conf(
        with_limits(Config::builder())
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(http)
            .endpoint_url(url)
            .build(),
    )
}

/// Creates the table as `infra/template.yaml` does, with its stream.
pub async fn create_table(client: &Client) {
    let images = StreamViewType::NewAndOldImages;
    let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(images).build().unwrap();
    new_table(client, TABLE).stream_specification(stream).send().await.unwrap();
}

fn new_table(client: &Client, table: &str) -> CreateTableFluentBuilder {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let attribute = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    client
        .create_table()
        .table_name(table)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .attribute_definitions(attribute("pk"))
        .attribute_definitions(attribute("sk"))
        .billing_mode(BillingMode::PayPerRequest)
}
