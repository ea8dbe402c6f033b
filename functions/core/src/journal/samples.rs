//! Items, events and entries for the tests of the journal.

use crate::{
    segment::{Segment, SegmentKind},
    time::Time,
};

/// A segment with this version, made at second 7.
pub(super) fn segment(version: i64) -> Segment {
    let (id, name) = ("vip".parse().unwrap(), "Very important".parse().unwrap());
    let made = Segment::new(id, name, SegmentKind::UserSegment, Time::EPOCH.plus_seconds(7));
    Segment { version, ..made }
}
