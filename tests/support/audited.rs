//! The HTTP function of a deployment that keeps a journal and a log, with all that is behind it: the capture of the table's
//! stream, the publisher, its buckets and its key.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use efface_api::{App, Keys, event::EventSource};
use efface_aws::{Journal, client, config::Config, log_queue::LogQueue, log_store::LogStore, signing_key::SigningKey};
use efface_core::{
    identifier::ExternalId,
    key::IdHash,
    log::{
        Hash, KeyList, LogKey, Wake,
        receipt::Receipt,
        verify::{Expected, Fault, verify},
    },
    space::SpaceId,
};
use efface_engine::log::{LogReader, Publisher};
use serde_json::Value;

use crate::{
    TestApp, TestJournal, TestKms, TestObjects,
    app::{self, Reply, SPACE},
    events::{Req, encode},
    journal::JOURNAL,
    publisher::{LOCKED, ORIGIN, PARTIAL, soon},
    store::client as dynamodb,
};

/// An app with a journal and a log.
pub struct Audited {
    /// The app, whose instance has the journal.
    pub app: TestApp,
    /// The journal, which gets what the app writes once it [follows](TestJournal::follow).
    pub journal: TestJournal,
    /// The log's buckets.
    pub objects: TestObjects,
    /// The service of the log's key.
    pub kms: TestKms,
}

impl Audited {
    /// Starts without entries: what makes the space and its tokens is not captured.
    pub async fn start() -> Self {
        let mut app = TestApp::start().await;
        let journal = TestJournal::start(&app).await;
        let times = app.clock.clone();
        let (objects, kms) = (TestObjects::start(move || times.peek()).await, TestKms::start(7).await);
        app.app = instance(&app, &journal, &objects, app::log_key());
        Self { app, journal, objects, kms }
    }

    /// Another instance of the function, with this log key.
    pub fn instance(&self, log_key: LogKey) -> Arc<App> {
        instance(&self.app, &self.journal, &self.objects, log_key)
    }

    /// Captures what was written.
    pub async fn follow(&mut self) {
        self.journal.follow().await;
    }

    /// Publishes the log of a space, a minute after the last time.
    pub async fn publish_space(&self, space: &str) {
        self.app.clock.advance(60_000);
        let key = SigningKey::kms(client::kms(&config(), Some(self.kms.url.clone())), "alias/test");
        let (queue, interval) = (LogQueue::new(self.journal.publisher.queue()), Duration::from_mins(1));
        let (journal, clock) = (self.journal.journal.clone(), self.app.clock.clock());
        let publisher = Publisher::new(journal, files(&self.objects), key, queue, ORIGIN, interval, clock);
        publisher.publish(&space.parse().unwrap(), Wake::Pointer, soon()).await.unwrap();
    }

    /// Captures what was written, and publishes it.
    pub async fn log(&mut self) {
        self.follow().await;
        self.publish_space(SPACE).await;
    }

    /// The files of the logs.
    pub fn files(&self) -> LogStore {
        files(&self.objects)
    }

    /// The keys of the space's log.
    pub async fn keys(&self) -> KeyList {
        LogReader::new(files(&self.objects)).keys(&SPACE.parse().unwrap()).await.unwrap()
    }

    /// Asks for the receipt of `type:value`.
    pub async fn get_receipt(&self, identifier: &str, query: &str) -> Reply {
        self.app.send(Req::get(receipt_path(SPACE, identifier) + query)).await
    }

    /// Verifies a receipt: with our verifier and with those that others wrote. Returns what it says has happened.
    pub async fn verify(&self, receipt: &str, identifier: Option<&str>) -> Result<(u64, String), Fault> {
        let receipt: Receipt = receipt.parse().unwrap();
        let keys = self.keys().await;
        let (checkpoint, key) = keys.open(&receipt.checkpoint).unwrap();
        let key_text = key.to_string();
        let verifier: Box<dyn signed_note::Verifier> = Box::new(signed_note::StandardVerifier::new(&key_text).unwrap());
        let note = signed_note::Note::from_bytes(receipt.checkpoint.to_string().as_bytes()).unwrap();
        let (signed, _) = note.verify(&signed_note::VerifierList::new(vec![verifier])).unwrap();
        assert_eq!(signed.len(), 1);
        let theirs = |hash: &Hash| tlog_tiles::Hash(*hash.as_bytes());
        let proof: Vec<_> = receipt.proof.iter().map(theirs).collect();
        let leaf = tlog_tiles::record_hash(receipt.leaf.as_bytes());
        tlog_tiles::check_record(&proof, checkpoint.size(), theirs(&checkpoint.root()), receipt.index, leaf).unwrap();
        let identifier = identifier.map(external_id);
        let proved = verify(&receipt, key, Expected::AnyEvent, identifier.as_ref())?;
        Ok((proved.index, proved.event))
    }

    /// Removes attributes of an identifier's item, as a version that did not have them would have left it.
    pub async fn without_attributes(&self, identifier: &str, attributes: &[&str]) {
        let pk = AttributeValue::S(format!("I#{SPACE}#{}", hash(identifier)));
        let update = self.app.db.client.update_item().table_name(crate::store::TABLE);
        let update = update.key("pk", pk).key("sk", AttributeValue::S("-".to_owned()));
        update.update_expression(format!("REMOVE {}", attributes.join(", "))).send().await.unwrap();
    }
}

/// The hash of `type:value` in the demo space. The type must be compared byte for byte.
pub fn hash(identifier: &str) -> IdHash {
    let ExternalId { id_type, value } = external_id(identifier);
    app::master().space_key(&SPACE.parse::<SpaceId>().unwrap()).identifier(&id_type, value.expose())
}

/// The path of the receipt of `type:value`.
pub fn receipt_path(space: &str, identifier: &str) -> String {
    let (id_type, value) = identifier.split_once(':').unwrap();
    format!("/v1/spaces/{space}/receipts/{id_type}:{}", encode(value))
}

fn external_id(identifier: &str) -> ExternalId {
    let (id_type, value) = identifier.split_once(':').unwrap();
    ExternalId { id_type: id_type.parse().unwrap(), value: value.to_owned().try_into().unwrap() }
}

/// The bytes of a response in base64, with its status and headers.
pub async fn bytes(app: &App, request: &Req) -> (Reply, Vec<u8>) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let event = serde_json::from_value(request.event(crate::Via::Rest)).unwrap();
    let event: Value = app.handle(event).await;
    let body = event["body"].as_str().unwrap();
    let is_base64 = event["isBase64Encoded"] == true;
    let bytes = if is_base64 { STANDARD.decode(body).unwrap() } else { body.as_bytes().to_vec() };
    (Reply::of(&event), bytes)
}

fn instance(app: &TestApp, journal: &TestJournal, objects: &TestObjects, log_key: LogKey) -> Arc<App> {
    let keys = Keys { identifiers: app::master(), log: log_key };
    let instance = App::new(app.db.store.clone(), app.queue.queue(), keys, app.clock.clock(), EventSource::Rest);
    let reads = Journal::new(dynamodb(&journal.proxy.url), JOURNAL);
    Arc::new(instance.with_journal(reads, files(objects), LogQueue::new(journal.publisher.queue())))
}

fn files(objects: &TestObjects) -> LogStore {
    LogStore::new(&client::s3(&config(), Some(objects.url.clone())), LOCKED, PARTIAL)
}

fn config() -> Config {
    Config {
        table: JOURNAL.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint_url: None,
        sqs_endpoint_url: None,
        credentials: Some(("test".to_owned(), "test".to_owned(), None)),
    }
}
