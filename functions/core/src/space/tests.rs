use super::*;

fn change(json: &str) -> SpaceChange {
    serde_json::from_str(json).unwrap()
}

fn space() -> Space {
    Space::new(Time::from_millis(0).unwrap())
}

#[test]
fn a_change_touches_only_what_it_names() {
    let changed = change(r#"{"activated":false,"identifier_types":["shoe_size"],"source":"detached"}"#)
        .apply(space(), false, "src_1")
        .unwrap();
    assert!(!changed.activated);
    assert_eq!(changed.deletions_per_second, 100);
    assert!(changed.identifier_types.find("shoe_size").is_some());
    assert_eq!(changed.source.as_ref().unwrap().state, SourceState::Detached);
    let back = change(r#"{"source":"attached"}"#).apply(changed, false, "src_2").unwrap();
    assert_eq!(back.source.unwrap().id, "src_1", "a source keeps its id");
}

#[test]
fn the_approval_of_jobs_is_switched_on_and_off() {
    let on = change(r#"{"approval_over":7}"#).apply(space(), false, "").unwrap();
    assert_eq!(on.approval_over, Some(7));
    assert_eq!(change("{}").apply(on.clone(), false, "").unwrap().approval_over, Some(7));
    assert_eq!(change(r#"{"approval_over":null}"#).apply(on, false, "").unwrap().approval_over, None);
    assert!(serde_json::from_str::<SpaceChange>(r#"{"approval_over":-1}"#).is_err());
}

#[test]
fn a_normalisation_is_fixed_when_the_type_is_made() {
    let lower = change(r#"{"identifier_types":[{"name":"email","normalisation":"lowercase"}]}"#);
    let made = lower.apply(space(), true, "").unwrap();
    assert_eq!(lower.apply(made.clone(), false, "").unwrap(), made);
    assert_eq!(lower.apply(space(), false, "").unwrap_err(), SpaceError::FixedNormalisation("email".to_owned()));
}

#[test]
fn limits_are_1_to_a_million() {
    for name in [
        "deletions_per_second",
        "deletions_per_second_per_profile",
        "jobs_per_second",
        "dry_runs_per_second",
        "reads_per_second",
    ] {
        let set = |limit: u32| change(&format!(r#"{{"{name}":{limit}}}"#)).apply(space(), false, "");
        assert_ne!(set(1_000_000).unwrap(), SpaceChange::default().apply(space(), false, "").unwrap(), "{name}");
        for bad in [0, 1_000_001] {
            assert_eq!(set(bad), Err(SpaceError::BadLimit(name)));
        }
    }
}

/// What a setting acts as decides, not the setting.
#[test]
fn a_profile_is_counted_if_its_limit_is_the_smaller_one() {
    let profile = ProfileId::from_bytes([1; 16]);
    for (space_limit, profile_limit, counted) in
        [(100, 100, false), (101, 100, true), (5_000, 999, true), (5_000, 1_000, false), (5_000, 2_000, false)]
    {
        let settings =
            Space { deletions_per_second: space_limit, deletions_per_second_per_profile: profile_limit, ..space() };
        assert_eq!(settings.counts_on(profile), counted, "{space_limit} {profile_limit}");
    }
}

#[test]
fn ids_are_parts_of_keys() {
    assert!(SpaceId::parse("spa_abc-123").is_ok());
    for bad in ["", "a#b", "a/b", "é", &"a".repeat(65)] {
        assert_eq!(SpaceId::parse(bad), Err(SpaceError::BadId), "{bad}");
    }
}
