//! A real process on a real disk, killed at hundreds of random instants.
//!
//! The child says what it is about to do, does it, and says that it was acknowledged; the parent kills
//! it, opens what is left and compares.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use airssys_wasm_model::Digest;
use airssys_wasm_store::Store;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

// A file of the library's own tests: a test of its outside has no other way to it.
#[path = "../src/seed.rs"]
mod seed;

use seed::{SEED, seed};

const DIR: &str = "STORE_KILL_DIR";

/// The child. Does nothing unless the parent below started it.
#[test]
#[ignore = "the child of `nothing_acknowledged_is_lost_by_kills_at_random_instants`"]
fn child_acts_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let mut rng = SmallRng::seed_from_u64(std::env::var(SEED).unwrap().parse().unwrap());
    let mut out = std::io::stdout();
    let mut say = |line: String| out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    say("started".into());
    let store = Store::open(Path::new(&dir)).unwrap();
    let mut versions: BTreeMap<String, u64> =
        store.records().keys("").unwrap().into_iter().collect();
    loop {
        let number: u64 = rng.random();
        if rng.random_bool(0.4) {
            say(format!("blob {number}"));
            store.blobs().put(&value(number)).unwrap();
            say("done 0".into());
        } else {
            let key = format!("k{}", number % 5);
            say(format!("{key} {number}"));
            let expected = versions.get(&key).copied();
            let version = store.records().put_if(&key, expected, &value(number)).unwrap();
            say(format!("done {version}"));
            versions.insert(key, version);
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_kills_at_random_instants() {
    const KILLS: u64 = 200;
    let seed = seed();
    let mut rng = SmallRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut known = Known::default();
    let mut within_an_act = 0;
    for kill in 0..KILLS {
        let said = run_and_kill(dir.path(), seed.wrapping_add(kill), &mut rng);
        let unfinished = known.note(&said);
        within_an_act += u64::from(unfinished.is_some());
        let store = Store::open(dir.path()).unwrap();
        known.compare(&store, unfinished);
    }
    println!("{} records' puts, {} blobs", known.puts, known.blobs.len());
    assert!(within_an_act > KILLS / 4, "only {within_an_act} kills hit an act");
    assert!(known.puts > KILLS, "only {} puts were acknowledged", known.puts);
    let remains = std::fs::read_dir(dir.path().join("blobs")).unwrap().count();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.blobs().list().unwrap().len(), remains, "unfinished blobs were left");
}

/// Everything a child said until it was killed: at any of its lines, and then any short time later.
fn run_and_kill(dir: &Path, seed: u64, rng: &mut SmallRng) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_acts_until_killed", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .filter_map(|line| line.strip_prefix('@').map(str::to_owned));
    let mut said: Vec<String> = lines.by_ref().take(rng.random_range(1..40)).collect();
    // The child runs on meanwhile: this spreads the kills over the inside of its acts.
    for _ in 0..rng.random_range(0..60_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    said.extend(lines);
    assert!(!child.wait().unwrap().success(), "the child ended by itself");
    said
}

/// What the children were told is done.
#[derive(Default)]
struct Known {
    /// Key to version and number.
    records: BTreeMap<String, (u64, u64)>,
    blobs: Vec<u64>,
    puts: u64,
    highest: u64,
}

impl Known {
    /// Notes what one child said, and returns what it had begun and not finished.
    fn note(&mut self, said: &[String]) -> Option<(String, u64)> {
        let mut begun: Option<(String, u64)> = None;
        for line in said {
            let Some((what, number)) = line.split_once(' ') else { continue };
            let number: u64 = number.parse().unwrap();
            if what != "done" {
                begun = Some((what.to_owned(), number));
                continue;
            }
            let (what, value) = begun.take().expect("what is done was begun");
            if what == "blob" {
                self.blobs.push(value);
            } else {
                assert!(number > self.highest, "version {number} was given out before");
                self.highest = number;
                self.puts += 1;
                self.records.insert(what, (number, value));
            }
        }
        begun
    }

    /// Compares, and takes over an unfinished put that turns out to be done.
    fn compare(&mut self, store: &Store, unfinished: Option<(String, u64)>) {
        for (key, version) in store.records().keys("").unwrap() {
            if self.records.get(&key).is_none_or(|known| known.0 != version) {
                let (begun, number) = unfinished.clone().expect("nobody asked for this version");
                assert_eq!(begun, key, "this record was not being changed");
                assert!(version > self.highest, "version {version} was given out before");
                self.highest = version;
                self.records.insert(key, (version, number));
            }
        }
        for (key, (version, number)) in &self.records {
            let found = store.records().get(key).unwrap().expect("an acknowledged record is lost");
            assert_eq!(found.version, *version);
            assert!(found.value == value(*number), "{key} is torn");
        }
        for number in self.blobs.iter().rev().take(40) {
            let bytes = value(*number);
            let found = store.blobs().get(&Digest::of(&bytes));
            assert!(found.expect("an acknowledged blob is whole") == bytes);
        }
    }
}

/// The value of a record or a blob, from its number alone.
fn value(number: u64) -> Vec<u8> {
    let len = 8 + number % 7 * 3_000;
    number.to_le_bytes().into_iter().cycle().take(len as usize).collect()
}
