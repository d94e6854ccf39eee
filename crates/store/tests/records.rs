//! Records on a real directory: versions, listings, watches, leases, bounds.

mod common;

use std::sync::Barrier;

use airssys_wasm_store::{
    Change, MAX_KEY_BYTES, MAX_RECORD_BYTES, PutError, RecordError, Store, WATCH_BACKLOG,
};
use common::fresh;

#[test]
fn records_outlive_the_store() {
    let (dir, store) = fresh();
    let version = store.records().put_if("a/b", None, b"one").unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let record = store.records().get("a/b").unwrap().unwrap();
    assert_eq!((record.version, record.value.as_slice()), (version, b"one".as_slice()));
}

#[test]
fn a_put_on_an_old_version_conflicts_and_changes_nothing() {
    let (_dir, store) = fresh();
    let records = store.records();
    let first = records.put_if("k", None, b"1").unwrap();
    let second = records.put_if("k", Some(first), b"2").unwrap();
    assert!(second > first);
    for expected in [None, Some(first), Some(second + 1)] {
        match records.put_if("k", expected, b"3") {
            Err(PutError::Conflict { found, .. }) => assert_eq!(found, Some(second)),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        records.put_if("absent", Some(first), b"3"),
        Err(PutError::Conflict { found: None, .. })
    ));
    assert_eq!(records.get("k").unwrap().unwrap().value, b"2");
    assert!(records.get("absent").unwrap().is_none());
}

#[test]
fn a_record_made_again_never_has_a_version_of_its_former_life() {
    let (_dir, store) = fresh();
    let records = store.records();
    let first = records.put_if("k", None, b"1").unwrap();
    assert!(matches!(records.delete_if("k", first + 1), Err(PutError::Conflict { .. })));
    records.delete_if("k", first).unwrap();
    assert!(records.get("k").unwrap().is_none());
    assert!(matches!(records.delete_if("k", first), Err(PutError::Conflict { found: None, .. })));
    let again = records.put_if("k", None, b"1").unwrap();
    assert!(again > first);
}

#[test]
fn of_many_writers_on_one_version_exactly_one_wins() {
    const WRITERS: usize = 8;
    let (_dir, store) = fresh();
    let version = store.records().put_if("k", None, b"start").unwrap();
    let start = Barrier::new(WRITERS);
    let race = |writer: usize| {
        start.wait();
        match store.records().put_if("k", Some(version), &[writer as u8]) {
            Ok(_) => 1,
            Err(PutError::Conflict { .. }) => 0,
            Err(error) => panic!("{error}"),
        }
    };
    let race = &race;
    let won: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS).map(|n| scope.spawn(move || race(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(won, 1);
}

#[test]
fn a_listing_holds_the_prefix_in_order_and_nothing_else() {
    let (_dir, store) = fresh();
    let records = store.records();
    for key in ["service/b", "service/a", "services", "servic", "service/a/x", "z"] {
        records.put_if(key, None, key.as_bytes()).unwrap();
    }
    let keys = |prefix| -> Vec<String> {
        records.list(prefix).unwrap().into_iter().map(|record| record.key).collect()
    };
    assert_eq!(keys("service/"), ["service/a", "service/a/x", "service/b"]);
    assert_eq!(keys("service/a/x"), ["service/a/x"]);
    assert_eq!(keys("none").len(), 0);
    assert_eq!(keys("").len(), 6);
    let listed = records.list("service/").unwrap();
    assert!(listed.iter().all(|record| record.key.as_bytes() == record.value));
    let named: Vec<_> = listed.into_iter().map(|record| (record.key, record.version)).collect();
    assert_eq!(records.keys("service/").unwrap(), named);
}

#[test]
fn what_is_over_its_bound_is_refused() {
    let (_dir, store) = fresh();
    let records = store.records();
    let key = "k".repeat(MAX_KEY_BYTES + 1);
    let value = vec![0; MAX_RECORD_BYTES + 1];
    assert!(matches!(records.put_if(&key, None, b""), Err(PutError::TooLarge { what: "key", .. })));
    assert!(matches!(
        records.put_if("k", None, &value),
        Err(PutError::TooLarge { what: "value", .. })
    ));
    records.put_if(&key[1..], None, b"").unwrap();
    records.put_if("k", None, &value[1..]).unwrap();
    assert_eq!(records.get("k").unwrap().unwrap().value.len(), MAX_RECORD_BYTES);
}

#[test]
fn json_that_does_not_fit_names_the_record() {
    let (_dir, store) = fresh();
    let records = store.records();
    let version = records.put_json("n", None, &[1, 2]).unwrap();
    let read = records.get_json::<Vec<u8>>("n").unwrap().unwrap();
    assert_eq!((read.version, read.value), (version, vec![1, 2]));
    assert!(records.get_json::<Vec<u8>>("absent").unwrap().is_none());
    match records.get_json::<String>("n") {
        Err(RecordError::Malformed { key, .. }) => assert_eq!(key, "n"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_watch_tells_its_prefix_in_order_and_nothing_refused() {
    let (_dir, store) = fresh();
    let records = store.records();
    let before = records.put_if("a/1", None, b"").unwrap();
    let mut watch = records.watch("a/");
    records.put_if("b/1", None, b"").unwrap();
    let version = records.put_if("a/1", Some(before), b"").unwrap();
    records.put_if("a/1", Some(before), b"").unwrap_err();
    records.delete_if("a/1", version).unwrap();
    assert_eq!(watch.try_next(), Some(Change::Put { key: "a/1".into(), version }));
    assert_eq!(watch.try_next(), Some(Change::Deleted { key: "a/1".into() }));
    assert_eq!(watch.try_next(), None);
}

#[test]
fn a_watcher_that_lags_is_told_to_list_again() {
    let (_dir, store) = fresh();
    let records = store.records();
    let mut watch = records.watch("");
    let mut version = None;
    for _ in 0..=WATCH_BACKLOG {
        version = Some(records.put_if("k", version, b"").unwrap());
    }
    assert_eq!(watch.try_next(), Some(Change::Missed));
    let mut last = None;
    while let Some(change) = watch.try_next() {
        last = Some(change);
    }
    assert_eq!(last, Some(Change::Put { key: "k".into(), version: version.unwrap() }));
}

#[tokio::test]
async fn a_watch_waits_for_a_change_and_ends_with_the_store() {
    let (_dir, store) = fresh();
    let mut watch = store.records().watch("k");
    let writer = tokio::task::spawn_blocking(move || store.records().put_if("k", None, b""));
    assert!(matches!(watch.next().await, Some(Change::Put { .. })));
    writer.await.unwrap().unwrap();
    assert_eq!(watch.next().await, None);
}

#[test]
fn a_fence_is_void_once_its_lease_is_taken_over() {
    let (dir, store) = fresh();
    let records = store.records();
    let old = records.acquire("greeter", "node-1").unwrap();
    let version = records.put_fenced(&old, "k", None, b"1").unwrap();
    let new = records.acquire("greeter", "node-2").unwrap();
    assert!(new.token() > old.token());
    match records.put_fenced(&old, "k", Some(version), b"2") {
        Err(PutError::Fenced { lease, holder: Some(holder) }) => {
            assert_eq!((lease.as_str(), holder.owner.as_str()), ("greeter", "node-2"));
            assert_eq!(holder.token, new.token());
        }
        other => panic!("{other:?}"),
    }
    records.release(&old).unwrap();
    assert_eq!(records.lease_holder("greeter").unwrap().unwrap().owner, "node-2");
    drop(store);

    let store = Store::open(dir.path()).unwrap();
    let records = store.records();
    records.put_fenced(&new, "k", Some(version), b"3").unwrap();
    records.release(&new).unwrap();
    assert!(records.lease_holder("greeter").unwrap().is_none());
    assert!(matches!(
        records.put_fenced(&new, "k", None, b"4"),
        Err(PutError::Fenced { holder: None, .. })
    ));
}
