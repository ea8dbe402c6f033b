//! The function `audit-log`: batches of messages, the schedule, its metrics and its log lines.

use std::sync::{Arc, Mutex};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use efface_audit_log::Event;
use efface_aws::{
    clock::Clock,
    metrics::{Meter, Sink},
};
use efface_core::space::SpaceId;
use efface_tests::{
    TestPublisher,
    faults::Fault,
    log,
    publisher::{LOCKED, soon},
};
use serde_json::{Value, json};

use crate::publisher::{space, verify};

/// A batch of messages with these bodies, whose ids are `0`, `1` and so on.
fn batch(bodies: &[&str]) -> Event {
    let mut event = SqsEvent::default();
    event.records = bodies
        .iter()
        .enumerate()
        .map(|(number, body)| {
            let mut message = SqsMessage::default();
            (message.message_id, message.body) = (Some(number.to_string()), Some((*body).to_owned()));
            message
        })
        .collect();
    Event::Messages(event.records)
}

/// The metrics that a function writes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    fn meter(&self) -> Meter {
        let lines = Arc::clone(&self.0);
        let sink: Sink = Arc::new(move |line| lines.lock().unwrap().push(serde_json::from_slice(line).unwrap()));
        let lookup = |name: &str| (name == "EFFACE_METRICS_NAMESPACE").then(|| "Efface/test".to_owned());
        Meter::from_lookup(&lookup, "audit-log", Clock::system(), sink)
    }

    /// The metrics of the log since the last call.
    fn take(&self) -> Value {
        let lines = std::mem::take(&mut *self.0.lock().unwrap());
        let of_log =
            |line: Value| line.as_object().unwrap().clone().into_iter().filter(|(name, _)| name.starts_with("Log"));
        lines.into_iter().flat_map(of_log).collect()
    }
}

#[tokio::test]
async fn one_message_that_fails_does_not_fail_the_others() {
    log::capture();
    let (test, lines, good) = (TestPublisher::start().await, Lines::default(), space());
    let function = test.function().with_meter(lines.meter());
    let damaged: SpaceId = "spa_damaged".parse().unwrap();
    for space in [&good, &damaged] {
        test.commit(space, &[3]).await;
    }
    let pointer = |space: &str| format!(r#"{{"v":1,"space":"{space}"}}"#);
    let response = function.handle(batch(&[&pointer("spa_demo"), &pointer("spa_damaged")]), soon()).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
    assert_eq!(lines.take(), json!({ "LogEntries": 6, "LogSignatures": 2, "LogBehind": 0 }));
    for space in [&good, &damaged] {
        test.commit(space, &[2]).await;
    }
    test.clock.advance(60_000);
    test.objects.change(&format!("{LOCKED}/{damaged}/checkpoint"), |bytes| bytes[0] ^= 1);
    let messages = batch(&[&pointer("spa_damaged"), "{}", &pointer("spa_demo")]);
    let response = function.handle(messages, soon()).await.unwrap();
    let mut failed: Vec<_> = response.batch_item_failures.into_iter().map(|one| one.item_identifier).collect();
    failed.sort();
    assert_eq!(failed, ["0", "1"]);
    let expected = json!({ "LogEntries": 2, "LogSignatures": 1, "LogBehind": 1, "LogInconsistent": 1 });
    assert_eq!(lines.take(), expected);
    verify(&test, &good, 5);
    let written = log::lines();
    let of = |space: &str| written.iter().filter(|line| line["space_id"] == space).cloned().collect::<Vec<_>>();
    let damaged = of("spa_damaged");
    let last = damaged.iter().rfind(|line| line["message"] == "log").unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(last["error"].as_str().unwrap().starts_with("the checkpoint does not hold"), "{last}");
    assert!(written.iter().any(|line| line["message_id"] == "1" && line["level"] == "ERROR"));
}

#[tokio::test]
async fn the_schedule_publishes_spaces_whose_pointer_is_lost() {
    let (test, lost) = (TestPublisher::start().await, space());
    let function = test.function();
    let [fresh, late]: [SpaceId; 2] = ["spa_fresh", "spa_late"].map(|id| id.parse().unwrap());
    // `lost` was never published. `late` was, and has more. `fresh` was just published.
    for space in [&lost, &late] {
        test.commit(space, &[3]).await;
    }
    test.publish(&late).await.unwrap();
    test.commit(&late, &[4]).await;
    test.clock.advance(120_000);
    test.commit(&fresh, &[1]).await;
    test.publish(&fresh).await.unwrap();
    test.commit(&fresh, &[1]).await;
    function.handle(Event::Schedule, soon()).await.unwrap();
    verify(&test, &lost, 3);
    verify(&test, &late, 7);
    verify(&test, &fresh, 1);
    let waiting = async || {
        let mut waiting = Vec::new();
        for shard in 0..16 {
            waiting.extend(test.journal.dirty_spaces(shard, None, 100).await.unwrap().0);
        }
        waiting
    };
    assert_eq!(waiting().await, std::slice::from_ref(&fresh), "its pointer is under way");
    assert_eq!(test.queue.take(), Vec::<String>::new());
    test.clock.advance(120_000);
    function.handle(Event::Schedule, soon()).await.unwrap();
    verify(&test, &fresh, 2);
    assert!(waiting().await.is_empty());
    // Where nothing waits, the schedule reads the lists, and nothing else. So 10,000 quiet spaces cost nothing.
    test.objects.take();
    test.db.proxy.take();
    function.handle(Event::Schedule, soon()).await.unwrap();
    let operations: Vec<String> = test.db.proxy.take().into_iter().map(|passed| passed.operation).collect();
    assert_eq!((operations, test.objects.take().len()), (vec!["Query".to_owned(); 16], 0));
    test.check_signed(&lost);
    test.check_signed(&late);
}

#[tokio::test]
async fn a_space_that_fails_does_not_stop_the_schedule() {
    let test = TestPublisher::start().await;
    let spaces: Vec<SpaceId> = (0..5).map(|number| format!("spa_{number}").parse().unwrap()).collect();
    for space in &spaces {
        test.commit(space, &[1]).await;
    }
    test.publish(&spaces[2]).await.unwrap();
    test.commit(&spaces[2], &[1]).await;
    test.clock.advance(120_000);
    test.objects.change(&format!("{LOCKED}/{}/checkpoint", spaces[2]), |bytes| bytes[0] ^= 1);
    let lines = Lines::default();
    test.function().with_meter(lines.meter()).handle(Event::Schedule, soon()).await.unwrap();
    let expected = json!({ "LogEntries": 4, "LogSignatures": 4, "LogBehind": 1, "LogInconsistent": 1, "LogSweeps": 1 });
    assert_eq!(lines.take(), expected);
    for space in [&spaces[0], &spaces[1], &spaces[3], &spaces[4]] {
        verify(&test, space, 1);
    }
}

#[tokio::test]
async fn a_run_of_the_schedule_counts_only_if_it_looked_at_all_spaces() {
    let (test, space, lines) = (TestPublisher::start().await, space(), Lines::default());
    test.commit(&space, &[1]).await;
    let function = test.function().with_meter(lines.meter());
    let late = efface_engine::Deadline::after(std::time::Duration::ZERO);
    function.handle(Event::Schedule, late).await.unwrap();
    assert_eq!(lines.take(), json!({}));
    test.db.proxy.plan(|passed| if passed.operation == "Query" { Fault::Refuse } else { Fault::None });
    function.handle(Event::Schedule, soon()).await.unwrap();
    assert_eq!(lines.take(), json!({}));
    test.db.proxy.heal();
    function.handle(Event::Schedule, soon()).await.unwrap();
    assert_eq!(lines.take(), json!({ "LogEntries": 1, "LogSignatures": 1, "LogBehind": 0, "LogSweeps": 1 }));
    verify(&test, &space, 1);
}
