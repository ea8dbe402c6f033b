//! Checks that the queue, the dead-letter queue and the schedule of a deployed stack trigger the functions.

use std::time::Duration;

use efface_local::{emulator::Emulator, error::LocalError};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use ureq::http::Request;

use crate::report::Report;

const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How long it may take until a message has used up its receives, one per second.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the schedule may take: one minute, and the delay of the emulator.
const SCHEDULE_TIMEOUT: Duration = Duration::from_secs(90);

/// The queues of one stack.
pub(crate) struct Queues<'a> {
    emulator: &'a Emulator,
    stack: &'a str,
    queue: String,
    dead_letters: String,
}

impl<'a> Queues<'a> {
    /// Takes the queues' URLs from the variables of the reconciler, which has both.
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

    /// Checks that an invalid message reaches the worker and is moved to the dead-letter queue.
    pub(crate) async fn check(&self, report: &mut Report) -> Result<(), LocalError> {
        // Shortens the time between the receives of a message, which is 180 s in the template.
        self.sqs("SetQueueAttributes", json!({ "QueueUrl": self.queue, "Attributes": { "VisibilityTimeout": "1" } }))
            .await?;
        self.sqs("SendMessage", json!({ "QueueUrl": self.queue, "MessageBody": "poison" })).await?;
        let failed =
            wait(RECEIVE_TIMEOUT, async || Ok(self.last_result().await?.ends_with("1 partial failures"))).await?;
        report.check("the worker reports an invalid message as failed", failed, self.last_result().await?);
        let dead = wait(RECEIVE_TIMEOUT, async || Ok(self.size(&self.dead_letters).await? == 1)).await?;
        report.check("an invalid message is moved to the dead-letter queue", dead, self.sizes().await?);
        let empty = wait(RECEIVE_TIMEOUT, async || Ok(self.size(&self.queue).await? == 0)).await?;
        report.check("nothing is left in the queue", empty, self.sizes().await?);
        Ok(())
    }

    /// Turns the delivery of messages to the worker on or off.
    pub(crate) async fn deliver(&self, enabled: bool) -> Result<(), LocalError> {
        let mapping = self.mapping().await?;
        let id = mapping["UUID"].as_str().unwrap_or_default();
        let url = format!("{}/2015-03-31/event-source-mappings/{id}", self.emulator.endpoint);
        let body = json!({ "Enabled": enabled }).to_string();
        self.emulator.request("a mapping", Request::put(url), body).await.map(drop)
    }

    /// Moves all messages to the dead-letter queue, as SQS does after five failures.
    pub(crate) async fn move_to_dead_letters(&self) -> Result<(), LocalError> {
        loop {
            let receive = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10 });
            let response = self.sqs("ReceiveMessage", receive).await?;
            let Some(messages) = response["Messages"].as_array().filter(|found| !found.is_empty()) else {
                return Ok(());
            };
            for message in messages {
                let dead = json!({ "QueueUrl": self.dead_letters, "MessageBody": message["Body"] });
                self.sqs("SendMessage", dead).await?;
                let done = json!({ "QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"] });
                self.sqs("DeleteMessage", done).await?;
            }
        }
    }

    /// Runs the reconciler now, without waiting for the schedule.
    pub(crate) async fn reconcile(&self) -> Result<(), LocalError> {
        self.emulator.invoke(&format!("{}-job-reconciler", self.stack), "{}").await
    }

    /// Checks that the schedule starts the reconciler. The emulator logs a line at each start.
    pub(crate) async fn check_schedule(&self, report: &mut Report) -> Result<(), LocalError> {
        let group = format!("/efface/{}/job-reconciler", self.stack);
        let request = json!({ "logGroupName": group, "filterPattern": "START" });
        let started = wait(SCHEDULE_TIMEOUT, async || {
            let found = self.emulator.call("the log", "logs", "Logs_20140328.FilterLogEvents", &request).await?;
            Ok(found["events"].as_array().is_some_and(|events| !events.is_empty()))
        })
        .await?;
        report.check("the schedule starts the reconciler", started, "it was not started");
        Ok(())
    }

    /// The result of the last batch, as the event source mapping shows it.
    async fn last_result(&self) -> Result<String, LocalError> {
        Ok(self.mapping().await?["LastProcessingResult"].as_str().unwrap_or_default().to_owned())
    }

    /// The event source mapping of this stack's worker.
    async fn mapping(&self) -> Result<Value, LocalError> {
        let function = format!(":{}-bulk-worker", self.stack);
        let mappings = self.emulator.mappings().await?;
        let own = mappings
            .into_iter()
            .find(|found| found["FunctionArn"].as_str().is_some_and(|name| name.ends_with(&function)));
        own.ok_or(LocalError::Emulator { what: "the stack's mapping", text: function })
    }

    /// The number of messages in a queue, including those being processed.
    async fn size(&self, url: &str) -> Result<u64, LocalError> {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let response = self.sqs("GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": names })).await?;
        let number = |name: &str| response["Attributes"][name].as_str().and_then(|text| text.parse::<u64>().ok());
        Ok(names.iter().filter_map(|name| number(name)).sum())
    }

    async fn sizes(&self) -> Result<String, LocalError> {
        let (waiting, dead) = (self.size(&self.queue).await?, self.size(&self.dead_letters).await?);
        Ok(format!("{waiting} in the queue, {dead} in the dead-letter queue"))
    }

    async fn sqs(&self, action: &str, request: Value) -> Result<Value, LocalError> {
        self.emulator.call("a request to the queue", "sqs", &format!("AmazonSQS.{action}"), &request).await
    }
}

/// Waits until a condition holds. `false` after a timeout.
pub(crate) async fn wait(
    timeout: Duration,
    mut holds: impl AsyncFnMut() -> Result<bool, LocalError>,
) -> Result<bool, LocalError> {
    let deadline = Instant::now() + timeout;
    while !holds().await? {
        if Instant::now() > deadline {
            return Ok(false);
        }
        sleep(POLL_INTERVAL).await;
    }
    Ok(true)
}
