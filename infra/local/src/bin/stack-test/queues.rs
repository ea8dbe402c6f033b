//! The queue, the dead-letter queue and the schedule of a deployed stack, and whether they reach the functions.

use std::time::Duration;

use efface_local::{emulator::Emulator, error::LocalError};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use ureq::http::Request;

use crate::report::Report;

const GLANCE: Duration = Duration::from_millis(200);
/// A message's receives, one a second.
const RECEIVES: Duration = Duration::from_secs(30);
/// The schedule's minute, and how late the emulator may be.
const SCHEDULE: Duration = Duration::from_secs(90);

/// The queues of one stack.
pub(crate) struct Queues<'a> {
    emulator: &'a Emulator,
    stack: &'a str,
    queue: String,
    dead_letters: String,
}

impl<'a> Queues<'a> {
    /// Takes them from the deployed reconciler, which knows both.
    pub(crate) async fn of_stack(emulator: &'a Emulator, stack: &'a str) -> Result<Self, LocalError> {
        let variables = emulator.function_variables(&format!("{stack}-job-reconciler")).await?;
        let value = |name: &str| {
            let found = variables.iter().find(|(found, _)| found == name);
            let text = format!("{name} of {stack}");
            found.map(|(_, value)| value.clone()).ok_or(LocalError::Emulator { what: "a variable", text })
        };
        let (queue, dead_letters) = (value("EFFACE_QUEUE_URL")?, value("EFFACE_DEAD_LETTER_QUEUE_URL")?);
        Ok(Self { emulator, stack, queue, dead_letters })
    }

    /// A message that nobody can understand reaches the worker, and ends in the dead-letter queue.
    pub(crate) async fn check(&self, report: &mut Report) -> Result<(), LocalError> {
        // Not 180 s between its receives. In place of the template's own value, which the other stack keeps.
        self.sqs("SetQueueAttributes", json!({ "QueueUrl": self.queue, "Attributes": { "VisibilityTimeout": "1" } }))
            .await?;
        self.sqs("SendMessage", json!({ "QueueUrl": self.queue, "MessageBody": "poison" })).await?;
        let failed = wait(RECEIVES, async || Ok(self.last_result().await?.ends_with("1 partial failures"))).await?;
        report.check("the worker names a poison message as failed", failed, self.last_result().await?);
        let dead = wait(RECEIVES, async || Ok(self.waiting(&self.dead_letters).await? == 1)).await?;
        report.check("a poison message ends in the dead-letter queue", dead, self.told().await?);
        let empty = wait(RECEIVES, async || Ok(self.waiting(&self.queue).await? == 0)).await?;
        report.check("nothing is left in the queue", empty, self.told().await?);
        Ok(())
    }

    /// Whether the queue delivers to the worker from now on.
    pub(crate) async fn deliver(&self, delivers: bool) -> Result<(), LocalError> {
        let mapping = self.mapping().await?;
        let id = mapping["UUID"].as_str().unwrap_or_default();
        let url = format!("{}/2015-03-31/event-source-mappings/{id}", self.emulator.endpoint);
        let body = json!({ "Enabled": delivers }).to_string();
        self.emulator.request("a mapping", Request::put(url), body).await.map(drop)
    }

    /// Moves all messages to the dead-letter queue, as SQS does when they have failed five times.
    pub(crate) async fn bury(&self) -> Result<(), LocalError> {
        loop {
            let taken = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10 });
            let answer = self.sqs("ReceiveMessage", taken).await?;
            let Some(messages) = answer["Messages"].as_array().filter(|found| !found.is_empty()) else { return Ok(()) };
            for message in messages {
                let dead = json!({ "QueueUrl": self.dead_letters, "MessageBody": message["Body"] });
                self.sqs("SendMessage", dead).await?;
                let done = json!({ "QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"] });
                self.sqs("DeleteMessage", done).await?;
            }
        }
    }

    /// Runs the reconciler, as the schedule will within the minute.
    pub(crate) async fn reconcile(&self) -> Result<(), LocalError> {
        self.emulator.invoke(&format!("{}-job-reconciler", self.stack), "{}").await
    }

    /// The emulator writes a line where a function starts, also where it says nothing itself.
    pub(crate) async fn check_schedule(&self, report: &mut Report) -> Result<(), LocalError> {
        let group = format!("/efface/{}/job-reconciler", self.stack);
        let request = json!({ "logGroupName": group, "filterPattern": "START" });
        let started = wait(SCHEDULE, async || {
            let found = self.emulator.call("the log", "logs", "Logs_20140328.FilterLogEvents", &request).await?;
            Ok(found["events"].as_array().is_some_and(|events| !events.is_empty()))
        })
        .await?;
        report.check("the schedule starts the reconciler", started, "it does not");
        Ok(())
    }

    /// What the mapping says of its last batch.
    async fn last_result(&self) -> Result<String, LocalError> {
        Ok(self.mapping().await?["LastProcessingResult"].as_str().unwrap_or_default().to_owned())
    }

    /// The mapping to this stack's worker.
    async fn mapping(&self) -> Result<Value, LocalError> {
        let function = format!(":{}-bulk-worker", self.stack);
        let mappings = self.emulator.mappings().await?;
        let own = mappings
            .into_iter()
            .find(|found| found["FunctionArn"].as_str().is_some_and(|name| name.ends_with(&function)));
        own.ok_or(LocalError::Emulator { what: "the stack's mapping", text: function })
    }

    /// How many messages are in a queue, on their way or not.
    async fn waiting(&self, url: &str) -> Result<u64, LocalError> {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let answer = self.sqs("GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": names })).await?;
        let number = |name: &str| answer["Attributes"][name].as_str().and_then(|text| text.parse::<u64>().ok());
        Ok(names.iter().filter_map(|name| number(name)).sum())
    }

    async fn told(&self) -> Result<String, LocalError> {
        let (waiting, dead) = (self.waiting(&self.queue).await?, self.waiting(&self.dead_letters).await?);
        Ok(format!("{waiting} in the queue, {dead} in the dead-letter queue"))
    }

    async fn sqs(&self, action: &str, request: Value) -> Result<Value, LocalError> {
        self.emulator.call("a call of the queue", "sqs", &format!("AmazonSQS.{action}"), &request).await
    }
}

/// Whether something comes true in time.
async fn wait(
    patience: Duration,
    mut holds: impl AsyncFnMut() -> Result<bool, LocalError>,
) -> Result<bool, LocalError> {
    let deadline = Instant::now() + patience;
    while !holds().await? {
        if Instant::now() > deadline {
            return Ok(false);
        }
        sleep(GLANCE).await;
    }
    Ok(true)
}
