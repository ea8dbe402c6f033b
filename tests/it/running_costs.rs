//! What `docs/operations/costs.md` calculates with, beside the units of `costs.rs` and `job_costs.rs`.

use std::time::{Duration, SystemTime};

use efface_job_reconciler::Reconciler;
use efface_tests::{Req, TestApp, app::SPACE};

use crate::template::{read, template};

/// A run of the reconciler in a table without live jobs.
#[tokio::test]
async fn a_run_of_the_reconciler_that_finds_nothing() {
    let app = TestApp::start().await;
    let run = async || {
        let reconciler = Reconciler::new(app.engine(), app.dead.queue());
        let (_, cost) = app.db.proxy.cost(reconciler.handle(SystemTime::now() + Duration::from_mins(1))).await;
        (cost.requests, cost.writes, cost.reads)
    };
    run().await;
    assert_eq!(run().await, (9, 0.0, 9.0));
}

/// A request that deletes a profile of two identifiers.
#[tokio::test]
async fn a_single_profile() {
    let app = TestApp::start().await;
    app.profile(&["user_id:u", "email:e@x"]).await;
    app.profile(&["user_id:v", "email:f@x"]).await;
    app.send(Req::delete_profile(SPACE, "user_id", "v")).await;
    let (reply, cost) = app.db.proxy.cost(app.send(Req::delete_profile(SPACE, "user_id", "u"))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!((cost.writes, cost.reads), (42.0, 15.5));
}

#[test]
fn the_page_counts_alarms_as_the_template_does() {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap();
    let alarms = resources.values().filter(|resource| resource["Type"] == *"AWS::CloudWatch::Alarm").count();
    assert!(read("docs/operations/costs.md").contains(&format!("| {alarms} alarms |")), "{alarms} alarms");
}

/// The numbers of a row in millions of units and in dollars. `None` for another line.
fn numbers(row: &str) -> Option<Vec<f64>> {
    let cells = row.trim_matches('|').split('|').skip(1);
    cells
        .map(|cell| cell.trim().trim_matches('*').trim_start_matches('$').trim_end_matches(" M").parse().ok())
        .collect()
}

/// The tables of the page are calculated from their units.
#[test]
fn the_page_calculates_right() {
    let page = read("docs/operations/costs.md");
    let mut rows = 0;
    for table in page.split("## ").filter(|part| part.contains("| write units | read units | table |")) {
        for row in table.lines() {
            let Some(cells) = numbers(row).filter(|cells| cells.len() >= 4) else { continue };
            let of_table = cells[0] * 0.625 + cells[1] * 0.125;
            assert!((of_table - cells[2]).abs() < 0.0051, "{row}: {of_table}");
            let (rest, together) = (cells.get(4).copied().unwrap_or(4.07), cells[cells.len() - 1]);
            assert!((of_table + rest - together).abs() < 0.0101, "{row}: {}", of_table + rest);
            rows += 1;
        }
    }
    assert!(rows >= 10, "{rows} rows");
}
