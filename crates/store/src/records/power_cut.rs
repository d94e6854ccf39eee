//! Records on a disk whose power is cut: at every step, and at seeded random steps with what was not
//! synced lost, kept, torn and reordered. A kill of the process proves less: the system still writes
//! what the process had handed over.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::disk_shadow::{Disk, Loss};
use super::{PutError, RecordError, Records};
use crate::seed::seed;

/// Keys to versions and values.
type Contents = BTreeMap<String, (u64, Vec<u8>)>;

/// What a client of the store knows: what was acknowledged, and the one act that was not answered.
#[derive(Debug, Default)]
struct Client {
    known: Contents,
    unanswered: Option<Act>,
    highest: u64,
}

#[derive(Clone, Debug)]
enum Act {
    Put { key: String, value: Vec<u8> },
    Delete { key: String },
}

impl Client {
    /// Acts until the power goes.
    fn act_until_cut(&mut self, records: &Records, rng: &mut SmallRng, most: usize) {
        for _ in 0..most {
            let act = self.invent(rng);
            let result = match &act {
                Act::Put { key, value } => {
                    let expected = self.known.get(key).map(|(version, _)| *version);
                    records.put_if(key, expected, value).map(|version| {
                        assert!(version > self.highest, "version {version} was given out before");
                        self.highest = version;
                        self.known.insert(key.clone(), (version, value.clone()));
                    })
                }
                Act::Delete { key } => {
                    let (version, _) = self.known[key];
                    records.delete_if(key, version).map(|()| {
                        self.known.remove(key);
                    })
                }
            };
            match result {
                Ok(()) => {}
                Err(PutError::Io { .. }) => {
                    self.unanswered = Some(act);
                    return;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn invent(&self, rng: &mut SmallRng) -> Act {
        let keys: Vec<&String> = self.known.keys().collect();
        if !keys.is_empty() && rng.random_bool(0.15) {
            return Act::Delete { key: keys.choose(rng).unwrap().to_string() };
        }
        let len = *[0, 10, 700, 5_000, 40_000].choose(rng).unwrap();
        let mut value = vec![0; len];
        rng.fill(value.as_mut_slice());
        Act::Put { key: format!("service/{}", rng.random_range(0..12)), value }
    }

    /// Everything acknowledged is there, whole and at its version; the unanswered act is there wholly
    /// or not at all; nothing else is.
    fn reconcile(&mut self, records: &Records) {
        let found: Contents = records
            .list("")
            .unwrap()
            .into_iter()
            .map(|record| (record.key, (record.version, record.value)))
            .collect();
        let mut expected = self.known.clone();
        if found != expected {
            match self.unanswered.clone().expect("an acknowledged act was lost") {
                Act::Delete { key } => {
                    expected.remove(&key);
                }
                Act::Put { key, value } => {
                    let version = found.get(&key).expect("an acknowledged record was lost").0;
                    assert!(version > self.highest, "version {version} was given out before");
                    self.highest = version;
                    expected.insert(key, (version, value));
                }
            }
            assert!(found == expected, "something else than the unanswered act has changed");
        }
        self.known = found;
        self.unanswered = None;
    }
}

/// A disk with a new store on it, as the store's renaming of a finished file leaves it.
fn disk_with_new_store() -> Disk {
    let disk = Disk::default();
    drop(open(&disk).unwrap());
    let made = disk.state().live.clone();
    Disk::holding(made)
}

fn open(disk: &Disk) -> Result<Records, super::OpenError> {
    Records::on(disk.clone(), None)
}

#[test]
fn no_acknowledged_record_is_lost_torn_or_renumbered_by_power_cuts() {
    const CUTS: usize = 400;
    let mut rng = SmallRng::seed_from_u64(seed());
    let (mut disk, mut client) = (disk_with_new_store(), Client::default());
    let mut during_recovery = 0;
    for cut in 0..CUTS {
        // A store of some age and an empty one both matter: start over now and then.
        if cut % 150 == 0 {
            (disk, client) = (disk_with_new_store(), Client::default());
        }
        // Often so early that it hits the recovery from the cut before.
        disk.cut_in(if rng.random_bool(0.3) {
            rng.random_range(0..12)
        } else {
            rng.random_range(0..120)
        });
        match open(&disk) {
            Ok(records) => {
                client.reconcile(&records);
                client.act_until_cut(&records, &mut rng, 200);
            }
            Err(_) => during_recovery += 1,
        }
        let loss = *[Loss::All, Loss::Nothing, Loss::Some, Loss::Some, Loss::Tail]
            .choose(&mut rng)
            .unwrap();
        disk = disk.power_on(loss, &mut rng);
    }
    client.reconcile(&open(&disk).expect("the store opens once the power stays"));
    assert!(during_recovery > CUTS / 20, "only {during_recovery} cuts hit a recovery");
}

#[test]
fn a_power_cut_at_every_single_step_of_a_day_loses_nothing() {
    let seed = seed();
    let day = |cut: Option<u64>, loss: Loss| -> u64 {
        let mut rng = SmallRng::seed_from_u64(seed);
        let (disk, mut client) = (disk_with_new_store(), Client::default());
        if let Some(cut) = cut {
            disk.cut_in(cut);
        }
        if let Ok(records) = open(&disk) {
            client.act_until_cut(&records, &mut rng, 12);
        }
        let steps = disk.steps();
        let disk = disk.power_on(loss, &mut SmallRng::seed_from_u64(seed ^ cut.unwrap_or(0)));
        client.reconcile(&open(&disk).unwrap());
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
fn a_failed_sync_is_not_papered_over_by_the_next_one() {
    let mut rng = SmallRng::seed_from_u64(seed());
    for syncs in 0..12 {
        let (disk, mut client) = (Disk::default(), Client::default());
        let records = open(&disk).unwrap();
        client.act_until_cut(&records, &mut rng, 3);
        disk.state().sync_fails_in = Some(syncs);
        client.act_until_cut(&records, &mut rng, 12);
        assert!(client.unanswered.is_some(), "the failed sync was not noticed");
        client.reconcile(&records);
        client.act_until_cut(&records, &mut rng, 3);
        assert!(client.unanswered.is_none(), "the store did not recover");
        client.reconcile(&open(&disk.power_on(Loss::All, &mut rng)).unwrap());
    }
}

#[test]
fn a_full_disk_refuses_puts_loses_nothing_and_is_overcome() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let (disk, mut client) = (disk_with_new_store(), Client::default());
    let records = open(&disk).unwrap();
    client.act_until_cut(&records, &mut rng, 20);
    let mut watch = records.watch("");
    let room = disk.state().live.len() as u64;
    disk.state().room = Some(room);
    let mut full = 0;
    for number in 0..40 {
        let key = format!("more/{number}");
        let value = vec![number; 30_000];
        match records.put_if(&key, None, &value) {
            Ok(version) => {
                client.highest = version;
                client.known.insert(key, (version, value));
            }
            Err(PutError::Full { .. }) => {
                full += 1;
                client.unanswered = Some(Act::Put { key, value });
            }
            Err(error) => panic!("{error:?}"),
        }
        client.reconcile(&records);
    }
    assert!(full > 10, "the disk was full {full} times");
    let missed =
        std::iter::from_fn(|| watch.try_next()).any(|change| change == super::Change::Missed);
    assert!(missed, "a watcher was not told that an outcome is open");
    disk.state().room = None;
    let before = client.known.len();
    client.act_until_cut(&records, &mut rng, 10);
    assert!(client.unanswered.is_none() && before > 0);
    client.reconcile(&open(&disk.power_on(Loss::All, &mut rng)).unwrap());
}

#[test]
fn a_disk_with_no_room_at_all_says_so_and_recovers() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let (disk, mut client) = (disk_with_new_store(), Client::default());
    let records = open(&disk).unwrap();
    client.act_until_cut(&records, &mut rng, 20);
    disk.state().room = Some(0);
    for _ in 0..3 {
        assert!(matches!(records.put_if("more", None, b"x"), Err(PutError::Full { .. })));
    }
    match records.get("more") {
        Ok(None) | Err(RecordError::Full { .. }) => {}
        other => panic!("{other:?}"),
    }
    disk.state().room = None;
    client.reconcile(&records);
    client.act_until_cut(&records, &mut rng, 10);
    assert!(client.unanswered.is_none());
}
