//! Time and randomness: the machine's for everybody, and the same each time for a revision that was given fixed ones.

mod common;

use std::time::{Duration, SystemTime};

use airssys_wasm_model::{Determinism, FixedClock, Span};
use common::{got, in_turn, one_instance, pool};

const GUESTS: [&str; 2] = ["http-hello", "http-p3"];

/// The first second of 2026, in nanoseconds.
const BEGINS: u128 = 1_767_225_600_000_000_000;

fn clock(step: Duration) -> Determinism {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    Determinism { clock: Some(FixedClock { at, step: Span(step) }), seed: None }
}

fn seed(seed: u64) -> Determinism {
    Determinism { clock: None, seed: Some(seed) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_clock_begins_anew_in_each_instance_and_moves_when_it_is_read() {
    for guest in GUESTS {
        let fresh = pool(guest, |spec| spec.determinism = clock(Duration::from_millis(5))).await;
        let first = format!("{BEGINS} 5000000");
        assert_eq!(in_turn(&fresh, &["/now", "/now"]).await, [&*first, &first], "{guest}");

        let reused = pool(guest, |spec| {
            one_instance(spec);
            spec.determinism = clock(Duration::from_millis(5));
        });
        let reused = reused.await;
        // Each answer takes three readings.
        let second = format!("{} 5000000", BEGINS + 15_000_000);
        assert_eq!(in_turn(&reused, &["/now", "/now"]).await, [first, second], "{guest}");

        let still = pool(guest, |spec| spec.determinism = clock(Duration::ZERO)).await;
        assert_eq!(got(&still, "/now").await.1, format!("{BEGINS} 0"), "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_seed_draws_is_the_same_in_each_instance_and_for_no_other_seed() {
    let mut seen = Vec::new();
    for guest in GUESTS {
        let seven = pool(guest, |spec| spec.determinism = seed(7)).await;
        let drawn = in_turn(&seven, &["/random", "/random"]).await;
        assert_eq!(drawn[0], drawn[1], "{guest}");
        seen.push(drawn[0].clone());
        let eight = pool(guest, |spec| spec.determinism = seed(8)).await;
        assert_ne!(got(&eight, "/random").await.1, drawn[0], "{guest}");
    }
    assert_eq!(seen[0], seen[1], "WASI 0.2 and 0.3 draw the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_fixed_is_the_machines() {
    for guest in GUESTS {
        let pool = pool(guest, |_| {}).await;
        let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let said = got(&pool, "/now").await.1;
        let after = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let wall: u128 = said.split(' ').next().unwrap().parse().unwrap();
        assert!((before..=after).contains(&wall), "{guest}: {before} {wall} {after}");
        let drawn = in_turn(&pool, &["/random", "/random"]).await;
        for (one, other) in drawn[0].split(' ').zip(drawn[1].split(' ')) {
            assert_ne!(one, other, "{guest}");
        }
    }
}
