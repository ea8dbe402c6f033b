//! Makes the profiles that a file lists the only members of a segment.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Segments,
    args::Removal,
    member_counts::{Direction, MemberCounts},
    members::summary,
    profiles::{Found, texts},
};
use crate::{
    CliError, Output,
    confirm::{self, Question},
    jobs::count_row,
    output::columns,
    progress_bar::Bar,
    rows::{Rejections, Source},
};

impl Segments {
    /// Adds what the file lists, and removes all other members. All that can fail by the file comes before the first
    /// change. Members that are added meanwhile by others stay.
    pub(super) async fn replace(&self, removal: &Removal, source: &Source) -> Result<Output, CliError> {
        let segment = &removal.change.segment;
        let present = self.member_ids(segment).await?;
        let bar = Bar::start("rows looked up", self.as_json);
        let found = self.profiles(&texts(source).await?, &bar).await?;
        let mut rejections = Rejections::new();
        for (row, found) in (1..).zip(&found) {
            if let Found::Invalid(code, message) = found {
                rejections.add_row(source, row, code, message);
            }
        }
        rejections.require(removal.change.max_invalid, source, &removal.change.file)?;
        let wanted: BTreeSet<String> = found.into_iter().filter_map(Found::profile).collect();
        if wanted.is_empty() {
            return Err(CliError::NoProfile(removal.change.file.clone()));
        }
        let surplus = self.without_merged(surplus(&present, &wanted), &wanted).await?;
        drop(bar);
        if !removal.yes && !surplus.is_empty() {
            let (file, rows) = (removal.change.file.display(), confirm::how_much(&[(source.rows, "row")]));
            let what = format!("from {segment}, everything but what {file} names ({rows})");
            let how_much = format!("{} of {} memberships", surplus.len(), present.len());
            confirm::ask(Question::remove(self.api(), &what, &how_much)).await?;
        }
        let (added, rejections) = self.send_parts(segment, source, Direction::Add).await?;
        let removed = self.remove_ids(segment, &surplus).await?;
        Ok(output(segment, source, added, removed, &rejections))
    }

    /// Leaves out what is merged with a profile that shall stay: such a member is the same person.
    async fn without_merged(&self, surplus: Vec<String>, wanted: &BTreeSet<String>) -> Result<Vec<String>, CliError> {
        let bar = Bar::start("members looked up", self.as_json);
        let roots: Vec<Option<String>> = self.profiles(&surplus, &bar).await?.into_iter().map(Found::profile).collect();
        Ok(apart_from(surplus, &roots, wanted))
    }
}

/// The members that are not wanted, in their order.
fn surplus(present: &[String], wanted: &BTreeSet<String>) -> Vec<String> {
    present.iter().filter(|id| !wanted.contains(*id)).cloned().collect()
}

/// Those of the members whose root is not wanted either.
fn apart_from(members: Vec<String>, roots: &[Option<String>], wanted: &BTreeSet<String>) -> Vec<String> {
    let is_wanted = |root: &Option<String>| root.as_ref().is_some_and(|root| wanted.contains(root));
    members.into_iter().zip(roots).filter(|(_, root)| !is_wanted(root)).map(|(id, _)| id).collect()
}

fn output(
    segment: &str,
    source: &Source,
    added: MemberCounts,
    removed: MemberCounts,
    rejections: &Rejections,
) -> Output {
    let mut table = added.rows(Direction::Add, source.rows, rejections.total()).to_vec();
    table.push(count_row("removed", removed.removed, "members that the file does not list"));
    let mut counts = added.json(Direction::Add);
    counts["removed"] = json!(removed.removed);
    let json = summary(segment, source, counts, rejections);
    Output::success(format!("{}{}", columns(&table), rejections.text()), json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(list: &str) -> Vec<String> {
        list.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn members_that_the_file_does_not_list_are_surplus() {
        let wanted: BTreeSet<String> = ids("a c new").into_iter().collect();
        assert_eq!(surplus(&ids("a b c d"), &wanted), ids("b d"));
        assert_eq!(surplus(&ids("a c"), &wanted), ids(""));
        assert_eq!(surplus(&[], &wanted), ids(""));
    }

    #[test]
    fn a_member_that_was_merged_with_a_wanted_profile_stays() {
        let wanted: BTreeSet<String> = ids("root").into_iter().collect();
        let roots = [Some("root".to_owned()), Some("other".to_owned()), None];
        assert_eq!(apart_from(ids("merged other gone"), &roots, &wanted), ids("other gone"));
    }
}
