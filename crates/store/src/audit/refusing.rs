//! Disks that are full or fail: nothing goes unrecorded in silence, and control acts have a reserve.

use std::io;

use super::entry::{Decision, Entry};
use super::error::AuditError;
use super::fixture::*;
use super::folder::Folder;
use super::keeper::Keeper;
use super::reserve::RESERVE_FILE;
use super::settings::AuditSettings;
use super::shadow::Shadow;

fn with_reserve() -> AuditSettings {
    AuditSettings { segment_bytes: 1 << 20, reserve_bytes: 4_000, ..small() }
}

fn use_of(target: &str) -> Entry {
    entry(FILES, target, Decision::Allowed, at(0))
}

/// Leaves no room on the disk.
fn fill(shadow: &Shadow) {
    let names = shadow.names().unwrap();
    let used: usize = names.iter().map(|name| shadow.bytes(name).len()).sum();
    shadow.state().room = Some(used as u64);
}

fn is_full(answer: &Result<u64, AuditError>) -> bool {
    matches!(answer, Err(AuditError::Unwritable { full: true, .. }))
}

/// The targets of all but what the trail says of itself.
fn targets(shadow: &Shadow, keeper: &Keeper) -> Vec<String> {
    let entries = recorded(shadow, keeper).into_iter();
    entries.filter(|entry| entry.kind != "audit").map(|entry| entry.target).collect()
}

#[test]
fn a_full_disk_takes_control_acts_from_the_reserve_and_nothing_else() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &with_reserve()).unwrap();
    record(&mut keeper, use_of("before"), at(0)).unwrap();
    fill(&shadow);
    let batch = [use_of("refused"), control("remove the cause"), use_of("refused too")];
    let answers = record_all(&mut keeper, batch, at(1));
    assert!(is_full(&answers[0]) && is_full(&answers[2]), "{answers:?}");
    assert!(answers[1].is_ok(), "{answers:?}");
    assert!(!shadow.names().unwrap().contains(&RESERVE_FILE.to_owned()));
    assert!(matches!(keeper.standing().refusal(), Some(AuditError::Unwritable { full: true, .. })));
    assert!(record(&mut keeper, control("and another"), at(1)).is_ok());
    assert!(is_full(&record(&mut keeper, use_of("refused"), at(1))));
    // With room again, the reserve comes first, at the next try.
    shadow.state().room = None;
    assert!(is_full(&record(&mut keeper, use_of("too early"), at(1))));
    record(&mut keeper, use_of("after"), at(9)).unwrap();
    assert!(shadow.names().unwrap().contains(&RESERVE_FILE.to_owned()));
    assert!(keeper.standing().refusal().is_none());
    let recorded_targets = targets(&shadow, &keeper);
    assert_eq!(recorded_targets, ["before", "remove the cause", "and another", "after"]);
    let gap = recorded(&shadow, &keeper).into_iter().rfind(|entry| entry.kind == "audit").unwrap();
    assert!(gap.detail.as_ref().unwrap().contains("4 records were refused"), "{:?}", gap.detail);
    assert_eq!(examined(&shadow).finding, None);
}

#[test]
fn when_the_reserve_is_used_up_control_acts_are_refused_too() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &with_reserve()).unwrap();
    record(&mut keeper, control("before"), at(0)).unwrap();
    fill(&shadow);
    let acts = (0..40).map(|number| record(&mut keeper, control(&format!("{number}")), at(0)));
    let answers: Vec<_> = acts.collect();
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!((5..20).contains(&done), "{done} acts from the reserve");
    assert!(answers[done..].iter().all(is_full), "{answers:?}");
    assert_eq!(targets(&shadow, &keeper).len(), 1 + done);
    assert_eq!(examined(&shadow).finding, None);
    shadow.state().room = None;
    record(&mut keeper, control("after"), at(9)).unwrap();
    assert_eq!(targets(&shadow, &keeper).len(), 2 + done);
    assert_eq!(examined(&shadow).finding, None);
}

#[test]
fn a_trail_opened_on_a_full_disk_takes_control_acts_alone() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &small()).unwrap();
    record(&mut keeper, use_of("before"), at(0)).unwrap();
    fill(&shadow);
    let room = shadow.state().room.unwrap() + 1_000;
    shadow.state().room = Some(room);
    let mut keeper = open(&shadow, &with_reserve()).unwrap();
    assert!(is_full(&record(&mut keeper, use_of("refused"), at(0))));
    assert!(record(&mut keeper, control("act"), at(0)).is_ok());
}

#[test]
fn a_failing_disk_refuses_every_record_until_a_write_succeeds() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &with_reserve()).unwrap();
    record(&mut keeper, use_of("before"), at(0)).unwrap();
    shadow.state().fails = true;
    for second in 1..4 {
        let answer = record(&mut keeper, control("refused"), at(second));
        let Err(AuditError::Unwritable { full: false, source }) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(source.raw_os_error(), io::Error::from_raw_os_error(5).raw_os_error());
        assert!(keeper.standing().refusal().is_some());
    }
    shadow.state().fails = false;
    record(&mut keeper, control("after"), at(4)).unwrap();
    assert!(keeper.standing().refusal().is_none());
    assert_eq!(targets(&shadow, &keeper), ["before", "after"]);
    assert_eq!(examined(&shadow).finding, None);
}

#[test]
fn notes_that_were_taken_are_written_when_the_disk_is_well_again() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &with_reserve()).unwrap();
    shadow.state().fails = true;
    for number in 0..5 {
        note(&mut keeper, use_of(&format!("{number}")), at(number));
    }
    assert_eq!(targets(&shadow, &keeper).len(), 0);
    shadow.state().fails = false;
    keeper.commit(Vec::new(), at(6));
    assert_eq!(targets(&shadow, &keeper), ["0", "1", "2", "3", "4"]);
    close(&mut keeper, at(7)).unwrap();
}
