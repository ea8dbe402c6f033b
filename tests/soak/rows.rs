//! The rows of a job, and the reference model: the expected outcome of each row, in whatever order the rows run.

use std::{fmt::Write, ops::Range};

use efface_core::job::{Counts, Outcome};
use fastrand::Rng;

use crate::population::{People, Person, VALUE_PREFIX};

/// The action of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Profile,
    Identifier,
}

impl Action {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "delete_profile",
            Self::Identifier => "delete_identifier",
        }
    }
}

/// The content of a row. People and their identifiers are given by number.
#[derive(Debug, Clone, Copy)]
enum RowContent {
    Id {
        person: u32,
        id: u8,
    },
    Pair {
        person: u32,
        lookup: u8,
        target: u8,
    },
    UnknownId(u32),
    UnknownLookup(u32),
    UnknownTarget(u32),
    /// An identifier of another person.
    Foreign {
        person: u32,
        other: u32,
    },
    Malformed(u8),
}

/// The expected outcome of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One row of the group deletes the target and the others are duplicates. If the rows are posted again, all of them are
    /// not found.
    Group(u32),
    /// This outcome, also if the rows are posted again.
    Always(Outcome),
}

/// What the rows of one group delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) person: u32,
    /// The identifier; `None` for all of the person.
    pub(crate) id: Option<u8>,
}

/// The rows of a job, their expected outcomes, and the people in the table.
pub(crate) struct Plan {
    pub(crate) action: Action,
    rows: Vec<(RowContent, Expected)>,
    pub(crate) targets: Vec<Target>,
    /// All people of this job, also those that no row refers to.
    pub(crate) people: Range<u32>,
}

// Percentages of the rows. The rest is found.
const DUPLICATE: usize = 5;
const UNKNOWN: usize = 3;
const MALFORMED: usize = 2;

impl Plan {
    /// Generates rows for people from the number `first` on.
    pub(crate) fn new(action: Action, rows: usize, people: &People, first: u32, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut plan = Self { action, rows: Vec::with_capacity(rows), targets: Vec::new(), people: first..first };
        let found = rows - rows * (DUPLICATE + UNKNOWN + MALFORMED) / 100;
        while plan.rows.len() < found {
            let number = plan.people.end;
            plan.people.end += 1;
            let person = people.person(number);
            match action {
                Action::Profile => plan.profile(&person, number, &mut rng),
                Action::Identifier => plan.identifiers(&person, number, &mut rng),
            }
        }
        let named = plan.people.clone();
        plan.people.end += u32::try_from(rows / 10).unwrap() + 1;
        let found = plan.rows.len();
        for _ in 0..rows * DUPLICATE / 100 {
            // A row that can have a duplicate.
            let (content, expected) = loop {
                let row = plan.rows[rng.usize(..found)];
                if matches!(row.1, Expected::Group(_)) {
                    break row;
                }
            };
            plan.rows.push((again(content, people, &mut rng), expected));
        }
        for _ in 0..rows * UNKNOWN / 100 {
            // The same number may occur more than once.
            let n = rng.u32(..u32::try_from(rows).unwrap());
            let (person, other) = (rng.u32(named.clone()), rng.u32(named.end..plan.people.end));
            let content = match (action, rng.u8(..3)) {
                (Action::Profile, _) => RowContent::UnknownId(n),
                (Action::Identifier, 0) => RowContent::UnknownLookup(n),
                (Action::Identifier, 1) => RowContent::UnknownTarget(other),
                (Action::Identifier, _) => RowContent::Foreign { person: other, other: person },
            };
            plan.rows.push((content, Expected::Always(Outcome::NotFound)));
        }
        while plan.rows.len() < rows {
            plan.rows.push((RowContent::Malformed(rng.u8(..6)), Expected::Always(Outcome::Invalid)));
        }
        rng.shuffle(&mut plan.rows);
        plan
    }

    /// The plan of a job that deletes these people and makes its rows itself. So many people after them stay.
    pub(crate) fn of_segment(members: Range<u32>, others: u32) -> Self {
        let targets = members.clone().map(|person| Target { person, id: None }).collect();
        let people = members.start..members.end + others;
        Self { action: Action::Profile, rows: Vec::new(), targets, people }
    }

    /// Adds a row that deletes a person, given by any identifier.
    fn profile(&mut self, person: &Person, number: u32, rng: &mut Rng) {
        let id = rng.usize(..person.ids().len());
        let expected = self.group(number, None);
        self.rows.push((RowContent::Id { person: number, id: id.try_into().unwrap() }, expected));
    }

    /// Adds rows that delete some of a person's identifiers. Some of the rows for `user_id`s depend on one another.
    fn identifiers(&mut self, person: &Person, number: u32, rng: &mut Rng) {
        let user_ids = u8::try_from(person.user_ids()).unwrap();
        let ids = u8::try_from(person.ids().len()).unwrap();
        let email = user_ids;
        let protected = Expected::Always(Outcome::Protected);
        let mut row = |lookup, target, expected: Option<Expected>| {
            let expected = expected.unwrap_or_else(|| self.group(number, Some(target)));
            self.rows.push((RowContent::Pair { person: number, lookup, target }, expected));
        };
        match (user_ids, rng.u8(..4)) {
            // One of two is the guard identifier of the other.
            (2, 0) => row(0, 1, None),
            // Neither may be the guard identifier of the other: no `user_id` would be left.
            (2, 1) => {
                row(0, 1, Some(protected));
                row(1, 0, Some(protected));
            }
            // A lookup that the same job deletes still finds the person.
            (2 | 3, 2) => {
                row(0, email, None);
                row(1, 0, None);
            }
            // The third one is the guard identifier of both.
            (3, _) => {
                row(0, 1, None);
                row(1, 0, None);
            }
            (_, 0) if rng.u8(..20) == 0 => row(0, 0, Some(protected)),
            // All identifiers but the `user_id`s, including that of a merged member.
            _ => (email..ids).for_each(|target| row(0, target, None)),
        }
    }

    fn group(&mut self, person: u32, id: Option<u8>) -> Expected {
        self.targets.push(Target { person, id });
        Expected::Group(u32::try_from(self.targets.len() - 1).unwrap())
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The expected outcome of a row.
    pub(crate) fn expected(&self, row: usize) -> Expected {
        self.rows[row].1
    }

    /// The expected counts when the rows are posted for the first time, and when they are posted again.
    pub(crate) fn counts(&self) -> (Counts, Counts) {
        let (mut first, mut again) = (Counts::default(), Counts::default());
        for (_, expected) in &self.rows {
            match expected {
                Expected::Group(_) => {
                    first.count(Outcome::Duplicate, 1);
                    again.count(Outcome::NotFound, 1);
                }
                Expected::Always(outcome) => {
                    first.count(*outcome, 1);
                    again.count(*outcome, 1);
                }
            }
        }
        let groups = i64::try_from(self.targets.len()).unwrap();
        first.deleted = groups;
        first.duplicate -= groups;
        (first, again)
    }

    /// A range of rows as a JSON array.
    pub(crate) fn json(&self, rows: Range<usize>, people: &People) -> String {
        let mut json = String::with_capacity(rows.len() * 64);
        for at in rows {
            json.push(if json.is_empty() { '[' } else { ',' });
            self.rows[at].0.write(self.action, people, at, &mut json);
        }
        json + "]"
    }
}

/// A row that deletes the same target: the same row, or one with another identifier or lookup.
fn again(content: RowContent, people: &People, rng: &mut Rng) -> RowContent {
    match content {
        RowContent::Id { person, .. } if rng.bool() => {
            let id = rng.usize(..people.person(person).ids().len());
            RowContent::Id { person, id: id.try_into().unwrap() }
        }
        RowContent::Pair { person, target, .. } if rng.bool() => {
            let user_ids = u8::try_from(people.person(person).user_ids()).unwrap();
            // For a `user_id` the outcome depends on the lookup, so it stays the same.
            if target < user_ids { content } else { RowContent::Pair { person, lookup: rng.u8(..user_ids), target } }
        }
        content => content,
    }
}

impl RowContent {
    fn write(self, action: Action, people: &People, at: usize, json: &mut String) {
        match self {
            Self::Id { person, id } => {
                let person = people.person(person);
                let (id_type, value) = person.ids()[usize::from(id)];
                // Every tenth row has the form of an object.
                if at.is_multiple_of(10) {
                    write!(json, r#"{{"key":"{id_type}","value":"{value}"}}"#)
                } else {
                    write!(json, r#""{id_type}:{value}""#)
                }
            }
            Self::Pair { person, lookup, target } => {
                let person = people.person(person);
                let ids = person.ids();
                let (id_type, value) = ids[usize::from(target)];
                pair(json, &ids[usize::from(lookup)].1, id_type, value)
            }
            Self::UnknownId(n) => write!(json, r#""email:{VALUE_PREFIX}nobody{n}@example.com""#),
            Self::UnknownLookup(n) => {
                pair(json, &format!("{VALUE_PREFIX}nobody{n}"), "email", &format!("{VALUE_PREFIX}nobody@example.com"))
            }
            Self::UnknownTarget(person) => pair(
                json,
                &people.person(person).root.ids[0].1,
                "email",
                &format!("{VALUE_PREFIX}nobody{person}@example.com"),
            ),
            Self::Foreign { person, other } => {
                let other = people.person(other);
                let (id_type, value) = &other.root.ids[other.user_ids()];
                pair(json, &people.person(person).root.ids[0].1, id_type, value)
            }
            Self::Malformed(kind) => json.write_str(malformed(action, kind)),
        }
        .unwrap();
    }
}

fn pair(json: &mut String, user_id: &str, id_type: &str, id: &str) -> std::fmt::Result {
    write!(json, r#"{{"user_id":"{user_id}","type":"{id_type}","id":"{id}"}}"#)
}

fn malformed(action: Action, kind: u8) -> &'static str {
    match (action, kind) {
        (_, 0) => "null",
        (_, 1) => "[[]]",
        (Action::Profile, 2) => r#""soak!junk""#,
        (Action::Profile, 3) => r#""shoe:soak!1""#,
        (Action::Profile, 4) => r#""email:""#,
        (Action::Profile, _) => r#""group_id:soak!g""#,
        (Action::Identifier, 2) => r#""email:soak!junk""#,
        (Action::Identifier, 3) => r#"{"user_id":"soak!1","type":"shoe","id":"soak!1"}"#,
        (Action::Identifier, 4) => r#"{"user_id":"","type":"email","id":"soak!1"}"#,
        (Action::Identifier, _) => r#"{"user_id":"soak!1","type":"email"}"#,
    }
}
