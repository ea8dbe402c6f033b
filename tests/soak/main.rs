//! The soak test: the real programs run jobs of up to millions of rows while processes are killed, requests are throttled,
//! replies are lost and messages are delivered twice and in any order. The results must equal those of a reference model, and
//! journal and log must tell them.
//!
//! `cargo soak --help` lists the options; `docs/performance.md` describes what the test checks.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program that fails loudly and prints a report"
)]

mod bare;
mod check;
mod client;
mod fleet;
mod journal;
mod population;
mod proxy;
mod queue;
mod report;
mod rows;
mod runtime;
mod segment;
mod sqs;
mod stream;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use dynoxide::{Database, actions::create_table::CreateTableRequest};
use efface_core::{job::Counts, space::SpaceId, time::Time};
use efface_tests::{app::SPACE, journal::JOURNAL, store::TABLE};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    check::Done,
    client::{Client, Post, Status},
    fleet::{Fleet, Killer, Setting},
    journal::Downstream,
    population::People,
    proxy::Traffic,
    queue::FaultyQueue,
    report::shown,
    rows::{Action, Plan},
    runtime::Invocations,
    sqs::Queues,
};

/// Runs deletion jobs with the real worker and reconciler under faults, and compares the results with a model.
#[derive(Debug, Parser)]
struct Args {
    /// Rows of all jobs together.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Worker processes.
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// The least number of workers to kill while the jobs run.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// Captures and publishers to kill for each worker that is killed.
    #[arg(long, default_value_t = 5)]
    downstream_kills: usize,
    /// The seed of the random people and rows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The action of the jobs. `mixed` runs one job of each action at the same time, with half of the rows each.
    #[arg(long, value_enum, default_value_t = Jobs::Mixed)]
    action: Jobs,
    /// Rows per page.
    #[arg(long, default_value_t = 20_000)]
    page_rows: usize,
    /// Instead of the soak: run the rows of a file as one job, in this process, on the table of the `cargo local` that
    /// wrote this settings file.
    #[arg(long, value_name = "ENV_FILE", requires = "rows_file")]
    bare: Option<PathBuf>,
    /// The rows for `--bare`, one `type:value` a line.
    #[arg(long, value_name = "FILE", requires = "bare")]
    rows_file: Option<PathBuf>,
    /// Minutes after which a run that has not ended fails.
    #[arg(long, default_value_t = 240)]
    minutes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Jobs {
    DeleteProfile,
    DeleteIdentifier,
    Mixed,
}

impl Jobs {
    fn actions(self) -> &'static [Action] {
        match self {
            Self::DeleteProfile => &[Action::Profile],
            Self::DeleteIdentifier => &[Action::Identifier],
            Self::Mixed => &[Action::Profile, Action::Identifier],
        }
    }
}

/// The first estimate of the throughput, in rows per second.
const GUESSED_RATE: usize = 800;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    if let (Some(env_file), Some(rows)) = (&args.bare, &args.rows_file) {
        println!("bare: {}", runtime.block_on(bare::run(env_file, rows)));
        return ExitCode::SUCCESS;
    }
    let programs = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    build(&programs);
    let faults = runtime.block_on(soak(&args, &programs));
    if faults.is_empty() {
        println!("soak: passed");
        return ExitCode::SUCCESS;
    }
    for fault in faults.iter().take(20) {
        println!("  {fault}");
    }
    println!("soak: failed, {} faults; logs in {}", faults.len(), programs.join("soak-logs").display());
    ExitCode::FAILURE
}

/// Builds the functions in the profile in which this program was built. `cargo run` builds this program only.
fn build(programs: &Path) {
    let Some(cargo) = std::env::var_os("CARGO") else { return };
    let profile = match programs.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let started = Instant::now();
    let built = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--profile",
            profile,
            "--bin",
            "efface-bulk-worker",
            "--bin",
            "efface-job-reconciler",
            "--bin",
            "efface-change-capture",
            "--bin",
            "efface-audit-log",
        ])
        .status();
    assert!(built.unwrap().success(), "the programs can't be built");
    println!("programs built in {:.0} s", started.elapsed().as_secs_f64());
}

/// Runs the soak from its empty table to the list of faults. Long, because the steps share their state.
async fn soak(args: &Args, programs: &Path) -> Vec<String> {
    let now = Time::parse("2026-02-01T00:00:00Z").unwrap();
    let space = SpaceId::parse(SPACE).unwrap();
    let people = People::new(args.seed, space, now);
    let actions = args.action.actions();
    let mut plans: Vec<Plan> = Vec::new();
    for (at, action) in (0..).zip(actions) {
        let first = plans.last().map_or(0, |plan| plan.people.end);
        plans.push(Plan::new(*action, args.rows / actions.len(), &people, first, args.seed + at));
    }

    let database = database();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    let traffic = Arc::new(Traffic::default());
    let url = proxy::start(address, Arc::clone(&traffic)).await;
    let queue = FaultyQueue::default();
    let direct = format!("http://{address}");
    let downstream = Downstream::start(&database).await;
    let client = Client::start(&direct, &url, queue.clone(), now).await;
    let started = Instant::now();
    let items: usize = plans.iter().map(|plan| check::populate(&database, TABLE, &people, plan)).sum();
    let before = check::prints(&database, TABLE);
    println!("{items} items of {} people in {:.0} s", plans.last().map_or(0, |plan| plan.people.end), seconds(started));

    let setting = Setting {
        programs: programs.to_owned(),
        logs: fleet::logs(programs),
        table: TABLE.to_owned(),
        dynamodb: url,
        sqs: sqs::start(Queues {
            jobs: queue.clone(),
            pointers: downstream.pointers.clone(),
            aside: downstream.aside.clone(),
        })
        .await,
        downstream: downstream.clone(),
    };
    let invocations = Arc::new(Invocations::default());
    let fleet = Fleet::start(setting, queue.clone(), Arc::clone(&invocations), args.workers).await;
    let mut run = Run {
        args,
        client,
        queue,
        traffic,
        people,
        fleet,
        invocations,
        downstream,
        downstream_kills: 0,
        faults: Vec::new(),
    };

    let jobs = run.run_jobs(&plans, "first", false, args.kills).await;
    run.report_faults();
    let mut done = Vec::new();
    for (plan, (id, status)) in plans.iter().zip(jobs) {
        let actors = run.check(plan, &id, &status, plan.counts().0, false).await;
        done.push(Done { plan, id, actors, page_rows: args.page_rows, joined: BTreeSet::new() });
    }
    let started = Instant::now();
    let (faults, after) = check::compare(&database, TABLE, &run.people, &before, &done);
    println!("table compared in {:.0} s: {} differences from the model", seconds(started), faults.len());
    run.faults.extend(faults);

    let jobs = run.run_jobs(&plans, "again", false, 0).await;
    for (plan, (id, status)) in plans.iter().zip(jobs) {
        run.check(plan, &id, &status, plan.counts().1, true).await;
    }
    let again = check::prints(&database, TABLE);
    let changed = again.iter().filter(|(key, print)| after.get(key) != Some(print)).count();
    println!("the second run changed {} items", changed + after.len().abs_diff(again.len()));
    if again != after {
        run.faults.push("the second run changed the table".to_owned());
    }
    let first = plans.last().map_or(0, |plan| plan.people.end);
    let planned = Plan::new(Action::Profile, args.rows / 4, &run.people, first, args.seed + 100);
    let first = planned.people.end;
    run.execute_a_plan(&database, planned).await;
    run.empty_a_segment(&database, first, &direct).await;
    run.check_journal(&database, &direct).await;
    run.finish()
}

/// A database with the table of the template and its journal.
fn database() -> Database {
    let database = efface_local::streams::database().unwrap();
    let table = |name: &str, has_stream: bool| -> CreateTableRequest {
        let stream = json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" });
        serde_json::from_value(json!({
            "TableName": name,
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }],
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "S" },
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": if has_stream { stream } else { json!(null) },
        }))
        .unwrap()
    };
    database.create_table(table(TABLE, true)).unwrap();
    database.create_table(table(JOURNAL, false)).unwrap();
    database
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64()
}

struct Run<'a> {
    args: &'a Args,
    client: Client,
    queue: FaultyQueue,
    traffic: Arc<Traffic>,
    people: People,
    fleet: Fleet,
    invocations: Arc<Invocations>,
    downstream: Downstream,
    /// How many captures and publishers are to be killed until now.
    downstream_kills: usize,
    faults: Vec<String>,
}

impl Run<'_> {
    /// Makes a dry run of new people and executes it, while workers are killed, and compares the table with the model.
    async fn execute_a_plan(&mut self, database: &Database, plan: Plan) {
        check::populate(database, TABLE, &self.people, &plan);
        let before = check::prints(database, TABLE);
        let kills = self.fleet.figures.kills + self.args.kills / 10;
        let (dry_run, status) = self.run_jobs(std::slice::from_ref(&plan), "planned", true, kills).await.remove(0);
        let mut actors = self.check(&plan, &dry_run, &status, plan.counts().0, false).await;
        if check::prints(database, TABLE) != before {
            self.faults.push("the dry run changed the table".to_owned());
        }
        self.traffic.set_faults(true);
        let job = self.client.execute(&dry_run, "executed").await;
        let kills = self.fleet.figures.kills + self.args.kills / 10;
        let (id, status) = self.follow("executed", vec![job], plan.targets.len(), kills).await.remove(0);
        let expected = Counts { deleted: i64::try_from(plan.targets.len()).unwrap(), ..Counts::default() };
        println!("executed: {}", shown(status.counts));
        if status.counts != expected {
            self.faults.push(format!("{id}: the counts should be {}", shown(expected)));
        }
        // The rows of a page are those that found something, in their order.
        let page_rows = self.args.page_rows;
        let mut found = actors.clone();
        found.sort_unstable();
        for actor in &mut actors {
            let page = *actor / page_rows * page_rows;
            *actor = page + found.partition_point(|row| row < actor) - found.partition_point(|row| *row < page);
        }
        let done = Done { plan: &plan, id, actors, page_rows, joined: BTreeSet::new() };
        let (faults, _) = check::compare(database, TABLE, &self.people, &before, &[done]);
        println!("executed: {} differences from the model", faults.len());
        self.faults.extend(faults);
    }

    /// Posts the jobs, and follows them.
    async fn run_jobs(&mut self, plans: &[Plan], name: &str, dry_run: bool, kills: usize) -> Vec<(String, Status)> {
        self.traffic.set_faults(true);
        let started = Instant::now();
        let rows: usize = plans.iter().map(Plan::len).sum();
        let mut posting = Vec::new();
        for (at, plan) in plans.iter().enumerate() {
            let (client, people, page_rows) = (&self.client, &self.people, self.args.page_rows);
            posting.push(async move {
                client.post(plan, people, &Post { page_rows, key: &format!("{name}-{at}"), dry_run }).await
            });
        }
        let jobs: Vec<String> = futures::future::join_all(posting).await;
        println!("{name}: {rows} rows posted in {:.0} s", seconds(started));
        self.follow(name, jobs, rows, kills).await
    }

    /// Kills workers until all jobs are completed. Returns the ids and last statuses of the jobs. Long, because killing and
    /// following go on at the same time.
    async fn follow(&mut self, name: &str, jobs: Vec<String>, rows: usize, kills: usize) -> Vec<(String, Status)> {
        let started = Instant::now();
        let mut killer = Killer::new(kills, Duration::from_secs((rows / GUESSED_RATE) as u64));
        let working = Instant::now();
        killer.restart();
        let to_kill = kills.saturating_sub(self.fleet.figures.kills) * self.args.downstream_kills;
        let mut downstream_killer = Killer::new(self.fleet.figures.downstream + to_kill, killer.estimate());
        self.downstream_kills += to_kill;
        let limit = Duration::from_secs(self.args.minutes * 60);
        let mut polled: Option<Instant> = None;
        let mut printed_tenths = 0;
        let statuses = loop {
            if killer.is_due(self.fleet.figures.kills) {
                self.fleet.kill().await;
            }
            if downstream_killer.is_due(self.fleet.figures.downstream) {
                self.fleet.kill_downstream().await;
            }
            self.fleet.replace_failed().await;
            if polled.is_none_or(|polled| polled.elapsed() > Duration::from_secs(1)) {
                polled = Some(Instant::now());
                let mut statuses = Vec::new();
                for job in &jobs {
                    statuses.push(self.client.status(job).await);
                }
                let decided: i64 = statuses.iter().map(|status| status.counts.total()).sum();
                let total: i64 = statuses.iter().map(|status| status.rows).sum();
                let share =
                    i32::try_from(decided).map_or(1.0, f64::from) / f64::from(i32::try_from(total.max(1)).unwrap());
                killer.progress(share);
                downstream_killer.progress(share);
                if decided * 10 / total.max(1) > printed_tenths {
                    printed_tenths = decided * 10 / total.max(1);
                    println!(
                        "{name}: {decided} rows after {:.0} s, {} kills",
                        seconds(working),
                        self.fleet.figures.kills
                    );
                }
                if statuses.iter().all(|status| status.state == "completed") {
                    break statuses;
                }
                for (job, status) in jobs.iter().zip(&statuses) {
                    // More have joined than it takes without asking, while its gates were being closed.
                    if status.state == "awaiting_approval" {
                        println!("{name}: approved with {} members", status.rows);
                        self.client.approve(job, status.rows).await;
                    }
                }
                if started.elapsed() > limit {
                    self.faults.push(format!("{name}: not ended in time: {statuses:?}"));
                    break statuses;
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let took = seconds(working);
        let rate = f64::from(u32::try_from(rows).unwrap()) / took;
        println!("{name}: {rows} rows processed in {took:.0} s: {rate:.0} rows/s with {} workers", self.args.workers);
        if self.fleet.figures.kills < kills {
            self.faults.push(format!("{} workers were killed, not {kills}", self.fleet.figures.kills));
        }
        self.traffic.set_faults(false);
        self.wait_until_verified(name, &jobs).await;
        jobs.into_iter().zip(statuses).collect()
    }

    /// Waits until the reconciler has verified the jobs and the queues are empty.
    async fn wait_until_verified(&mut self, name: &str, jobs: &[String]) {
        let started = Instant::now();
        loop {
            self.fleet.replace_failed().await;
            let mut is_verified = true;
            for job in jobs {
                is_verified &= self.client.status(job).await.is_verified;
            }
            if is_verified && self.queue.is_empty() {
                return println!("{name}: verified, and the queue empty, {:.0} s later", seconds(started));
            }
            if started.elapsed() > Duration::from_mins(3) {
                let what = if is_verified { "messages are left" } else { "a job was not verified" };
                return self.faults.push(format!("{name}: {what}"));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Compares a job's counts and outcomes with the model. Returns for each group the row that deleted its target.
    async fn check(&mut self, plan: &Plan, id: &str, status: &Status, expected: Counts, again: bool) -> Vec<usize> {
        let counts = status.counts;
        println!("{}: {}", plan.action.as_str(), shown(counts));
        if counts != expected {
            self.faults.push(format!("{id}: the counts should be {}", shown(expected)));
        }
        let (faults, actors) = self.client.check_outcomes(id, plan, self.args.page_rows, again).await;
        self.faults.extend(faults);
        actors
    }
}
