//! Denials that a guest repeats: written once, counted exactly, bounded by budgets.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::coalesce::Coalescer;
use super::entry::{Decision, Entry};
use super::fixture::*;
use super::settings::DenialBudget;
use super::shadow::Shadow;
use crate::seed::seed;

fn denial(target: &str, instance: u64, second: u64) -> Entry {
    Entry { instance: Some(instance), ..entry(FILES, target, Decision::Denied, at(second)) }
}

fn counted(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.count).sum()
}

#[test]
fn like_denials_are_written_once_and_their_number_when_the_window_ends() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &small()).unwrap();
    for _ in 0..1_000 {
        note(&mut keeper, denial("/etc/passwd", 4, 1), at(1));
    }
    assert_eq!(recorded(&shadow, &keeper).len(), 1, "the first is written at once");
    keeper.commit(Vec::new(), at(10));
    assert_eq!(recorded(&shadow, &keeper).len(), 1, "the window is ten seconds");
    keeper.commit(Vec::new(), at(11));
    let entries = recorded(&shadow, &keeper);
    assert_eq!(entries.iter().map(|entry| entry.count).collect::<Vec<_>>(), [1, 999]);
    assert_eq!(entries[1].target, "/etc/passwd");
}

#[test]
fn counts_are_written_when_the_trail_is_closed() {
    let shadow = Shadow::default();
    let mut keeper = open(&shadow, &small()).unwrap();
    for _ in 0..7 {
        note(&mut keeper, denial("/etc/passwd", 4, 1), at(1));
    }
    close(&mut keeper, at(1)).unwrap();
    let counts: Vec<u64> = recorded(&shadow, &keeper).iter().map(|entry| entry.count).collect();
    assert_eq!(counts, [1, 6]);
}

#[test]
fn control_acts_and_allowed_uses_are_never_coalesced() {
    let mut coalescer = Coalescer::new(DenialBudget::default());
    let mut out = Vec::new();
    for _ in 0..300 {
        coalescer.admit(entry(DEPLOY, "greeter", Decision::Denied, at(0)), at(0), &mut out);
        coalescer.admit(entry(FILES, "/data", Decision::Allowed, at(0)), at(0), &mut out);
    }
    assert_eq!(out.len(), 600);
}

#[test]
fn a_guest_that_varies_its_target_meets_a_budget_and_is_counted() {
    let mut coalescer = Coalescer::new(DenialBudget::default());
    let mut out = Vec::new();
    for number in 0..10_000 {
        coalescer.admit(denial(&format!("/{number}"), 4, 0), at(0), &mut out);
    }
    assert_eq!(out.len(), 20);
    coalescer.flush(&mut out);
    assert_eq!((out.len(), counted(&out)), (21, 10_000));
    let rest = out.last().unwrap();
    assert_eq!((rest.count, &*rest.target, rest.instance), (9_980, "(various)", Some(4)));
    assert!(rest.detail.as_ref().unwrap().contains("over the 20 a second"));
}

#[test]
fn fresh_instances_do_not_evade_the_budget_of_their_revision() {
    let mut coalescer = Coalescer::new(DenialBudget::default());
    let mut out = Vec::new();
    for instance in 0..5_000 {
        coalescer.admit(denial("/etc/passwd", instance, 0), at(0), &mut out);
    }
    assert_eq!(out.len(), 200);
    coalescer.flush(&mut out);
    assert_eq!((out.len(), counted(&out)), (201, 5_000));
    assert_eq!(out.last().unwrap().instance, None);
}

#[test]
fn whoever_asks_for_what_he_may_not_has_a_budget_whatever_services_he_names() {
    let mut coalescer = Coalescer::new(DenialBudget::default());
    let mut out = Vec::new();
    let refused = |who: Option<&str>, service: &str| {
        let mut entry = Entry::new(at(0), FILES, format!("remove {service}"), Decision::Denied);
        entry.service = Some(service.into());
        entry.principal = who.map(Into::into);
        entry
    };
    for number in 0..5_000 {
        let service = format!("service-{number}");
        coalescer.admit(refused(Some("mallory"), &service), at(0), &mut out);
    }
    assert_eq!(out.len(), 5);
    // Another principal has a budget of his own, and a guest of the same service another.
    coalescer.admit(refused(Some("ada"), "greeter"), at(0), &mut out);
    coalescer.admit(denial("/etc/passwd", 4, 0), at(0), &mut out);
    assert_eq!(out.len(), 7);
    coalescer.flush(&mut out);
    assert_eq!((out.len(), counted(&out)), (8, 5_002));
    let rest = out.last().unwrap();
    assert_eq!((rest.count, rest.principal.as_deref()), (4_995, Some("mallory")));
    assert_eq!((&*rest.target, rest.service.as_deref()), ("(various)", None));
}

#[test]
fn counts_are_exact_whatever_comes_and_the_table_is_bounded() {
    let mut rng = SmallRng::seed_from_u64(seed());
    for _ in 0..20 {
        let budget = DenialBudget {
            window: Duration::from_secs(3),
            per_instance_per_second: 5,
            per_revision_per_second: 12,
            per_principal_per_second: 3,
            open_tallies: rng.random_range(1..40),
        };
        let mut coalescer = Coalescer::new(budget);
        let (mut out, mut second) = (Vec::new(), 50_u64);
        for _ in 0..5_000 {
            // The clock also goes back.
            second = match rng.random_range(0..100) {
                0 => second.saturating_sub(2),
                1..4 => second + 1,
                _ => second,
            };
            let target = format!("/{}", rng.random_range(0..30));
            let denial = denial(&target, rng.random_range(0..8), second);
            coalescer.due(at(second), &mut out);
            coalescer.admit(denial, at(second), &mut out);
        }
        coalescer.flush(&mut out);
        assert_eq!(counted(&out), 5_000);
        assert!(out.len() < 5_000);
    }
}
