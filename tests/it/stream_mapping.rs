//! The mapping from the table's stream to the journal, as the template has it: nothing that makes an event is left out, and
//! nothing is given up early.

use efface_aws::store::journaled::FILTERS;
use efface_core::journal::pack::MAX_ENTRIES;
use efface_local::mapping::filter::Filters;
use serde_json::{Value, json};

use crate::template::template;

const HOUR: u64 = 3_600;

/// The properties of the mapping, without CloudFormation's functions.
fn mapping() -> serde_yaml_ng::Value {
    template()["Resources"]["ChangeCaptureFunction"]["Properties"]["Events"]["Changes"]["Properties"].clone()
}

fn filters() -> Filters {
    Filters::parse(&serde_json::to_value(&mapping()["FilterCriteria"]).unwrap()).unwrap()
}

fn record(event: &str, pk: &str, sk: &str) -> Value {
    json!({ "eventName": event, "dynamodb": { "Keys": { "pk": { "S": pk }, "sk": { "S": sk } } } })
}

#[test]
fn a_batch_is_repeated_for_almost_as_long_as_its_records_are_kept() {
    let mapping = mapping();
    let number = |name: &str| mapping[name].as_i64().unwrap_or_else(|| panic!("{name}: {:?}", mapping[name]));
    let age = u64::try_from(number("MaximumRecordAgeInSeconds")).unwrap();
    assert!((22 * HOUR..24 * HOUR).contains(&age), "DynamoDB keeps records for 24 hours: {age}");
    assert_eq!((number("MaximumRetryAttempts"), number("ParallelizationFactor")), (-1, 1));
    assert_eq!(number("BatchSize"), i64::try_from(MAX_ENTRIES).unwrap(), "a batch fits into one pack");
    assert_eq!(mapping["BisectBatchOnFunctionError"], false);
    assert_eq!(mapping["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(mapping["DestinationConfig"]["OnFailure"]["Type"], "SQS");
}

#[test]
fn the_filters_are_those_of_the_function() {
    let patterns: Vec<String> = mapping()["FilterCriteria"]["Filters"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|filter| filter["Pattern"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(patterns, FILTERS.map(|filter| filter.pattern()));
}

/// By the keys of `functions/aws/src/store/keys.rs`.
#[test]
fn the_items_whose_changes_are_events_pass() {
    let filters = filters();
    for (pk, sk) in [
        ("I#spa_demo#hash", "-"),
        ("T#hash", "-"),
        ("S#spa_demo", "-"),
        ("P#spa_demo#use_1", "H"),
        ("J#spa_demo#job_1", "H"),
        ("E#spa_demo#job_1", "0000000001#00"),
        ("G#spa_demo", "seg_vip"),
    ] {
        for (event, passes) in [("INSERT", true), ("MODIFY", true), ("REMOVE", false)] {
            assert_eq!(filters.pass(&record(event, pk, sk)), passes, "{event} {pk} {sk}");
        }
    }
    for (pk, sk) in [
        ("S#spa_demo", "T#tok_1"),
        ("P#spa_demo#use_1", "T"),
        ("P#spa_demo#use_1", "E#email#hash"),
        ("P#spa_demo#use_1", "M#seg_vip"),
        ("M#spa_demo#seg_vip#0a", "use_1"),
        ("M#spa_demo#seg_vip#0a", "-"),
        ("J#spa_demo#job_1", "C#00"),
        ("J#spa_demo#job_1", "P#0000000000"),
        ("J#spa_demo#job_1", "A"),
        ("Q#spa_demo#job_1#0#content#0", "-"),
        ("O#spa_demo#job_1#0", "000000"),
        ("F#spa_demo#job_1#0", "000000#000001"),
        ("L#spa_demo#running", "job_1"),
        ("N#00", "spa_demo#job_1"),
        ("X#spa_demo#job_1#of", "-"),
        ("Y#spa_demo", "all#00"),
        ("R#spa_demo#deletions#1", "-"),
        ("K#spa_demo#hash", "-"),
        ("Z#stop", "-"),
        ("Z#spaces", "spa_demo"),
        ("C#identifier-key", "-"),
        ("A#reapply#old", "run"),
    ] {
        assert!(!filters.pass(&record("MODIFY", pk, sk)), "{pk} {sk}");
    }
}
