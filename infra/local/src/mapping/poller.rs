//! Delivers the records of streams to functions, for as long as the emulator runs.
//!
//! How far a mapping has come is kept in memory, as the streams are: both end with this process. It moves on only after the
//! function has succeeded, so that no record is lost when a function dies.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use dynoxide::{Database, DynoxideError, actions::list_streams::ListStreamsRequest};
use efface_core::time::Time;
use serde_json::{Value, json};
use tokio::{
    sync::watch::{Receiver, Sender, channel},
    task::spawn_blocking,
    time::sleep,
};

use super::{
    StreamMapping,
    batch::{Batch, number, seconds, shard},
    of_streams,
};
use crate::{aws_client::AwsClient, console::say, error::LocalError};

/// How often a stream without new records is looked at.
const IDLE: Duration = Duration::from_millis(100);
/// How long after an error the same batch is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the deployed mappings are read.
const REFRESH: Duration = Duration::from_secs(1);

/// Delivers records until it is dropped.
#[derive(Clone)]
pub(crate) struct Poller {
    /// The tables with their streams.
    pub(crate) database: Database,
    /// The emulated AWS, which has the mappings and runs the functions.
    pub(crate) client: AwsClient,
}

/// What became of a look at a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There may be more.
    Advanced,
    /// There is nothing new.
    Idle,
    /// The function failed.
    Failed,
}

impl Poller {
    /// Carries out the deployed mappings, with a task for each.
    pub(crate) async fn run(self) {
        let mut tasks: HashMap<String, Sender<StreamMapping>> = HashMap::new();
        let mut said = String::new();
        loop {
            match self.mappings().await {
                Ok(mappings) => self.assign(&mut tasks, mappings),
                // It is said when it comes, not every second.
                Err(error) if error.to_string() != said => {
                    said = error.to_string();
                    say(format_args!("streams: {said}"));
                }
                Err(_) => {}
            }
            sleep(REFRESH).await;
        }
    }

    /// The mappings of streams. There are none before a table has a stream, and nobody is asked until then.
    async fn mappings(&self) -> Result<Vec<StreamMapping>, LocalError> {
        let database = self.database.clone();
        let listed = spawn_blocking(move || database.list_streams(ListStreamsRequest::default())).await;
        if !listed.is_ok_and(|listed| listed.is_ok_and(|listed| !listed.streams.is_empty())) {
            return Ok(Vec::new());
        }
        Ok(of_streams(&self.client.mappings().await?)?)
    }

    /// Tells the tasks about their mappings, begins those that are new and ends those whose mapping is gone.
    fn assign(&self, tasks: &mut HashMap<String, Sender<StreamMapping>>, mappings: Vec<StreamMapping>) {
        tasks.retain(|id, _| mappings.iter().any(|mapping| mapping.id == *id));
        for mapping in mappings {
            if let Some(task) = tasks.get(&mapping.id) {
                task.send_if_modified(|current| std::mem::replace(current, mapping.clone()) != mapping);
                continue;
            }
            let (task, settings) = channel(mapping.clone());
            tasks.insert(mapping.id, task);
            tokio::spawn(self.clone().follow(settings));
        }
    }

    /// Follows the stream of one mapping until the mapping is gone.
    async fn follow(self, mut settings: Receiver<StreamMapping>) {
        let mut after = None;
        let mut failures = 0_u64;
        loop {
            let mapping = settings.borrow_and_update().clone();
            let pause = match self.step(&mapping, &mut after, failures == 0).await {
                Step::Advanced => Duration::ZERO,
                Step::Idle => IDLE,
                Step::Failed => PAUSE,
            };
            failures = if pause == PAUSE { failures + 1 } else { 0 };
            tokio::select! {
                () = sleep(pause) => if settings.has_changed().is_err() { return },
                changed = settings.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Delivers the next batch.
    async fn step(&self, mapping: &StreamMapping, after: &mut Option<String>, is_first: bool) -> Step {
        if !mapping.is_enabled {
            return Step::Idle;
        }
        let batch = match self.read(mapping, after.clone()).await {
            Ok(Some(batch)) => batch,
            // A table that is not there yet has no stream.
            Ok(None) | Err(DynoxideError::ResourceNotFoundException(_)) => return Step::Idle,
            Err(error) => return failed(mapping, is_first, &error.to_string()),
        };
        let last = batch.last.clone();
        match self.deliver(mapping, batch).await {
            Ok(()) => {
                *after = Some(last);
                Step::Advanced
            }
            Err(error) => failed(mapping, is_first, &error.to_string()),
        }
    }

    async fn read(&self, mapping: &StreamMapping, after: Option<String>) -> Result<Option<Batch>, DynoxideError> {
        let (database, mapping) = (self.database.clone(), mapping.clone());
        let read = spawn_blocking(move || Batch::read(&database, &mapping, after.as_deref())).await;
        read.unwrap_or_else(|error| Err(DynoxideError::InternalServerError(error.to_string())))
    }

    /// Invokes the function with a batch. Records that are too old are not delivered: a queue is told of them.
    async fn deliver(&self, mapping: &StreamMapping, batch: Batch) -> Result<(), LocalError> {
        let (expired, batch) = match mapping.max_age {
            Some(max_age) => batch.split_expired(max_age, SystemTime::now()),
            None => (Vec::new(), batch),
        };
        if !expired.is_empty() {
            self.tell_of(mapping, &expired).await?;
        }
        if batch.records.is_empty() {
            return Ok(());
        }
        self.client.invoke(mapping.function(), &batch.event()).await
    }

    async fn tell_of(&self, mapping: &StreamMapping, expired: &[Value]) -> Result<(), LocalError> {
        say(format_args!("{} records were too old for {}", expired.len(), mapping.function()));
        let Some(queue) = &mapping.on_failure else { return Ok(()) };
        let mut parts = queue.rsplit(':');
        let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let url = format!("{}/{account}/{name}", self.client.url);
        let body = json!({ "QueueUrl": url, "MessageBody": notice(mapping, expired).to_string() });
        self.client.call("a failure's queue", "sqs", "AmazonSQS.SendMessage", &body).await.map(drop)
    }
}

fn failed(mapping: &StreamMapping, is_first: bool, error: &str) -> Step {
    if is_first {
        say(format_args!("{} gets its records again, after an error: {error}", mapping.function()));
    }
    Step::Failed
}

fn now() -> Option<Time> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).ok().and_then(Time::from_millis)
}

/// What the queue is told: where the records are, not what is in them.
fn notice(mapping: &StreamMapping, expired: &[Value]) -> Value {
    let (first, last) = (expired.first().unwrap_or(&Value::Null), expired.last().unwrap_or(&Value::Null));
    json!({
        "version": "1.0",
        "timestamp": now().map(|time| time.to_string()),
        "requestContext": {
            "functionArn": mapping.function_arn, "condition": "RecordAgeExceeded", "approximateInvokeCount": 1,
        },
        "DDBStreamBatchInfo": {
            "shardId": shard(&mapping.table),
            "startSequenceNumber": number(first),
            "endSequenceNumber": number(last),
            "approximateArrivalOfFirstRecord": seconds(first),
            "approximateArrivalOfLastRecord": seconds(last),
            "batchSize": expired.len(),
            "streamArn": mapping.stream_arn,
        },
    })
}
