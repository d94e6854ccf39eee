//! The key of a trail is replaced: what verifies it before, after and in between.

use std::sync::Arc;

use rand::SeedableRng as _;
use rand::rngs::SmallRng;
use tokio::sync::oneshot;

use super::anchor::{self, Anchor, AnchorFile};
use super::chain::Wrong;
use super::error::{AuditError, OpenError};
use super::fixture::*;
use super::folder::{Folder as _, read_part};
use super::keeper::{Item, Keeper};
use super::key::{NodeKey, PublicKey};
use super::ledger::Ledger;
use super::shadow::Shadow;
use super::succession::{self, KEYS_FILE};
use super::verify::{Report, examine_steady};
use crate::records::disk_shadow::Loss;
use crate::seed::seed;

/// The first is the fixture's.
fn keys() -> [NodeKey; 3] {
    [7, 8, 9].map(|seed| NodeKey::from_seed([seed; 32]))
}

fn examined_with(shadow: &Shadow, key: &NodeKey) -> Report {
    examine_steady(shadow, &[key.public()], None).unwrap()
}

fn succeed(keeper: &mut Keeper, key: &NodeKey) -> Result<(), AuditError> {
    let (reply, mut answer) = oneshot::channel();
    keeper.commit(vec![Item::Succeed(Box::new(key.clone()), reply)], at(5));
    answer.try_recv().expect("it is answered")
}

fn reopen(shadow: &Shadow, key: &NodeKey, former: Option<PublicKey>) -> Result<Keeper, OpenError> {
    let folder = Arc::new(shadow.clone());
    let (ledger, remarks) = Ledger::open(folder, key.clone(), former, small().bounded(), at(0))?;
    Ok(Keeper::new(ledger, remarks, at(0)))
}

/// A trail whose key was replaced twice, with entries before and after each time.
fn rotated() -> Shadow {
    let [_, second, third] = keys();
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &small()).unwrap();
    record(&mut keeper, control("first"), at(1)).unwrap();
    succeed(&mut keeper, &second).unwrap();
    for number in 0..10 {
        record(&mut keeper, control(&format!("second-{number}")), at(6)).unwrap();
    }
    succeed(&mut keeper, &third).unwrap();
    record(&mut keeper, control("third"), at(7)).unwrap();
    shadow
}

#[test]
fn a_trail_is_verified_with_each_of_its_keys_and_with_no_other() {
    let shadow = rotated();
    for key in keys() {
        let report = examined_with(&shadow, &key);
        assert_eq!((report.finding, report.entries), (None, 12), "{key:?}");
    }
    assert!(examined_with(&shadow, &NodeKey::from_seed([1; 32])).finding.is_some());
}

#[test]
fn a_key_that_could_not_be_vouched_for_does_not_follow() {
    let [first, second, _] = keys();
    let shadow = Shadow::default();
    let full = vec![b'x'; succession::FILE_BYTES_MAX as usize];
    let mut page = shadow.create(KEYS_FILE).unwrap();
    page.write_at(0, &full).unwrap();
    assert!(succession::record(&shadow, &first, &second, 1, at(1)).is_err());
    assert_eq!(read_part(&shadow, KEYS_FILE, 0, u64::MAX).unwrap(), full);
}

#[test]
fn a_node_goes_on_with_the_last_key() {
    let [_, _, third] = keys();
    let shadow = rotated();
    let mut keeper = reopen(&shadow, &third, None).unwrap();
    record(&mut keeper, control("on"), at(8)).unwrap();
    let report = examined_with(&shadow, &third);
    assert_eq!((report.finding, report.entries), (None, 13));
}

#[test]
fn a_former_key_signs_nothing_any_more_for_who_knows_a_later_one() {
    let [first, second, third] = keys();
    let shadow = rotated();
    // Whoever took it cuts the trail back to its days, and signs that it ends there.
    let now = anchor::read(&shadow, &[third.public()]).unwrap().latest.unwrap();
    let mut file = AnchorFile::open(&shadow, now).unwrap();
    for _ in 0..2 {
        file.advance(Anchor { segment: 1, ..now }, &first).unwrap();
    }
    for key in [&second, &third] {
        let found = examined_with(&shadow, key).finding.unwrap();
        assert_eq!(found.wrong, Wrong::AnchorForged);
    }
    assert!(matches!(reopen(&shadow, &third, None), Err(OpenError::OtherKey)));
}

#[test]
fn a_succession_that_is_edited_or_taken_away_is_found() {
    let [_, _, third] = keys();
    let whole = rotated().bytes(KEYS_FILE);
    for at in 0..whole.len() {
        let shadow = rotated();
        let mut edited = whole.clone();
        edited[at] ^= 1;
        shadow.tamper(KEYS_FILE, Some(edited));
        assert!(examined_with(&shadow, &third).finding.is_some(), "byte {at}");
    }
    let shadow = rotated();
    shadow.tamper(KEYS_FILE, None);
    assert!(examined_with(&shadow, &third).finding.is_some());
}

#[test]
fn a_succession_that_is_cut_short_at_any_step_is_finished_or_never_was() {
    let [first, second, _] = keys();
    let mut rng = SmallRng::seed_from_u64(seed());
    for loss in [Loss::All, Loss::Nothing, Loss::Some, Loss::Tail] {
        for step in 0..100 {
            let shadow = Shadow::default();
            let mut keeper = open(&shadow, &small()).unwrap();
            record(&mut keeper, control("before"), at(1)).unwrap();
            shadow.cut_in(step);
            let done = succeed(&mut keeper, &second).is_ok();
            drop(keeper);
            let shadow = shadow.power_on(loss, &mut rng);
            let follows = succession::is_last(&shadow, &first.public(), &second.public()).unwrap();
            assert!(follows || !done, "step {step}: what was acknowledged is recorded");
            // Also before anybody finishes it, nothing is wrong for who knows the key before.
            let finding = examined_with(&shadow, &first).finding;
            assert!(finding.is_none_or(|it| it.wrong == Wrong::AnchorDamaged), "step {step}");
            let (key, former) = match follows {
                true => (&second, Some(first.public())),
                false => (&first, None),
            };
            let mut keeper = reopen(&shadow, key, former).unwrap();
            record(&mut keeper, control("after"), at(6)).unwrap();
            let report = examined_with(&shadow, key);
            assert_eq!(report.finding, None, "step {step}");
            assert!(report.entries >= 2, "step {step}: {report:?}");
            drop(keeper);
            assert!(reopen(&shadow, key, None).is_ok(), "step {step}");
            assert!(step < 99, "it is never done");
            if done {
                assert!(step > 5, "every step was met");
                break;
            }
        }
    }
}
