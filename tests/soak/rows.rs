//! The rows of a job, and the reference model: what must become of them, whatever the order in which they are run.

use std::{fmt::Write, ops::Range};

use efface_core::job::{Counts, Outcome};
use fastrand::Rng;

use crate::people::{MARK, People, Person};

/// What a job does.
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

/// What a row says; people and their identifiers by number.
#[derive(Debug, Clone, Copy)]
enum Said {
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

/// What must become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Of all rows of the group one deletes it, the others are its duplicates. Once it is gone, none finds it.
    Group(u32),
    /// This, each time.
    Always(Outcome),
}

/// What rows of one group delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) person: u32,
    /// An identifier; the whole person where there is none.
    pub(crate) id: Option<u8>,
}

/// A job's rows.
pub(crate) struct Plan {
    pub(crate) action: Action,
    rows: Vec<(Said, Fate)>,
    pub(crate) targets: Vec<Target>,
    /// All people of this job, those that no row names, too.
    pub(crate) people: Range<u32>,
}

/// Of 100 rows. The rest is found.
const DUPLICATE: usize = 5;
const UNKNOWN: usize = 3;
const MALFORMED: usize = 2;

impl Plan {
    /// So many rows for people from a number on.
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
            // A row of which one more is a duplicate.
            let (said, fate) = loop {
                let row = plan.rows[rng.usize(..found)];
                if matches!(row.1, Fate::Group(_)) {
                    break row;
                }
            };
            plan.rows.push((again(said, people, &mut rng), fate));
        }
        for _ in 0..rows * UNKNOWN / 100 {
            // Now and then the same one again.
            let n = rng.u32(..u32::try_from(rows).unwrap());
            let (person, other) = (rng.u32(named.clone()), rng.u32(named.end..plan.people.end));
            let said = match (action, rng.u8(..3)) {
                (Action::Profile, _) => Said::UnknownId(n),
                (Action::Identifier, 0) => Said::UnknownLookup(n),
                (Action::Identifier, 1) => Said::UnknownTarget(other),
                (Action::Identifier, _) => Said::Foreign { person: other, other: person },
            };
            plan.rows.push((said, Fate::Always(Outcome::NotFound)));
        }
        while plan.rows.len() < rows {
            plan.rows.push((Said::Malformed(rng.u8(..6)), Fate::Always(Outcome::Invalid)));
        }
        rng.shuffle(&mut plan.rows);
        plan
    }

    /// A row that names a person by any identifier.
    fn profile(&mut self, person: &Person, number: u32, rng: &mut Rng) {
        let id = rng.usize(..person.ids().len());
        let fate = self.group(number, None);
        self.rows.push((Said::Id { person: number, id: id.try_into().unwrap() }, fate));
    }

    /// Rows that delete some of a person's identifiers, `user_id`s in ways that depend on one another.
    fn identifiers(&mut self, person: &Person, number: u32, rng: &mut Rng) {
        let user_ids = u8::try_from(person.user_ids()).unwrap();
        let ids = u8::try_from(person.ids().len()).unwrap();
        let email = user_ids;
        let protected = Fate::Always(Outcome::Protected);
        let mut row = |lookup, target, fate: Option<Fate>| {
            let fate = fate.unwrap_or_else(|| self.group(number, Some(target)));
            self.rows.push((Said::Pair { person: number, lookup, target }, fate));
        };
        match (user_ids, rng.u8(..4)) {
            // One vouches for the other.
            (2, 0) => row(0, 1, None),
            // Neither may vouch for the other: the person would have none left.
            (2, 1) => {
                row(0, 1, Some(protected));
                row(1, 0, Some(protected));
            }
            // Deleted by the same job, the first still finds the person.
            (2 | 3, 2) => {
                row(0, email, None);
                row(1, 0, None);
            }
            // A third one vouches for both.
            (3, _) => {
                row(0, 1, None);
                row(1, 0, None);
            }
            (_, 0) if rng.u8(..20) == 0 => row(0, 0, Some(protected)),
            // All but the `user_id`s, one that was merged with the person, too.
            _ => (email..ids).for_each(|target| row(0, target, None)),
        }
    }

    fn group(&mut self, person: u32, id: Option<u8>) -> Fate {
        self.targets.push(Target { person, id });
        Fate::Group(u32::try_from(self.targets.len() - 1).unwrap())
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What must become of a row.
    pub(crate) fn fate(&self, row: usize) -> Fate {
        self.rows[row].1
    }

    /// What must become of all rows: the first time, and when the same are posted again.
    pub(crate) fn counts(&self) -> (Counts, Counts) {
        let (mut first, mut again) = (Counts::default(), Counts::default());
        for (_, fate) in &self.rows {
            match fate {
                Fate::Group(_) => {
                    first.count(Outcome::Duplicate, 1);
                    again.count(Outcome::NotFound, 1);
                }
                Fate::Always(outcome) => {
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

    /// Rows as a client posts them.
    pub(crate) fn json(&self, rows: Range<usize>, people: &People) -> String {
        let mut json = String::with_capacity(rows.len() * 64);
        for at in rows {
            json.push(if json.is_empty() { '[' } else { ',' });
            self.rows[at].0.write(self.action, people, at, &mut json);
        }
        json + "]"
    }
}

/// A row that deletes the same: the very same row, or one that names it otherwise.
fn again(said: Said, people: &People, rng: &mut Rng) -> Said {
    match said {
        Said::Id { person, .. } if rng.bool() => {
            let id = rng.usize(..people.person(person).ids().len());
            Said::Id { person, id: id.try_into().unwrap() }
        }
        Said::Pair { person, target, .. } if rng.bool() => {
            let user_ids = u8::try_from(people.person(person).user_ids()).unwrap();
            // Who may vouch for a `user_id` is for the row to say.
            if target < user_ids { said } else { Said::Pair { person, lookup: rng.u8(..user_ids), target } }
        }
        said => said,
    }
}

impl Said {
    fn write(self, action: Action, people: &People, at: usize, json: &mut String) {
        match self {
            Self::Id { person, id } => {
                let person = people.person(person);
                let (id_type, value) = person.ids()[usize::from(id)];
                // Every tenth in the other form.
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
            Self::UnknownId(n) => write!(json, r#""email:{MARK}nobody{n}@example.com""#),
            Self::UnknownLookup(n) => {
                pair(json, &format!("{MARK}nobody{n}"), "email", &format!("{MARK}nobody@example.com"))
            }
            Self::UnknownTarget(person) => {
                pair(json, &people.person(person).root.ids[0].1, "email", &format!("{MARK}nobody{person}@example.com"))
            }
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
