//! The units of an event, as `docs/architecture.md` states them.

use efface_tests::{TestApp, TestJournal, app::SPACE, fault_proxy::Cost, publisher::soon, stream::event};
use serde_json::{Value, json};

/// Records of 100 deletions.
async fn deletions(by_job: bool) -> (TestJournal, Vec<Value>) {
    let app = TestApp::start().await;
    let emails: Vec<String> = (0..100).map(|number| format!("email:{number}@x")).collect();
    let ids: Vec<&str> = ["user_id:u"].into_iter().chain(emails.iter().map(String::as_str)).collect();
    app.profile(&ids).await;
    let mut journal = TestJournal::start(&app).await;
    if by_job {
        let row = |id: &String| json!({ "user_id": "u", "type": "email", "id": &id["email:".len()..] });
        let rows: Vec<Value> = emails.iter().map(row).collect();
        app.job(json!({ "action": "delete_identifier", "rows": rows })).await;
        app.work().await;
    } else {
        for email in &emails {
            app.clock.advance(100);
            assert_eq!(app.delete("u", email).await.status, 200);
        }
    }
    let mut records = journal.stream.take().await;
    records.retain(|record| record["dynamodb"]["NewImage"]["state"]["S"] == "deleted");
    assert_eq!(records.len(), 100);
    (journal, records)
}

async fn cost(journal: &TestJournal, records: &[Value]) -> Cost {
    let capture = journal.capture();
    let (captured, cost) = journal.proxy.cost(capture.handle(event(records), soon())).await;
    captured.unwrap();
    let events = f64::from(u32::try_from(records.len()).unwrap());
    Cost { reads: cost.reads / events, writes: cost.writes / events, ..cost }
}

#[expect(clippy::print_stderr, reason = "figures for the documentation")]
fn show(what: &str, cost: Cost) {
    eprintln!(
        "{what}: {:.3} write units, {:.3} read units an event, {} round trips",
        cost.writes, cost.reads, cost.round_trips
    );
}

#[tokio::test]
async fn an_event_in_a_batch_of_a_hundred() {
    for (what, by_job, most) in [("deletions by requests", false, 2.4), ("deletions by a job", true, 1.4)] {
        let (journal, records) = deletions(by_job).await;
        let cost = cost(&journal, &records).await;
        show(what, cost);
        assert!(cost.writes <= most && cost.reads <= 1.1, "{what}: {cost:?}");
        assert_eq!(journal.entries(SPACE).await.len(), 100);
        let again = self::cost(&journal, &records).await;
        show("the same again", again);
        assert!(again.writes == 0.0 && again.reads <= 1.1, "what comes again is only looked up: {again:?}");
    }
}

#[tokio::test]
async fn an_event_alone() {
    let (journal, records) = deletions(false).await;
    let first = cost(&journal, &records[..1]).await;
    show("the first event of a space that rests", first);
    assert_eq!((first.writes, first.reads), (9.0, 2.0), "a transaction of the head and the item for the schedule");
    let next = cost(&journal, &records[1..2]).await;
    show("an event alone", next);
    assert_eq!((next.writes, next.reads), (6.0, 2.0));
    assert_eq!(journal.entries(SPACE).await.len(), 2);
}

/// Three captures that have a third of the changes each. What they do for nothing is a put that finds another pack, a commit that
/// comes too late, and reading the head again; at worst each pack is drained by two of them.
#[tokio::test]
async fn an_event_where_several_write_to_its_space() {
    let (journal, records) = deletions(false).await;
    let captures: Vec<_> = (0..3).map(|_| journal.capture()).collect();
    journal.proxy.take();
    let work = captures.iter().zip(records.chunks(34)).map(|(capture, batch)| capture.handle(event(batch), soon()));
    futures::future::join_all(work).await.into_iter().for_each(Result::unwrap);
    let units = journal.proxy.take().iter().map(efface_tests::fault_proxy::Passed::units).collect::<Vec<_>>();
    let (reads, writes) =
        units.iter().fold((0.0, 0.0), |(reads, writes), (read, write)| (reads + read, writes + write));
    let cost = Cost { requests: units.len(), round_trips: 0, reads: reads / 100.0, writes: writes / 100.0 };
    show("deletions in three batches at once", cost);
    assert!(cost.writes <= 4.8 && cost.reads <= 1.6, "{cost:?}");
    assert_eq!(journal.entries(SPACE).await.len(), 100);
}
