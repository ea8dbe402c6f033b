//! Serves the queues to the programs by the protocol of SQS.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::HeaderMap};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::queue::FaultyQueue;

/// The queues.
#[derive(Clone)]
pub(crate) struct Queues {
    /// `jobs`, and `dead`, its dead-letter queue.
    pub(crate) jobs: FaultyQueue,
    /// `pointers`, that of the log's publisher.
    pub(crate) pointers: FaultyQueue,
    /// `aside`, that of records that were put aside.
    pub(crate) aside: FaultyQueue,
}

/// Starts the server. Returns its URL.
pub(crate) async fn start(queues: Queues) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(respond).with_state(queues);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn respond(State(queues): State<Queues>, headers: HeaderMap, body: String) -> Json<Value> {
    let request: Value = serde_json::from_str(&body).unwrap();
    let name = request["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap();
    let is_dead = name == "dead";
    let queue = match name {
        "jobs" | "dead" => queues.jobs,
        "pointers" => queues.pointers,
        "aside" => queues.aside,
        other => panic!("there is no queue {other}"),
    };
    Json(match headers["x-amz-target"].to_str().unwrap() {
        "AmazonSQS.SendMessageBatch" => {
            let entries = request["Entries"].as_array().unwrap();
            let bodies: Vec<String> = entries.iter().map(|e| e["MessageBody"].as_str().unwrap().to_owned()).collect();
            let delay = entries[0]["DelaySeconds"].as_u64().unwrap_or(0);
            let rejected = queue.send(&bodies, Duration::from_secs(delay));
            let (mut accepted, mut failed) = (Vec::new(), Vec::new());
            for (at, entry) in entries.iter().enumerate() {
                if rejected.contains(&at) {
                    failed.push(json!({ "Id": entry["Id"], "Code": "InternalError", "SenderFault": false }));
                } else {
                    accepted.push(json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0" }));
                }
            }
            json!({ "Successful": accepted, "Failed": failed })
        }
        "AmazonSQS.ReceiveMessage" if is_dead => {
            let message = |(id, body): (u64, String)| {
                let id = id.to_string();
                json!({ "MessageId": id, "ReceiptHandle": id, "Body": body })
            };
            json!({ "Messages": queue.receive_dead().into_iter().map(message).collect::<Vec<_>>() })
        }
        "AmazonSQS.DeleteMessage" if is_dead => {
            queue.delete_dead(request["ReceiptHandle"].as_str().unwrap().parse().unwrap());
            json!({})
        }
        other => panic!("a function asked the queue for {other}"),
    })
}
