//! Blobs on a real directory: named by their bytes, whole or not there, repaired when damaged.

mod common;

use std::fs;
use std::path::Path;

use airssys_wasm_model::Digest;
use airssys_wasm_store::{BlobError, Store};
use common::fresh;
use tempfile::tempdir;

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir.join("blobs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
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
