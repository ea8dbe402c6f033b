use proptest::prelude::*;

use super::*;
use crate::journal::samples::{job_entries, longest, removed, request_entries, space};

fn entries(count: usize) -> Vec<Entry> {
    (0..count).map(|number| Entry::captured(&space(), &removed(number)).unwrap()).collect()
}

/// The bytes of a pack that holds what is given.
fn packed(inflated: &[u8]) -> Vec<u8> {
    [vec![VERSION], deflate(inflated).unwrap()].concat()
}

/// What a pack of these entries is before it is deflated.
fn inflated(entries: &[Entry]) -> Vec<u8> {
    bundle::encode(entries.iter().flat_map(|entry| [entry.leaf_json(), entry.private_json()]))
}

#[test]
fn a_pack_is_read_back() {
    for count in [1, 2, 99, 100] {
        let pack = Pack::new(7, entries(count)).unwrap();
        assert_eq!((pack.first(), pack.end(), pack.space()), (7, 7 + count as u64, &space()));
        let bytes = pack.to_bytes().unwrap();
        assert_eq!(Pack::read(&SpaceId::parse("spa_other").unwrap(), 7, &bytes), Err(PackError::Elsewhere));
        assert_eq!(Pack::read(&space(), 7, &bytes), Ok(pack));
    }
}

#[test]
fn entries_that_make_no_pack() {
    let elsewhere = Entry::captured(&SpaceId::parse("spa_other").unwrap(), &removed(1)).unwrap();
    let again = Entry::rebuilt(&space(), &removed(0)).unwrap();
    for (first, entries, expected) in [
        (0, entries(0), PackError::Empty),
        (0, entries(101), PackError::TooMany),
        (0, [entries(1), vec![elsewhere]].concat(), PackError::Spaces),
        (0, [entries(2), vec![again]].concat(), PackError::Repeated),
        (u64::MAX, entries(1), PackError::Number),
    ] {
        assert_eq!(Pack::new(first, entries), Err(expected));
    }
}

#[test]
fn a_hundred_of_the_longest_entries_fit() {
    let longest: Vec<Entry> = (0..100).map(|n| Entry::rebuilt(&longest(n).0, &longest(n).1).unwrap()).collect();
    let inflated = Pack::new(0, longest).unwrap().inflated_len();
    assert!((200_000..MAX_INFLATED * 9 / 10).contains(&inflated), "{inflated}");
}

#[test]
fn an_entry_is_small() {
    // Measured: 120 bytes an entry of one job, 137 of requests of their own, and 373 of a pack of one. What is left is
    // hardly more than the hashes and ids, which nothing compresses.
    for (what, entries, bytes) in [
        ("one job", job_entries(100), 110..130),
        ("requests", request_entries(100), 125..150),
        ("one alone", request_entries(1), 340..380),
    ] {
        let count = entries.len();
        let packed = Pack::new(0, entries).unwrap().to_bytes().unwrap().len() / count;
        assert!(bytes.contains(&packed), "{what}: {packed}");
    }
}

#[test]
fn as_many_entries_as_fit_make_a_pack() {
    for (count, expected) in [(0, 0), (1, 1), (100, 100), (101, 100), (250, 100)] {
        assert_eq!(fitting(&job_entries(count)), expected);
    }
    // Entries of another version may be as long as the log takes them.
    let long = |number: usize| {
        let entry = job_entries(number + 1).pop().unwrap();
        let pad = format!("{{\"later\":\"{}\",", "x".repeat(60_000));
        let part = |part: &crate::log::Entry<'_>| part.as_str().replacen('{', &pad, 1);
        Entry::read(part(entry.leaf_json()).as_bytes(), part(entry.private_json()).as_bytes()).unwrap()
    };
    let entries: Vec<Entry> = (0..5).map(long).collect();
    assert_eq!(fitting(&entries), 2);
    assert!(Pack::new(0, entries[..2].to_vec()).is_ok());
    assert_eq!(Pack::new(0, entries[..3].to_vec()), Err(PackError::TooLarge));
}

#[test]
fn bytes_that_are_no_pack() {
    let (two, hundred_one) = (inflated(&entries(2)), inflated(&entries(101)));
    let good = packed(&two);
    let bomb = packed(&vec![b' '; MAX_INFLATED + 1]);
    assert!(bomb.len() < 1_000);
    for (bytes, expected) in [
        (vec![], PackError::Truncated),
        (vec![VERSION], PackError::Truncated),
        ([&[2], &good[1..]].concat(), PackError::Version(2)),
        ([&[0], &good[1..]].concat(), PackError::Version(0)),
        (good[..good.len() - 1].to_vec(), PackError::Truncated),
        (good[..good.len() / 2].to_vec(), PackError::Truncated),
        ([&good[..], &[0]].concat(), PackError::Trailing),
        ([&[VERSION], &[0xff; 10][..]].concat(), PackError::Damaged),
        (packed(&[]), PackError::Empty),
        (packed(&two[..two.len() - 1]), PackError::Truncated),
        (packed(&[&two[..], &[0]].concat()), PackError::Truncated),
        (packed(&[&two[..], &[0, 0, 0, 0]].concat()), PackError::Entry(2, EntryError::Leaf)),
        (packed(&hundred_one), PackError::TooMany),
        (packed(&[&two[..], &two[..]].concat()), PackError::Repeated),
        (bomb, PackError::TooLarge),
    ] {
        assert_eq!(Pack::read(&space(), 0, &bytes), Err(expected), "{} bytes", bytes.len());
    }
}

#[test]
fn what_cannot_be_compressed_is_packed_too() {
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(MAX_INFLATED)
    .collect();
    assert_eq!(inflate(&deflate(&noise).unwrap()), Ok(noise));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pack_that_is_cut_off_or_has_more_is_an_error(at: prop::sample::Index, more in prop::collection::vec(any::<u8>(), 1..9)) {
        let bytes = Pack::new(0, entries(3)).unwrap().to_bytes().unwrap();
        prop_assert!(Pack::read(&space(), 0, &bytes[..at.index(bytes.len())]).is_err());
        prop_assert_eq!(Pack::read(&space(), 0, &[bytes, more].concat()), Err(PackError::Trailing));
    }

    #[test]
    fn any_bytes_are_a_pack_or_an_error(bytes: Vec<u8>) {
        prop_assert!(Pack::read(&space(), 0, &bytes).is_err());
        prop_assert!(Pack::read(&space(), 0, &packed(&bytes)).is_err());
    }
}
