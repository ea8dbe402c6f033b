//! The requests of change-capture, compared with its role in the template. No emulator checks permissions.

use std::collections::BTreeSet;

use efface_tests::{
    TestApp, TestJournal,
    publisher::soon,
    rights::{accesses, needed},
    stream::event,
};

use super::story::story;
use crate::iam::Policy;

/// All that a capture asks for when others die before it, so that it drains what these have left, and when several write to one
/// space at the same time; and no right that it does not use.
#[tokio::test]
async fn the_role_of_the_capture_allows_just_its_requests() {
    let app = TestApp::start().await;
    let mut first = TestJournal::start(&app).await;
    story(&app).await;
    let records = first.stream.take().await;
    let policy = Policy::of("ChangeCaptureRole", "journal");
    let (mut denied, mut used) = (BTreeSet::new(), BTreeSet::new());
    for passes in 0.. {
        let journal = first.anew().await;
        let capture = journal.capture();
        let died = journal.proxy.dies_after(passes * 2, true, capture.handle(event(&records), soon())).await;
        journal.capture().handle(event(&records), soon()).await.unwrap();
        let passed = journal.proxy.take();
        denied.extend(accesses(&passed).into_iter().filter(|access| !policy.allows(access)).map(|it| it.to_string()));
        used.extend(needed(&passed));
        if !died {
            break;
        }
    }
    let contended = first.anew().await;
    let captures: Vec<_> = (0..3).map(|_| contended.capture()).collect();
    let work = captures.iter().map(|capture| capture.handle(event(&records), soon()));
    futures::future::join_all(work).await.into_iter().for_each(Result::unwrap);
    let passed = contended.proxy.take();
    denied.extend(accesses(&passed).into_iter().filter(|access| !policy.allows(access)).map(|it| it.to_string()));
    used.extend(needed(&passed));
    assert!(denied.is_empty(), "{denied:#?}");
    assert!(used.contains("dynamodb:Query on P#*"), "packs that others have left or committed were read: {used:?}");
    assert_eq!(used, policy.rights());
}
