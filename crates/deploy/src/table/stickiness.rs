//! Where keys go while shares rise, fall and are promoted: what a sticky split promises, over random
//! sequences.

use std::collections::BTreeMap;

use airssys_wasm_model::{Attribute, RevisionNumber, StickyBy};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Attributes, Picked, Rule, Share, Split, Table, Weight};

const SEEDS: u64 = 200;
const KEYS: u32 = 1_000;

/// Everybody's revision.
type Assignment = Vec<RevisionNumber>;

struct Service {
    seed: u64,
    keys: Vec<Vec<u8>>,
}

impl Service {
    fn new(random: &mut StdRng) -> Self {
        let key = |at: u32| format!("session-{at}-{}", random.random::<u32>()).into_bytes();
        let keys = (0..KEYS).map(key).collect();
        Self { keys, seed: random.random() }
    }

    fn assign(&self, split: &Split) -> Assignment {
        let row = |key: &Vec<u8>| split.stick(self.seed, key).expect("somebody is there");
        self.keys.iter().map(|key| split.shares()[row(key)].revision).collect()
    }
}

fn random_weight(random: &mut StdRng) -> Weight {
    Weight::try_from(random.random_range(1..10_000)).unwrap()
}

/// Every key stays, or goes to this revision.
fn only_to(revision: RevisionNumber, before: &Assignment, after: &Assignment) -> bool {
    before.iter().zip(after).all(|(before, after)| before == after || *after == revision)
}

/// Rollouts one after another over whatever splits the calls: each raises its candidate a few times, and is
/// then promoted, aborted, or left as it is, beside the others. Three revisions have calls, or more.
#[test]
fn a_raise_moves_keys_to_the_candidate_alone_and_an_abort_moves_exactly_those_back() {
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let service = Service::new(&mut random);
        let first = random_weight(&mut random);
        let mut table = Split::all(RevisionNumber(1)).raised(RevisionNumber(2), first);
        for number in 3..10 {
            let candidate = RevisionNumber(number);
            let (before, assigned) = (table.clone(), service.assign(&table));
            let mut weights: Vec<_> = (0..4).map(|_| random_weight(&mut random)).collect();
            weights.sort();
            let mut now = assigned.clone();
            for weight in weights {
                table = table.raised(candidate, weight);
                let next = service.assign(&table);
                assert!(only_to(candidate, &now, &next), "seed {seed}: {before} became {table}");
                now = next;
            }
            match random.random_range(0..4) {
                0 => table = Split::all(candidate),
                // Lowered step by step, what leaves the candidate goes where it came from.
                1 => {
                    table = table.raised(candidate, Weight::try_from(1).unwrap());
                    let lowered = service.assign(&table);
                    let back = lowered.iter().zip(&assigned);
                    assert!(back.clone().all(|(now, was)| now == was || *now == candidate));
                    table = before.clone();
                }
                2 => table = before.clone(),
                _ => {}
            }
            let end = service.assign(&table);
            if table == before {
                assert_eq!(end, assigned, "seed {seed}: an abort to {before}");
            } else if table == Split::all(candidate) {
                assert!(only_to(candidate, &now, &end), "seed {seed}: the promotion");
            }
        }
    }
}

/// Within five standard deviations of what a fair draw of so many keys would give.
#[test]
fn keys_spread_over_the_revisions_by_their_shares() {
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let service = Service::new(&mut random);
        let (first, second) = (random_weight(&mut random), random_weight(&mut random));
        let split = Split::all(RevisionNumber(1))
            .raised(RevisionNumber(2), first)
            .raised(RevisionNumber(3), second);
        let mut counts = BTreeMap::new();
        for revision in service.assign(&split) {
            *counts.entry(revision).or_insert(0_u32) += 1;
        }
        for Share { revision, weight, .. } in split.shares() {
            let (share, keys) = (weight.percent() / 100.0, f64::from(KEYS));
            let expected = share * keys;
            let count = f64::from(counts.get(revision).copied().unwrap_or(0));
            let bound = 5.0 * (keys * share * (1.0 - share)).sqrt() + 1.0;
            assert!((count - expected).abs() <= bound, "seed {seed}: {count} of {split}");
        }
    }
}

/// Whoever was turned to one candidate is no likelier to be turned to the next, nor to another service's.
#[test]
fn two_candidates_and_two_services_choose_independently() {
    let mut random = StdRng::seed_from_u64(5);
    let service = Service::new(&mut random);
    let half = Weight::from_percent(50.0).unwrap();
    let chosen = |seed: u64, number: u32| {
        let candidate = RevisionNumber(number);
        let split = Split::all(RevisionNumber(1)).raised(candidate, half);
        let keys = service.keys.clone();
        Service { seed, keys }.assign(&split).into_iter().map(move |it| it == candidate)
    };
    for (other_seed, other) in [(service.seed, 3), (service.seed + 1, 2)] {
        let both = chosen(service.seed, 2).zip(chosen(other_seed, other));
        let both = both.filter(|(one, other)| *one && *other).count();
        assert!((180..=320).contains(&both), "{both} of {KEYS} keys were chosen twice");
    }
}

/// What is known of a call to an actor: its key.
struct OfKey<'a> {
    by: &'a StickyBy,
    key: &'a [u8],
}

impl Attributes for OfKey<'_> {
    fn value<R>(&self, of: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        see(self.by.decides(of).then_some(self.key))
    }

    fn key<R>(&self, by: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        see((by == self.by).then_some(self.key))
    }
}

/// Whoever draws, however often: with rules on the key before the split, too.
#[test]
fn an_actors_key_lives_on_one_revision_whatever_is_drawn() {
    let by: StickyBy = "header:x-user".parse().unwrap();
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        let service = Service::new(&mut random);
        let mut table = Table::all(RevisionNumber(1));
        for number in 2..6 {
            let candidate = RevisionNumber(number);
            let chosen = String::from_utf8(service.keys[number as usize].clone()).unwrap();
            let rule = Rule::to(format!("header:x-user={chosen}").parse().unwrap(), candidate);
            table = table.with_rules(vec![rule]).unwrap();
            for _ in 0..3 {
                table = table.raised(candidate, random_weight(&mut random));
                for key in &service.keys[..50] {
                    let call = OfKey { by: &by, key };
                    let mut lives = (0..8).map(|_| {
                        let Picked { rule, row } =
                            table.pick(&call, Some(&by), service.seed, random.random()).unwrap();
                        let split =
                            rule.map_or(table.shares(), |at| table.rules()[at].shares.shares());
                        split[row].revision
                    });
                    let first = lives.next().unwrap();
                    assert!(lives.all(|next| next == first), "seed {seed}: {table}");
                    if key == chosen.as_bytes() {
                        assert_eq!(first, candidate, "seed {seed}: {table}");
                    }
                }
            }
        }
    }
}
