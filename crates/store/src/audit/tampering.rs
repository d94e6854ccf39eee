//! Trails that somebody changed: verification finds every change to what was acknowledged.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::anchor::ANCHOR_FILE;
use super::chain::Wrong;
use super::entry::Decision;
use super::error::OpenError;
use super::fixture::*;
use super::folder::Folder;
use super::key::NodeKey;
use super::line;
use super::segment::{self, numbers};
use super::settings::AuditSettings;
use super::shadow::Shadow;
use super::verify::{Witness, examine_steady};
use crate::seed::seed;

/// A closed trail of several segments, the last one open.
fn trail(rng: &mut SmallRng, settings: &AuditSettings) -> Shadow {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, settings).unwrap();
    for number in 0..rng.random_range(20..40) {
        let decision = if rng.random_bool(0.3) { Decision::Denied } else { Decision::Allowed };
        let used = entry(FILES, &format!("/data/{number}"), decision, at(number));
        note(&mut keeper, used, at(number));
    }
    close(&mut keeper, at(100)).unwrap();
    let report = examined(&shadow);
    assert!(report.finding.is_none() && report.segments > 2, "{report:?}");
    shadow
}

fn files(shadow: &Shadow) -> Vec<String> {
    let mut names = shadow.names().unwrap();
    names.retain(|name| name == ANCHOR_FILE || name.ends_with(".jsonl"));
    names
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn found(shadow: &Shadow) -> Option<Wrong> {
    examined(shadow).finding.map(|finding| finding.wrong)
}

#[test]
fn any_flipped_bit_anywhere_is_found() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let whole = trail(&mut rng, &small());
    let names = files(&whole);
    for _ in 0..600 {
        let name = &names[rng.random_range(0..names.len())];
        let mut bytes = whole.bytes(name);
        let place = rng.random_range(0..bytes.len());
        let flip = 1_u8 << rng.random_range(0..8);
        bytes[place] ^= flip;
        let shadow = whole.copy();
        shadow.tamper(name, Some(bytes));
        assert!(found(&shadow).is_some(), "byte {place} of {name} by {flip}");
    }
}

#[test]
fn any_cut_of_any_file_is_found() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let whole = trail(&mut rng, &small());
    for _ in 0..300 {
        let names = files(&whole);
        let name = &names[rng.random_range(0..names.len())];
        let mut bytes = whole.bytes(name);
        bytes.truncate(rng.random_range(0..bytes.len()));
        let shadow = whole.copy();
        shadow.tamper(name, Some(bytes));
        assert!(found(&shadow).is_some(), "{name} cut");
    }
}

#[test]
fn swapped_repeated_removed_and_foreign_lines_are_found() {
    let mut rng = SmallRng::seed_from_u64(seed());
    for _ in 0..40 {
        let whole = trail(&mut rng, &small());
        let last = *numbers(&whole).unwrap().last().unwrap();
        let name = segment::name(rng.random_range(1..=last));
        let before = lines(&whole.bytes(&name));
        let (one, other) = (rng.random_range(0..before.len()), rng.random_range(0..before.len()));
        let mut edits: Vec<Vec<Vec<u8>>> = Vec::new();
        let mut swapped = before.clone();
        swapped.swap(one, other);
        edits.push(swapped);
        let mut shuffled = before.clone();
        shuffled.shuffle(&mut rng);
        edits.push(shuffled);
        let mut repeated = before.clone();
        repeated.insert(one, before[other].clone());
        edits.push(repeated);
        let mut removed = before.clone();
        removed.remove(one);
        edits.push(removed);
        // What is only added behind the end was never acknowledged: it is cut off at the next start, and no edit.
        let is_edit = |edited: &Vec<Vec<u8>>| {
            let is_longer = edited.len() > before.len() && edited.starts_with(&before);
            *edited != before && !(is_longer && name == segment::name(last))
        };
        for edited in edits.iter().filter(|edited| is_edit(edited)) {
            let shadow = whole.copy();
            shadow.tamper(&name, Some(edited.concat()));
            assert!(found(&shadow).is_some(), "lines {one} and {other} of {name}");
        }
    }
}

#[test]
fn swapped_renamed_and_removed_segments_are_found_and_named() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let whole = trail(&mut rng, &small());
    let all = numbers(&whole).unwrap();
    for one in &all {
        let shadow = whole.copy();
        shadow.tamper(&segment::name(*one), None);
        let finding = examined(&shadow).finding.unwrap();
        assert_eq!((finding.wrong, finding.segment), (Wrong::MissingSegment, *one));
        for other in all.iter().filter(|other| *other != one) {
            let shadow = whole.copy();
            shadow.tamper(&segment::name(*one), Some(whole.bytes(&segment::name(*other))));
            assert_eq!(found(&shadow), Some(Wrong::OtherSegment { found: *other }));
        }
    }
}

/// What somebody can do who has the disk and not the key: edit, and chain everything anew.
#[test]
fn an_edit_with_all_hashes_made_anew_is_found() {
    let mut rng = SmallRng::seed_from_u64(seed());
    for _ in 0..10 {
        let whole = trail(&mut rng, &small());
        let all = numbers(&whole).unwrap();
        let from = rng.random_range(1..=all.len() as u64);
        let shadow = whole.copy();
        let mut prev = None;
        for number in from..=all.len() as u64 {
            let mut anew = Vec::new();
            for (place, text) in lines(&whole.bytes(&segment::name(number))).iter().enumerate() {
                let mut body: serde_json::Value = serde_json::from_slice(text).unwrap();
                body.as_object_mut().unwrap().remove("hash");
                if let Some(prev) = prev {
                    body["prev"] = serde_json::to_value(prev).unwrap();
                }
                if place == 1 && number == from {
                    body["target"] = "/innocent".into();
                }
                prev = Some(line::write(&mut anew, &body));
            }
            shadow.tamper(&segment::name(number), Some(anew));
        }
        let wrong = found(&shadow).expect("it is found");
        let last = from == all.len() as u64;
        assert!(last || wrong == Wrong::ForgedSeal, "{wrong:?}");
        if last {
            assert!(matches!(open(&shadow, &small()), Err(OpenError::Damaged(_))));
        }
    }
}

#[test]
fn a_trail_signed_with_another_key_is_found_and_not_opened() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let whole = trail(&mut rng, &small());
    let other = NodeKey::from_seed([8; 32]);
    let report = examine_steady(&whole, &[other.public()], None).unwrap();
    assert!(matches!(report.finding.unwrap().wrong, Wrong::UnknownNode { .. }));
    let folder = std::sync::Arc::new(whole);
    let opened = super::ledger::Ledger::open(folder, other, None, small(), at(0));
    assert!(matches!(opened, Err(OpenError::OtherKey)));
}

#[test]
fn a_trail_without_its_anchor_is_not_taken_for_a_new_one() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let whole = trail(&mut rng, &small());
    whole.tamper(ANCHOR_FILE, None);
    assert_eq!(found(&whole), Some(Wrong::AnchorMissing));
    assert!(matches!(open(&whole, &small()), Err(OpenError::Damaged(_))));
}

#[test]
fn an_earlier_state_put_back_is_found_by_a_witness() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &small()).unwrap();
    record(&mut keeper, control("one"), at(1)).unwrap();
    let earlier = shadow.copy();
    record(&mut keeper, control("two"), at(2)).unwrap();
    let kept = recorded(&shadow, &keeper).pop().unwrap();
    let witness = Witness { seq: kept.seq, hash: kept.hash };
    let wrong = |shadow: &Shadow, witness: Witness| {
        let report = examine_steady(shadow, &[key().public()], Some(&witness)).unwrap();
        report.finding.map(|finding| finding.wrong)
    };
    assert_eq!(wrong(&shadow, witness), None);
    assert_eq!(found(&earlier), None);
    assert_eq!(wrong(&earlier, witness), Some(Wrong::WitnessMissing));
    let mut keeper = open(&earlier, &small()).unwrap();
    record(&mut keeper, control("another two"), at(2)).unwrap();
    let report = examine_steady(&earlier, &[key().public()], Some(&witness)).unwrap();
    let finding = report.finding.unwrap();
    assert_eq!((finding.wrong, finding.seq), (Wrong::WitnessDiffers, kept.seq));
}

#[test]
fn retention_deletes_the_oldest_says_so_and_is_no_cut() {
    let settings = AuditSettings { retain_bytes: 6_000, ..small() };
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &settings).unwrap();
    for number in 0..60 {
        record(&mut keeper, control(&format!("{number}")), at(number)).unwrap();
    }
    let report = examined(&shadow);
    assert_eq!((report.finding, report.is_witness_gone), (None, false));
    let first = numbers(&shadow).unwrap()[0];
    assert!(first > 1 && report.first_seq > 1 && report.last_seq > 60);
    // A witness from before what is left says nothing any more, and that is said.
    let kept = &recorded(&shadow, &keeper)[0];
    assert_eq!(kept.seq, report.first_seq);
    for (seq, is_gone) in [(kept.seq - 1, true), (1, true), (kept.seq, false)] {
        let witness = Witness { seq, hash: kept.hash };
        let report = examine_steady(&shadow, &[key().public()], Some(&witness)).unwrap();
        assert_eq!((report.finding, report.is_witness_gone), (None, is_gone), "{seq}");
    }
    let total: usize = files(&shadow).iter().map(|name| shadow.bytes(name).len()).sum();
    assert!(total < 6_000 + 2 * 2_500 + 1_024, "{total} bytes are left");
    let told = recorded(&shadow, &keeper);
    let told = told.iter().rfind(|entry| entry.kind == "audit").unwrap();
    assert_eq!(told.target, format!("segments {0} to {0}", first - 1));
    // One more than retention said is a cut.
    shadow.tamper(&segment::name(first), None);
    assert_eq!(found(&shadow), Some(Wrong::MissingSegment));
}

#[test]
fn old_segments_go_by_age_too() {
    let settings = AuditSettings {
        segment_age: std::time::Duration::from_secs(60),
        retain_age: std::time::Duration::from_secs(300),
        ..small()
    };
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &settings).unwrap();
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    for minute in 0..20 {
        record(&mut keeper, control("act"), at(minute * 61)).unwrap();
        *seen.entry(numbers(&shadow).unwrap().len() as u64).or_default() += 1;
    }
    assert!(seen.keys().max().unwrap() < &9, "{seen:?}");
    assert!(numbers(&shadow).unwrap()[0] > 5);
    assert_eq!(examined(&shadow).finding, None);
}
