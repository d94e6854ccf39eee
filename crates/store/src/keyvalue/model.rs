//! Buckets against a model of them in plain maps, and many writers at once.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use super::{KeyValue, KeyValueError, MAX_BATCH_ENTRIES};
use crate::page::Paging;
use crate::quota::{Quota, QuotaPart, Usage};
use crate::records::Disk;
use crate::seed::seed;

/// What each of two services keeps in each of two buckets.
type Model = BTreeMap<(&'static str, &'static str), BTreeMap<String, Vec<u8>>>;

const SERVICES: [&str; 2] = ["a", "ab"];
const BUCKETS: [&str; 2] = ["b", "bb"];
const QUOTA: Quota = Quota { bytes: 900, entries: 12, value_bytes: 200, name_bytes: 8 };

fn store() -> KeyValue {
    KeyValue::on(Disk::default()).unwrap()
}

fn usage(model: &Model, service: &str) -> Usage {
    let ours = model.iter().filter(|((of, _), _)| *of == service);
    let weights =
        ours.flat_map(|(_, bucket)| bucket).map(|(key, value)| (key.len() + value.len()) as u64);
    weights.fold(Usage::default(), |sum, bytes| Usage {
        bytes: sum.bytes + bytes,
        entries: sum.entries + 1,
    })
}

fn check(store: &KeyValue, model: &Model) {
    for (&(service, bucket), entries) in model {
        let found = store.bucket(service, bucket, QUOTA);
        assert_eq!(store.usage(service).unwrap(), usage(model, service));
        let (mut keys, mut paging) = (Vec::new(), Paging { after: None, limit: 3 });
        loop {
            let page = found.list_keys(&paging).unwrap();
            keys.extend(page.entries.clone());
            let Some(next) = paging.next(&page) else { break };
            paging = next;
        }
        assert!(keys.iter().eq(entries.keys()), "{keys:?} {entries:?}");
        let values = found.get_many(&keys).unwrap();
        assert!(values.iter().flatten().eq(entries.values()));
    }
}

#[tokio::test]
async fn buckets_do_what_a_map_within_its_quota_does() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let disk = Disk::default();
    let mut store = KeyValue::on(disk.clone()).unwrap();
    let mut model: Model =
        SERVICES.iter().flat_map(|s| BUCKETS.map(|b| ((*s, b), BTreeMap::new()))).collect();
    let mut refusals = 0;
    for step in 0..600 {
        let service = *SERVICES.choose(&mut rng).unwrap();
        let bucket = *BUCKETS.choose(&mut rng).unwrap();
        let place = store.bucket(service, bucket, QUOTA);
        let mut after = model.clone();
        let entries = after.get_mut(&(service, bucket)).unwrap();
        let key = format!("k{}", rng.random_range(0..9));
        let result = match rng.random_range(0..12) {
            0..5 => {
                let batch: Vec<(String, Vec<u8>)> = (0..rng.random_range(1..4))
                    .map(|_| {
                        let value = vec![b'v'; rng.random_range(0..220)];
                        (format!("k{}", rng.random_range(0..9)), value)
                    })
                    .collect();
                entries.extend(batch.clone());
                place.set_many(batch).await
            }
            5..7 => {
                entries.remove(&key);
                place.delete(key).await
            }
            7..9 => {
                let found = place.get_versioned(&key).unwrap().map(|found| found.version);
                entries.insert(key.clone(), b"swapped".to_vec());
                place.swap(key, found, b"swapped".to_vec()).await.map(drop)
            }
            9..11 => {
                let before =
                    entries.get(&key).and_then(|value| String::from_utf8(value.clone()).ok());
                let number = before.map_or(Some(0), |text| text.parse::<i64>().ok());
                let delta = rng.random_range(-5..5);
                if let Some(number) = number {
                    entries.insert(key.clone(), (number + delta).to_string().into_bytes());
                }
                place.increment(key, delta).await.map(|sum| assert_eq!(Some(sum - delta), number))
            }
            _ if rng.random_bool(0.2) => {
                after.iter_mut().filter(|((of, _), _)| *of == service).for_each(|(_, e)| e.clear());
                store.remove_service(service).await
            }
            _ => {
                entries.clear();
                place.clear().await
            }
        };
        match result {
            Ok(()) => model = after,
            Err(KeyValueError::Quota(exceeded)) => {
                refusals += 1;
                let (over, bound) = match exceeded.part {
                    QuotaPart::Bytes => (usage(&after, service).bytes, QUOTA.bytes),
                    QuotaPart::Entries => (usage(&after, service).entries, QUOTA.entries),
                    QuotaPart::ValueBytes => (exceeded.asked, QUOTA.value_bytes),
                    QuotaPart::NameBytes => panic!("no name was too long"),
                };
                assert!(over > bound && exceeded.limit == bound, "{exceeded}");
            }
            Err(KeyValueError::NotANumber) => {}
            Err(error) => panic!("{error:?}"),
        }
        check(&store, &model);
        if step % 100 == 99 {
            drop(store);
            store = KeyValue::on(disk.clone()).unwrap();
        }
    }
    assert!(refusals > 20, "only {refusals} writes met the quota");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn increments_and_swaps_at_once_lose_nothing() {
    const TASKS: i64 = 8;
    const EACH: i64 = 25;
    let store = store();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let bucket = store.bucket("a", "b", Quota::KEY_VALUE);
        tasks.spawn(async move {
            for _ in 0..EACH {
                bucket.increment("incremented".to_owned(), 1).await.unwrap();
                let mut found = bucket.get_versioned("swapped").unwrap();
                loop {
                    let number: i64 = found.as_ref().map_or(0, |found| {
                        std::str::from_utf8(&found.value).unwrap().parse().unwrap()
                    });
                    let (version, next) = (found.map(|found| found.version), number + 1);
                    match bucket.swap("swapped".to_owned(), version, next.to_string().into()).await
                    {
                        Ok(_) => break,
                        Err(KeyValueError::Changed { found: now }) => found = now,
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    let bucket = store.bucket("a", "b", Quota::KEY_VALUE);
    for key in ["incremented", "swapped"] {
        assert_eq!(bucket.get(key).unwrap().unwrap(), (TASKS * EACH).to_string().into_bytes());
    }
}

#[tokio::test]
async fn writes_at_once_share_their_syncs() {
    const WRITES: u64 = 200;
    let disk = Disk::default();
    let store = KeyValue::on(disk.clone()).unwrap();
    let bucket = store.bucket("a", "b", Quota::KEY_VALUE);
    let before = disk.steps();
    bucket.set("alone".to_owned(), vec![1]).await.unwrap();
    let alone = disk.steps() - before;
    let mut tasks = JoinSet::new();
    for number in 0..WRITES {
        let bucket = bucket.clone();
        tasks.spawn(async move { bucket.set(format!("k{number}"), vec![1]).await.unwrap() });
    }
    tasks.join_all().await;
    let together = disk.steps() - before - alone;
    assert!(together < alone * WRITES / 4, "{together} steps for {WRITES} writes, {alone} for one");
}

#[tokio::test]
async fn a_swap_on_an_old_version_gives_what_is_there() {
    let bucket = store().bucket("a", "b", Quota::KEY_VALUE);
    let first = bucket.swap("k".to_owned(), None, b"1".to_vec()).await.unwrap();
    bucket.delete("k".to_owned()).await.unwrap();
    bucket.set("k".to_owned(), b"1".to_vec()).await.unwrap();
    match bucket.swap("k".to_owned(), Some(first), b"2".to_vec()).await {
        Err(KeyValueError::Changed { found: Some(found) }) => {
            assert!(found.version > first);
            bucket.swap("k".to_owned(), Some(found.version), b"2".to_vec()).await.unwrap();
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        bucket.swap("k".to_owned(), None, b"3".to_vec()).await,
        Err(KeyValueError::Changed { found: Some(_) })
    ));
    assert_eq!(bucket.get("k").unwrap().unwrap(), b"2");
}

#[tokio::test]
async fn an_increment_refuses_what_is_no_number_and_what_overflows() {
    let bucket = store().bucket("a", "b", Quota::KEY_VALUE);
    bucket.set("text".to_owned(), b"ten".to_vec()).await.unwrap();
    let result = bucket.increment("text".to_owned(), 1).await;
    assert!(matches!(result, Err(KeyValueError::NotANumber)));
    bucket.increment("n".to_owned(), i64::MAX).await.unwrap();
    let result = bucket.increment("n".to_owned(), 1).await;
    assert!(matches!(result, Err(KeyValueError::Overflow)));
    assert_eq!(bucket.increment("n".to_owned(), i64::MIN).await.unwrap(), -1);
}

#[tokio::test]
async fn a_batch_over_the_quota_sets_nothing_of_itself() {
    let store = store();
    let quota = Quota { entries: 2, ..Quota::KEY_VALUE };
    let bucket = store.bucket("a", "b", quota);
    let batch = |keys: &[&str]| keys.iter().map(|key| (key.to_string(), vec![1])).collect();
    let refused = bucket.set_many(batch(&["1", "2", "3"])).await;
    assert!(matches!(refused, Err(KeyValueError::Quota(e)) if e.part == QuotaPart::Entries));
    assert_eq!(store.usage("a").unwrap(), Usage::default());
    bucket.set_many(batch(&["1", "2", "2"])).await.unwrap();
    // The quota is the service's: another bucket has no other.
    let refused = store.bucket("a", "other", quota).set("1".to_owned(), vec![]).await;
    assert!(matches!(refused, Err(KeyValueError::Quota(_))));
    store.bucket("b", "b", quota).set("1".to_owned(), vec![]).await.unwrap();
    let many = vec![(String::new(), Vec::new()); MAX_BATCH_ENTRIES + 1];
    let refused = bucket.set_many(many).await;
    assert!(matches!(refused, Err(KeyValueError::BatchTooLarge { what: "entries", .. })));
    for (key, value, part) in [
        ("x".repeat(513), vec![], QuotaPart::NameBytes),
        ("x".to_owned(), vec![0; (1 << 20) + 1], QuotaPart::ValueBytes),
    ] {
        let refused = bucket.set(key, value).await;
        assert!(matches!(refused, Err(KeyValueError::Quota(e)) if e.part == part), "{part}");
    }
}

#[tokio::test]
async fn a_walk_over_pages_lists_what_stays_exactly_once() {
    let bucket = store().bucket("a", "b", Quota::KEY_VALUE);
    let stay: Vec<String> = (0..40).map(|number| format!("stay-{number:02}")).collect();
    bucket.set_many(stay.iter().map(|key| (key.clone(), vec![])).collect()).await.unwrap();
    let (mut listed, mut paging) = (Vec::new(), Paging { after: None, limit: 7 });
    for round in 0.. {
        let page = bucket.list_keys(&paging).unwrap();
        listed.extend(page.entries.clone());
        // Behind the cursor, before it, and the very key it stands on.
        bucket.set(format!("a{round}"), vec![]).await.unwrap();
        bucket.set(format!("stay-{round:02}x"), vec![]).await.unwrap();
        let Some(next) = paging.next(&page) else { break };
        let last = page.entries.last().unwrap().clone();
        bucket.delete(last.clone()).await.unwrap();
        paging = next;
    }
    listed.retain(|key| key.starts_with("stay") && !key.ends_with('x'));
    assert_eq!(listed, stay);
}
