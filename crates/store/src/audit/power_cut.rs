//! A trail whose power is cut: at every step of a day, and at seeded random steps with what was not synced
//! lost, kept, torn and reordered.

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::entry::Decision;
use super::fixture::*;
use super::keeper::Keeper;
use super::settings::AuditSettings;
use super::shadow::Shadow;
use crate::records::disk_shadow::Loss;
use crate::seed::seed;

/// What somebody knows who was told that entries are recorded: their numbers and targets.
#[derive(Debug, Default)]
struct Client {
    known: Vec<(u64, String)>,
    invented: u64,
}

impl Client {
    /// Records until the power goes, or so many batches.
    fn act(&mut self, keeper: &mut Keeper, rng: &mut SmallRng, most: usize) {
        for _ in 0..most {
            let targets: Vec<String> = (0..rng.random_range(1..4)).map(|_| self.invent()).collect();
            if rng.random_bool(0.3) {
                let used = entry(FILES, &self.invent(), Decision::Allowed, at(1));
                note(keeper, used, at(self.invented));
            }
            let entries = targets.iter().map(|target| control(target));
            let answers = record_all(keeper, entries, at(self.invented));
            for (answer, target) in answers.into_iter().zip(targets) {
                let Ok(seq) = answer else { return };
                self.known.push((seq, target));
            }
        }
    }

    fn invent(&mut self) -> String {
        self.invented += 1;
        format!("act {}", self.invented)
    }

    /// Everything acknowledged is there under its number, and nothing looks tampered with.
    fn compare(&self, shadow: &Shadow, keeper: &Keeper) {
        let report = examined(shadow);
        assert_eq!(report.finding, None, "{report:?}");
        let entries = recorded(shadow, keeper);
        let first = entries.first().map_or(1, |entry| entry.seq);
        for (number, entry) in (first..).zip(&entries) {
            assert_eq!(entry.seq, number);
        }
        for (seq, target) in self.known.iter().filter(|(seq, _)| *seq >= first) {
            let found = entries.get((seq - first) as usize);
            let found = found.expect("an acknowledged entry is there");
            assert_eq!(&found.target, target);
        }
    }
}

/// Small segments, of which retention leaves a few.
fn bounds() -> AuditSettings {
    AuditSettings { retain_bytes: 9_000, reserve_bytes: 600, ..small() }
}

#[test]
fn a_power_cut_at_every_single_step_of_a_day_loses_nothing_acknowledged() {
    let seed = seed();
    let day = |cut: Option<u64>, loss: Loss| -> u64 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let (shadow, mut client) = (Shadow::default(), Client::default());
        if let Some(cut) = cut {
            shadow.cut_in(cut);
        }
        if let Ok(mut keeper) = open(&shadow, &bounds()) {
            client.act(&mut keeper, &mut rng, 12);
        }
        let steps = shadow.steps();
        let mut rng = SmallRng::seed_from_u64(seed ^ cut.unwrap_or(0));
        let shadow = shadow.power_on(loss, &mut rng);
        if !client.known.is_empty() {
            assert_eq!(examined(&shadow).finding, None, "before it is opened again, cut {cut:?}");
        }
        let mut keeper = open(&shadow, &bounds()).unwrap();
        client.compare(&shadow, &keeper);
        client.act(&mut keeper, &mut rng, 2);
        client.compare(&shadow, &keeper);
        steps
    };
    let steps = day(None, Loss::All);
    assert!(steps > 60, "{steps} steps are no day");
    for cut in 0..steps {
        for loss in [Loss::All, Loss::Nothing, Loss::Some, Loss::Tail] {
            day(Some(cut), loss);
        }
    }
}

#[test]
fn no_acknowledged_entry_is_lost_or_renumbered_by_many_power_cuts() {
    const CUTS: usize = 200;
    let mut rng = SmallRng::seed_from_u64(seed());
    let (mut shadow, mut client) = (Shadow::default(), Client::default());
    for _ in 0..CUTS {
        shadow.cut_in(rng.random_range(0..60));
        if let Ok(mut keeper) = open(&shadow, &bounds()) {
            client.act(&mut keeper, &mut rng, 30);
        }
        let losses = [Loss::All, Loss::Nothing, Loss::Some, Loss::Some, Loss::Tail];
        shadow = shadow.power_on(*losses.choose(&mut rng).unwrap(), &mut rng);
        let mut whole = shadow.copy();
        let keeper = open(&whole, &bounds()).unwrap();
        client.compare(&whole, &keeper);
        drop(keeper);
        // Often the power goes again while the trail is being opened.
        if rng.random_bool(0.5) {
            std::mem::swap(&mut shadow, &mut whole);
        }
    }
    assert!(client.known.len() > CUTS, "{} acts were acknowledged", client.known.len());
}

#[test]
fn a_failed_sync_is_not_papered_over_by_the_next_one() {
    let mut rng = SmallRng::seed_from_u64(seed());
    for syncs in 0..25 {
        let (shadow, mut client) = (Shadow::default(), Client::default());
        let mut keeper = open(&shadow, &small()).unwrap();
        shadow.state().sync_fails_in = Some(syncs);
        client.act(&mut keeper, &mut rng, 12);
        client.act(&mut keeper, &mut rng, 4);
        assert!(shadow.state().sync_fails_in.is_none(), "the sync did not come");
        client.compare(&shadow, &keeper);
        for loss in [Loss::All, Loss::Some, Loss::Nothing] {
            let shadow = shadow.power_on(loss, &mut rng);
            client.compare(&shadow, &open(&shadow, &small()).unwrap());
        }
    }
}

#[test]
fn what_no_anchor_covers_is_cut_off_and_told_apart_from_a_cut() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &small()).unwrap();
    record(&mut keeper, control("kept"), at(1)).unwrap();
    let name = super::segment::name(1);
    let mut bytes = shadow.bytes(&name);
    let whole_len = bytes.len();
    bytes.extend_from_slice(b"{\"seq\":2,\"at\":");
    shadow.tamper(&name, Some(bytes));
    let report = examined(&shadow);
    assert_eq!((report.finding, report.unacknowledged_bytes), (None, 14));
    let mut keeper = open(&shadow, &small()).unwrap();
    record(&mut keeper, control("next"), at(2)).unwrap();
    let entries = recorded(&shadow, &keeper);
    assert_eq!(entries.len(), 3);
    assert!(entries[1].detail.as_ref().unwrap().starts_with("14 bytes at the end of segment 1"));
    assert_eq!(examined(&shadow).finding, None);
    assert!(shadow.bytes(&name).len() > whole_len);
}
