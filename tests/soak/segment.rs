//! A part of the soak: a segment is emptied by workers that are killed, while others join it all the time. It takes as
//! many as it may before it is disabled, and nobody afterwards.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dynoxide::Database;
use efface_aws::{Store, clock::Clock};
use efface_core::{
    id::ProfileId,
    job::{Counts, Outcome},
    key::SpaceKey,
    load::{LoadLine, ProfileLine, parse_line},
    profile::{Head, ProfileState},
    segment::{SHARDS, Segment, SegmentId},
    space::{Space, SpaceId},
};
use efface_engine::load::Loader;
use efface_tests::{
    app::{SPACE, log_key, master, profile_line},
    store::{TABLE, client},
};
use serde_json::json;

use crate::{
    Run,
    check::{self, Done},
    population::{CROWD, People},
    proxy::{self, Traffic},
    report::{requests_per, shown},
    rows::{Plan, Target},
};

/// Members that a job lists as one page.
const PAGE_ROWS: usize = 10_000;

/// How many people try to join.
const JOINERS: u32 = 200;

/// The pause of a loader between two lines.
const PAUSE: Duration = Duration::from_millis(20);

/// A loader that makes people join.
struct Joins {
    store: Store,
    loader: Loader,
    space: Space,
    key: SpaceKey,
    /// The lines of people, with their numbers.
    lines: Vec<(u32, ProfileLine)>,
    /// How many may join before the segment is disabled.
    most: usize,
}

/// What a loader reported.
#[derive(Default)]
struct Joined {
    /// Those that joined.
    people: BTreeSet<u32>,
    /// Lines that were loaded without the membership.
    refused: usize,
}

impl Joins {
    /// A loader that uses an endpoint, and the lines of these people.
    async fn new(url: &str, people: &People, numbers: impl Iterator<Item = u32>, most: usize) -> Self {
        let (store, space_id) = (Store::new(client(url), TABLE), space());
        let space = store.space(&space_id).await.unwrap().unwrap();
        let line = |number| (number, line(people, number));
        let lines = numbers.map(line).collect();
        let (loader, key) = (Loader::new(store.clone(), log_key()), master().space_key(&space_id));
        Self { store, loader, space, key, lines, most }
    }

    /// Loads the lines again and again until the job is over.
    async fn run(self, is_over: Arc<AtomicBool>) -> Joined {
        let mut joined = Joined::default();
        for (number, line) in self.lines.iter().cycle() {
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let is_open = head(&self.store).await.is_none_or(|segment| segment.state.takes_members());
            if !is_open || joined.people.len() >= self.most {
                tokio::time::sleep(PAUSE).await;
            }
            if is_open && joined.people.len() >= self.most {
                continue;
            }
            // Someone who joined is being deleted; the line is about nobody then.
            let loaded = self.loader.load(&self.space, &self.key, line, Clock::system().now()).await;
            match loaded {
                Ok(loaded) if loaded.not_joined > 0 => joined.refused += 1,
                Ok(_) => drop(joined.people.insert(*number)),
                Err(_) => {}
            }
        }
        joined
    }
}

/// The segment; `None` where a fault hides it.
async fn head(store: &Store) -> Option<Segment> {
    store.segment(&space(), &segment()).await.ok().flatten()
}

fn space() -> SpaceId {
    SpaceId::parse(SPACE).unwrap()
}

fn segment() -> SegmentId {
    CROWD.parse().unwrap()
}

/// The line that makes a person join.
fn line(people: &People, number: u32) -> ProfileLine {
    let ids: Vec<String> = people.person(number).root.ids.iter().map(|(t, value)| format!("{t}:{value}")).collect();
    let mut line = profile_line(SPACE, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    line["segments"] = json!([CROWD]);
    match parse_line(&line.to_string()) {
        Ok(Some(LoadLine::Profile(line))) => line,
        _ => unreachable!("a profile line"),
    }
}

impl Run<'_> {
    /// Empties a segment of people from the number `first` on, and compares the table with the model. `direct` is the
    /// endpoint without faults. Long, because the steps share their state.
    pub(crate) async fn empty_a_segment(&mut self, database: &Database, first: u32, direct: &str) {
        let members = u32::try_from(self.args.rows / 10).unwrap();
        self.people.crowd = first..first + members;
        let mut plan = Plan::of_segment(self.people.crowd.clone(), JOINERS + members / 10);
        check::populate(database, TABLE, &self.people, &plan);
        let before = check::prints(database, TABLE);
        let memberships = self.memberships();
        // One loader knows for sure what it did. The other one meets faults, and may not know whether somebody joined.
        let (joiners, most) = (first + members..first + members + JOINERS, memberships / 200);
        let (even, odd) = (joiners.clone().step_by(2), joiners.clone().skip(1).step_by(2));
        let address = direct.trim_start_matches("http://").parse().unwrap();
        let url = proxy::start(address, Arc::new(Traffic::default())).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let sure = Joins::new(direct, &self.people, even, most).await;
        let unsure = Joins::new(&url, &self.people, odd, most).await;
        self.traffic.set_faults(true);
        let requests = self.traffic.requests();
        let kills = self.fleet.figures.kills + self.args.kills / 4;
        let job = self.client.delete_users(CROWD, memberships).await;
        let sure = tokio::spawn(sure.run(Arc::clone(&is_over)));
        let unsure = tokio::spawn(unsure.run(Arc::clone(&is_over)));
        let (id, status) = self.follow("segment", vec![job], memberships, kills).await.remove(0);
        is_over.store(true, Ordering::Relaxed);
        let (sure, unsure) = (sure.await.unwrap(), unsure.await.unwrap());
        println!("segment: {}", requests_per("member", &self.traffic.requests(), &requests, memberships));

        let store = Store::new(client(direct), TABLE);
        let joined = self.check_joins(&store, joiners, &sure, &unsure).await;
        plan.targets.extend(joined.iter().map(|person| Target { person: *person, id: None }));
        let count = |count: usize| i64::try_from(count).unwrap();
        let duplicate = count(memberships) - i64::from(members);
        let expected = Counts { deleted: count(plan.targets.len()), duplicate, ..Counts::default() };
        println!("segment: {}", shown(status.counts));
        if status.counts != expected || status.ended != r#""complete" 0"# {
            self.faults.push(format!("{id}: {status:?} should be complete with {}", shown(expected)));
        }
        self.check_closed(&store, &id).await;
        let actors = self.actors(&store, &plan, &id).await;
        let done = Done { plan: &plan, id, actors, page_rows: PAGE_ROWS, joined };
        let (faults, _) = check::compare(database, TABLE, &self.people, &before, &[done]);
        println!("segment: {} differences from the model", faults.len());
        self.faults.extend(faults);
    }

    /// How many memberships the segment has: of some people those of two profiles.
    fn memberships(&self) -> usize {
        let of_person = |number| {
            let person = self.people.person(number);
            let profiles = std::iter::once(&person.root).chain(&person.member);
            profiles.filter(|profile| profile.segments.contains(&CROWD)).count()
        };
        self.people.crowd.clone().map(of_person).sum()
    }

    /// The heads of people's roots.
    async fn heads(&self, store: &Store, people: impl Iterator<Item = u32>) -> HashMap<ProfileId, Head> {
        let roots: Vec<ProfileId> = people.map(|number| self.people.person(number).root.id).collect();
        let heads = store.heads_of(&space(), &roots).await.unwrap();
        heads.into_iter().map(|head| (head.profile_id, head)).collect()
    }

    /// Compares what the loaders reported with who was deleted. Returns those.
    async fn check_joins(
        &mut self,
        store: &Store,
        joiners: Range<u32>,
        sure: &Joined,
        unsure: &Joined,
    ) -> BTreeSet<u32> {
        let first = joiners.start;
        let mut deleted = BTreeSet::new();
        let heads = self.heads(store, joiners.clone()).await;
        for number in joiners {
            let is_deleted = heads[&self.people.person(number).root.id].state != ProfileState::Active;
            let by_sure = (number - first).is_multiple_of(2);
            let joined = if by_sure { sure } else { unsure }.people.contains(&number);
            if joined && !is_deleted || by_sure && !joined && is_deleted {
                self.faults.push(format!("person {number}: joined {joined}, deleted {is_deleted}"));
            }
            deleted.extend(is_deleted.then_some(number));
        }
        let refused = sure.refused + unsure.refused;
        println!("segment: {} joined and were deleted; {refused} lines were refused", deleted.len());
        if refused == 0 {
            self.faults.push("nobody tried to join the disabled segment".to_owned());
        }
        deleted
    }

    /// Checks that nobody is a member, that all gates are closed, and that the segment is its job's no more.
    async fn check_closed(&mut self, store: &Store, job: &str) {
        let (mut members, mut gates) = (0, 0);
        for shard in 0..SHARDS {
            members += store.count_members(&space(), &segment(), shard).await.unwrap();
            gates += u16::from(store.gate(&space(), &segment(), shard).await.unwrap().is_some());
        }
        let head = head(store).await.unwrap();
        let is_ended = head.is_disabled() && head.active_job.is_none() && head.last_job.unwrap().to_string() == job;
        println!("segment: {members} members left, {gates} gates closed");
        if members != 0 || gates != SHARDS || !is_ended {
            self.faults.push(format!("the segment has {members} members and {gates} closed gates: {head:?}"));
        }
    }

    /// For each target the row that deleted it, as its head tells. Checks that each of these rows has deleted one.
    async fn actors(&mut self, store: &Store, plan: &Plan, job: &str) -> Vec<usize> {
        let outcomes = self.client.outcomes(job, 0, PAGE_ROWS).await;
        let heads = self.heads(store, plan.targets.iter().map(|target| target.person)).await;
        let mut rows = HashMap::new();
        let mut actors = Vec::with_capacity(plan.targets.len());
        for target in &plan.targets {
            let row = heads[&self.people.person(target.person).root.id].job_row;
            let at = row.map_or(usize::MAX, |row| row.page as usize * PAGE_ROWS + row.row as usize);
            if rows.insert(at, target.person).is_some() || outcomes.get(at) != Some(&Some(Outcome::Deleted)) {
                self.faults.push(format!("person {} was deleted by row {at}, which is another's", target.person));
            }
            actors.push(at);
        }
        actors
    }
}
