//! What is read of a journal: packs by number, entries by what they are about, by job and request, page by page.

use efface_core::{job::JobId, journal::EventId, space::SpaceId};
use efface_tests::{TestApp, TestJournal, app::SPACE};
use serde_json::json;

use super::story::{identifier, later};

/// A journal of many packs, most of them of one entry, and its space.
async fn journal() -> (TestApp, TestJournal, SpaceId) {
    let app = TestApp::start().await;
    let mut journal = TestJournal::start(&app).await;
    for round in 0..4 {
        let mut line = later(&["user_id:u", "email:e@x"]);
        line["timestamp"] = json!(format!("203{round}-01-01T00:00:00Z"));
        app.try_load(&line).await.unwrap();
        journal.follow().await;
        assert_eq!(app.delete("u", "email:e@x").await.status, 200, "{round}");
        app.profile(&[&format!("user_id:{round}"), &format!("email:{round}@x")]).await;
        journal.follow().await;
    }
    (app, journal, SPACE.parse().unwrap())
}

#[tokio::test]
async fn packs_are_found_by_number() {
    let (_app, test, space) = journal().await;
    let (journal, packs) = (&test.journal, test.packs(&space).await);
    let n = packs.last().unwrap().end();
    assert!(packs.len() >= 8 && packs.iter().any(|pack| pack.entries().len() > 1));
    for pack in &packs {
        assert_eq!(journal.pack(&space, pack.first()).await.unwrap().as_ref(), Some(pack));
        for number in pack.first()..pack.end() {
            assert_eq!(journal.pack_with(&space, number).await.unwrap().as_ref(), Some(pack));
            let to_the_end = journal.packs(&space, number, n).await.unwrap();
            assert_eq!(to_the_end.first(), Some(pack));
            assert_eq!(to_the_end.last(), packs.last());
            assert_eq!(journal.packs(&space, number, number + 1).await.unwrap(), std::slice::from_ref(pack));
        }
    }
    assert_eq!(journal.pack_with(&space, n).await.unwrap(), None);
    assert_eq!(journal.packs(&space, n, n).await.unwrap(), []);
    for beyond in [(0, n + 1), (n, n + 1)] {
        assert!(journal.packs(&space, beyond.0, beyond.1).await.is_err(), "entries that are not there: {beyond:?}");
    }
    let gone = &packs[2];
    let key = |name: &str, text: String| (name.to_owned(), aws_sdk_dynamodb::types::AttributeValue::S(text));
    let key = [key("pk", "P#spa_demo".to_owned()), key("sk", format!("{:020}", gone.first()))].into();
    test.db.client.delete_item().table_name(test.db.table()).set_key(Some(key)).send().await.unwrap();
    assert!(journal.packs(&space, 0, n).await.is_err(), "a pack that is gone is noticed");
    assert!(journal.packs(&space, gone.end(), n).await.is_ok());
    assert_eq!(journal.pack_with(&space, gone.first()).await.unwrap(), None);
}

#[tokio::test]
async fn entries_of_a_noun_are_paged_in_the_order_of_its_events() {
    let (_app, test, space) = journal().await;
    let noun = identifier("email:e@x");
    let all = test.entries(SPACE).await;
    let (mut found, mut after): (Vec<(EventId, u64)>, Option<EventId>) = (Vec::new(), None);
    loop {
        let (entries, more) = test.journal.entries_of(&space, &noun, after.as_ref(), 3).await.unwrap();
        assert!(entries.len() <= 3);
        found.extend(entries);
        after = more;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 8);
    assert!(found.is_sorted_by_key(|(id, _)| id));
    for (id, number) in &found {
        assert_eq!(all[usize::try_from(*number).unwrap()].id(), id);
    }
    let last = test.journal.last_entries_of(&space, &noun, 2).await.unwrap();
    assert_eq!(last, found.iter().rev().take(2).cloned().collect::<Vec<_>>());
    let ids: Vec<EventId> = found.iter().map(|(id, _)| id.clone()).collect();
    let strange = EventId { noun: identifier("email:nobody@x"), ..ids[0].clone() };
    let asked = [ids.clone(), ids.clone(), vec![strange]].concat();
    assert_eq!(test.journal.known(&space, &asked).await.unwrap(), ids.into_iter().collect());
    let nobody = test.journal.entries_of(&space, &identifier("email:nobody@x"), None, 3).await.unwrap();
    assert_eq!(nobody, (Vec::new(), None));
}

#[tokio::test]
async fn entries_of_a_job_and_of_a_request_are_found() {
    let (app, mut test, space) = journal().await;
    let row = |number: usize| json!({ "user_id": number.to_string(), "type": "email", "id": format!("{number}@x") });
    let rows: Vec<_> = (0..4).map(row).collect();
    let job: JobId = app.job(json!({ "action": "delete_identifier", "rows": rows })).await.parse().unwrap();
    test.follow().await;
    app.work().await;
    test.follow().await;
    let all = test.entries(SPACE).await;
    let of_job: Vec<u64> = (0..).zip(&all).filter(|(_, entry)| entry.job() == Some(job)).map(|(n, _)| n).collect();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (numbers, more) = test.journal.numbers_of_job(&space, job, after, 1).await.unwrap();
        found.extend(numbers);
        after = more;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, of_job);
    assert!(of_job.len() >= 6, "{of_job:?}");
    let of_request: Vec<u64> =
        (0..).zip(&all).filter(|(_, entry)| entry.request() == Some(job.request())).map(|(n, _)| n).collect();
    let (found, _) = test.journal.numbers_of_request(&space, job.request(), None, 100).await.unwrap();
    assert_eq!((found, of_request.len() >= 5), (of_request, true));
}
