//! The stream of a test's table, read as Lambda reads it, and handed over as Lambda does.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use axum::body::Bytes;
use efface_aws::store::{Key, journaled::FILTERS, stream::StreamEvent};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use crate::store::TestStore;

/// What reads a stream, from where it began.
pub struct Stream {
    http: Client<HttpConnector, Full<Bytes>>,
    url: String,
    arn: String,
    iterators: BTreeMap<String, String>,
}

impl Stream {
    /// The stream of a table, from its first record on. It is switched on, where the table has none.
    pub async fn of(db: &TestStore) -> Self {
        let table = db.client.describe_table().table_name(db.table()).send().await.unwrap().table.unwrap();
        let arn = if let Some(arn) = table.latest_stream_arn {
            arn
        } else {
            let images = StreamViewType::NewAndOldImages;
            let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(images);
            let update = db.client.update_table().table_name(db.table());
            let reply = update.stream_specification(stream.build().unwrap()).send().await.unwrap();
            reply.table_description.unwrap().latest_stream_arn.unwrap()
        };
        let http = Client::builder(TokioExecutor::new()).build_http();
        let mut stream = Self { http, url: db.url().to_owned(), arn, iterators: BTreeMap::new() };
        let description = stream.send("DescribeStream", json!({ "StreamArn": stream.arn })).await;
        for shard in description["StreamDescription"]["Shards"].as_array().unwrap() {
            let shard = shard["ShardId"].as_str().unwrap().to_owned();
            let request = json!({ "StreamArn": stream.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
            let reply = stream.send("GetShardIterator", request).await;
            stream.iterators.insert(shard, reply["ShardIterator"].as_str().unwrap().to_owned());
        }
        stream
    }

    /// The records since the last call that pass the mapping's filters, in order.
    pub async fn take(&mut self) -> Vec<Value> {
        let mut records = Vec::new();
        for (shard, mut iterator) in self.iterators.clone() {
            loop {
                let reply = self.send("GetRecords", json!({ "ShardIterator": iterator })).await;
                reply["NextShardIterator"].as_str().unwrap().clone_into(&mut iterator);
                let found = reply["Records"].as_array().unwrap();
                records.extend(found.iter().filter(|record| passes(record)).map(|record| self.of_lambda(record)));
                if found.is_empty() {
                    break;
                }
            }
            self.iterators.insert(shard, iterator);
        }
        records
    }

    /// A record as a Lambda event has it.
    fn of_lambda(&self, record: &Value) -> Value {
        let mut record = record.clone();
        record["eventSourceARN"] = json!(self.arn);
        record
    }

    async fn send(&self, operation: &str, body: Value) -> Value {
        let request = axum::http::Request::post(&self.url)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDBStreams_20120810.{operation}"))
            // The emulator looks whether a request is signed, not by whom.
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            )
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let reply = self.http.request(request).await.unwrap();
        let status = reply.status();
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{operation}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }
}

/// The key of the item that a record is about.
pub fn key(record: &Value) -> Key {
    let part = |name: &str| record["dynamodb"]["Keys"][name]["S"].as_str().unwrap().to_owned();
    Key { pk: part("pk"), sk: part("sk") }
}

fn passes(record: &Value) -> bool {
    record["eventName"] != "REMOVE" && FILTERS.iter().any(|filter| filter.matches(&key(record)))
}

/// An event of Lambda with these records.
pub fn event(records: &[Value]) -> StreamEvent {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// Deals records out to shards as DynamoDB does: those of one partition stay in one shard, in order.
pub fn shards(records: &[Value], count: usize) -> Vec<Vec<Value>> {
    let mut shards = vec![Vec::new(); count];
    for record in records {
        let sum: usize = key(record).pk.bytes().map(usize::from).sum();
        shards[sum % count].push(record.clone());
    }
    shards
}
