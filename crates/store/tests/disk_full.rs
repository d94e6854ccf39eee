//! A real disk that has no more room, without being root: the shell bounds the size of files.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use airssys_wasm_model::Digest;
use airssys_wasm_store::{BlobError, PutError, Store};

const DIR: &str = "STORE_FULL_DIR";
const KEPT: &[u8] = b"stored while there was room";

/// The child. Does nothing unless the parent below started it.
#[test]
#[ignore = "the child of `a_full_disk_is_said_and_costs_nothing_that_was_stored`"]
fn child_fills_the_disk() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let store = Store::open(dir).unwrap();

    let kept = store.blobs().put(KEPT).unwrap();
    let large = vec![1; 8 << 20];
    assert!(matches!(store.blobs().put(&large), Err(BlobError::Full { .. })));
    assert!(matches!(stream(&store, &large), Err(BlobError::Full { .. })));
    assert_eq!(store.blobs().list().unwrap(), [kept]);
    assert_eq!(std::fs::read_dir(dir.join("blobs")).unwrap().count(), 1);
    assert_eq!(store.blobs().get(&kept).unwrap(), KEPT);

    let mut versions = Vec::new();
    let refused = loop {
        let key = format!("k{}", versions.len());
        match store.records().put_if(&key, None, &[7; 50_000]) {
            Ok(version) => versions.push(version),
            Err(error) => break error,
        }
        assert!(versions.len() < 1_000, "the disk never was full");
    };
    assert!(matches!(refused, PutError::Full { .. }), "{refused:?}");
    assert!(versions.len() > 2);
    for (number, version) in versions.iter().enumerate() {
        let record = store.records().get(&format!("k{number}")).unwrap().unwrap();
        assert_eq!((record.version, record.value), (*version, vec![7; 50_000]));
    }
    // Deleting makes room, as far as records go.
    for (number, version) in versions.iter().enumerate().take(3) {
        store.records().delete_if(&format!("k{number}"), *version).unwrap();
    }
    store.records().put_if("after", None, KEPT).unwrap();
}

#[test]
fn a_full_disk_is_said_and_costs_nothing_that_was_stored() {
    let dir = tempfile::tempdir().unwrap();
    // A shell that ignores the signal leaves it ignored: the write then fails with an error.
    let status = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 3000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "child_fills_the_disk", "--ignored", "--nocapture"])
        .env(DIR, dir.path())
        .status()
        .unwrap();
    assert!(status.success());

    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.records().get("after").unwrap().unwrap().value, KEPT);
    assert_eq!(store.blobs().get(&Digest::of(KEPT)).unwrap(), KEPT);
    stream(&store, &vec![1; 8 << 20]).unwrap();
}

fn stream(store: &Store, bytes: &[u8]) -> Result<Digest, BlobError> {
    let mut writer = store.blobs().writer(1 << 30)?;
    for piece in bytes.chunks(64 << 10) {
        writer.append(piece)?;
    }
    writer.finish()
}
