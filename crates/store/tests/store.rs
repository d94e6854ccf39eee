//! What the node relies on, on a real directory.

use std::fs;
use std::path::Path;
use std::sync::Barrier;

use airssys_wasm_model::Digest;
use airssys_wasm_store::{
    BlobError, Change, MAX_KEY_BYTES, MAX_RECORD_BYTES, PutError, RecordError, SCHEMA, Store,
    StoreError, WATCH_BACKLOG,
};
use tempfile::{TempDir, tempdir};

fn fresh() -> (TempDir, Store) {
    let dir = tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir.join("blobs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_second_store_on_the_same_data_is_refused_by_pid() {
    let (dir, store) = fresh();
    match Store::open(dir.path()) {
        Err(StoreError::Locked { dir: locked, pid }) => {
            assert_eq!((locked.as_path(), pid), (dir.path(), Some(std::process::id())));
        }
        other => panic!("{other:?}"),
    }
    drop(store);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_writer_keeps_the_directory_locked_until_it_is_done() {
    let (dir, store) = fresh();
    let writer = store.blobs().writer(10).unwrap();
    drop(store);
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Locked { .. })));
    drop(writer);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    const META: redb::TableDefinition<'static, &str, u64> = redb::TableDefinition::new("meta");
    let (dir, store) = fresh();
    drop(store);
    let set = |schema: u64| {
        let database = redb::Database::create(dir.path().join("records.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        transaction.open_table(META).unwrap().insert("schema", schema).unwrap();
        transaction.commit().unwrap();
    };
    set(SCHEMA + 1);
    for _ in 0..2 {
        match Store::open(dir.path()) {
            Err(StoreError::NewerSchema { found, supported, .. }) => {
                assert_eq!((found, supported), (SCHEMA + 1, SCHEMA));
            }
            other => panic!("{other:?}"),
        }
    }
    set(SCHEMA);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_foreign_records_file_is_corrupt_and_left_alone() {
    let dir = tempdir().unwrap();
    let text = "these are my notes\n".repeat(400);
    fs::write(dir.path().join("records.redb"), &text).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Corrupt { .. })));
    assert_eq!(fs::read_to_string(dir.path().join("records.redb")).unwrap(), text);
}

#[cfg(unix)]
#[test]
fn a_created_directory_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().unwrap();
    let data = dir.path().join("deep/data");
    Store::open(&data).unwrap();
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

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

#[test]
fn a_blob_survives_and_is_named_by_its_bytes() {
    let (dir, store) = fresh();
    let bytes = vec![7; 100_000];
    let digest = store.blobs().put(&bytes).unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(store.blobs().put(&bytes).unwrap(), digest);
    let empty = store.blobs().put(b"").unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let blobs = store.blobs();
    assert_eq!(blobs.get(&digest).unwrap(), bytes);
    assert_eq!(blobs.get(&empty).unwrap(), b"");
    let mut all = [digest, empty];
    all.sort();
    assert_eq!(blobs.list().unwrap(), all);
    assert!(blobs.contains(&digest).unwrap());
    assert!(blobs.remove(&digest).unwrap());
    assert!(!blobs.remove(&digest).unwrap());
    assert!(!blobs.contains(&digest).unwrap());
    assert!(matches!(blobs.get(&digest), Err(BlobError::NotFound(missing)) if missing == digest));
}

#[test]
fn a_streamed_blob_equals_a_put_one() {
    let (dir, store) = fresh();
    let mut writer = store.blobs().writer(1 << 20).unwrap();
    for piece in [b"one".as_slice(), b"", b"two"] {
        writer.append(piece).unwrap();
    }
    assert_eq!(writer.written_bytes(), 6);
    assert_eq!(writer.finish().unwrap(), Digest::of(b"onetwo"));
    assert_eq!(store.blobs().put(b"onetwo").unwrap(), Digest::of(b"onetwo"));
    assert_eq!(files(dir.path()), [Digest::of(b"onetwo").hex()]);
}

#[test]
fn a_stream_over_its_bound_is_refused_and_leaves_nothing() {
    let (dir, store) = fresh();
    let mut writer = store.blobs().writer(5).unwrap();
    writer.append(b"12345").unwrap();
    assert!(matches!(writer.append(b"6"), Err(BlobError::TooLarge { limit_bytes: 5 })));
    assert!(writer.finish().is_err());
    let mut writer = store.blobs().writer(5).unwrap();
    writer.append(b"dropped").unwrap_err();
    drop(store.blobs().writer(5).unwrap());
    assert_eq!(files(dir.path()).len(), 0);
}

#[test]
fn a_damaged_blob_is_never_returned_and_a_put_repairs_it() {
    let (dir, store) = fresh();
    let blobs = store.blobs();
    let digest = blobs.put(b"the true bytes").unwrap();
    let path = dir.path().join("blobs").join(digest.hex());
    for damaged in [b"the tru3 bytes".as_slice(), b"the true", b"the true bytes and more", b""] {
        fs::write(&path, damaged).unwrap();
        match blobs.get(&digest) {
            Err(BlobError::Corrupt { found, .. }) => assert_eq!(found, Some(Digest::of(damaged))),
            other => panic!("{other:?}"),
        }
    }
    blobs.put(b"the true bytes").unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), b"the true bytes");
}

#[test]
fn an_oversized_file_under_a_digest_is_not_read_into_memory() {
    let (dir, store) = fresh();
    let digest = store.blobs().put(b"small").unwrap();
    let file = fs::File::create(dir.path().join("blobs").join(digest.hex())).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(store.blobs().get(&digest), Err(BlobError::Corrupt { found: None, .. })));
    store.blobs().put(b"small").unwrap();
    assert_eq!(store.blobs().get(&digest).unwrap(), b"small");
}

#[test]
fn remains_of_unfinished_blobs_go_at_opening_and_nothing_else_does() {
    let (dir, store) = fresh();
    let digest = store.blobs().put(b"kept").unwrap();
    std::mem::forget(store.blobs().writer(5).unwrap());
    assert_eq!(files(dir.path()).len(), 2);
    // The forgotten writer keeps the lock for good, as a killed process would not: open a copy.
    let copy = tempdir().unwrap();
    fs::create_dir(copy.path().join("blobs")).unwrap();
    for name in files(dir.path()) {
        fs::copy(dir.path().join("blobs").join(&name), copy.path().join("blobs").join(&name))
            .unwrap();
    }
    fs::write(copy.path().join("blobs/README"), "mine").unwrap();
    let store = Store::open(copy.path()).unwrap();
    assert_eq!(files(copy.path()), [digest.hex(), "README".to_owned()]);
    assert_eq!(store.blobs().list().unwrap(), [digest]);
}

#[test]
fn many_writers_of_the_same_blobs_all_succeed() {
    let (dir, store) = fresh();
    let blob = |n: u8| vec![n; 20_000];
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..8 {
                    store.blobs().put(&blob(n)).unwrap();
                }
            });
        }
    });
    for n in 0..8 {
        assert_eq!(store.blobs().get(&Digest::of(&blob(n))).unwrap(), blob(n));
    }
    assert_eq!(files(dir.path()).len(), 8);
}

#[test]
fn a_records_file_whose_making_was_cut_short_is_made_again() {
    let dir = tempdir().unwrap();
    let half = dir.path().join("records.redb.unfinished");
    fs::write(&half, vec![0; 70_000]).unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.records().put_if("k", None, b"1").unwrap();
    assert!(!half.exists());
}
