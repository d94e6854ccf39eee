//! Opening a data directory: whose it is, and what is refused.

mod common;

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use airssys_wasm_store::{SCHEMA, Store, StoreError};
use common::fresh;
use tempfile::tempdir;

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

#[test]
fn a_records_file_whose_making_was_cut_short_is_made_again() {
    let dir = tempdir().unwrap();
    let half = dir.path().join("records.redb.unfinished");
    fs::write(&half, vec![0; 70_000]).unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.records().put_if("k", None, b"1").unwrap();
    assert!(!half.exists());
}

#[cfg(unix)]
mod privacy {
    //! Others on the machine read nothing of it.

    use std::fs::{Permissions, create_dir, metadata, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn mode(path: &Path) -> u32 {
        metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn open_to_all(dir: &Path, mode: u32) {
        create_dir(dir).unwrap();
        set_permissions(dir, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_created_directory_is_its_owners_alone() {
        let dir = tempdir().unwrap();
        let data = dir.path().join("deep/data");
        Store::open(&data).unwrap();
        assert_eq!(mode(&data), 0o700);
    }

    #[test]
    fn records_and_lock_are_their_owners_alone_also_where_an_earlier_build_left_them_open() {
        let (dir, store) = fresh();
        let files = ["records.redb", "lock"].map(|name| dir.path().join(name));
        assert_eq!(files.each_ref().map(|file| mode(file)), [0o600, 0o600]);
        drop(store);
        for file in &files {
            set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        }
        Store::open(dir.path()).unwrap();
        assert_eq!(files.each_ref().map(|file| mode(file)), [0o600, 0o600]);
    }

    #[test]
    fn a_data_directory_that_others_can_read_is_closed() {
        let dir = tempdir().unwrap();
        let data = dir.path().join("data");
        open_to_all(&data, 0o755);
        drop(Store::open(&data).unwrap());
        assert_eq!(mode(&data), 0o700, "an empty one");
        set_permissions(&data, Permissions::from_mode(0o750)).unwrap();
        Store::open(&data).unwrap();
        assert_eq!(mode(&data), 0o700, "one with a store");
    }

    #[test]
    fn a_directory_that_is_not_a_stores_alone_keeps_its_mode() {
        let dir = tempdir().unwrap();
        let home = dir.path().join("home");
        open_to_all(&home, 0o755);
        write(home.join("letter"), "mine").unwrap();
        let shared = dir.path().join("shared");
        open_to_all(&shared, 0o1777);
        for (path, before) in [(home, 0o755), (shared, 0o1777)] {
            Store::open(&path).unwrap();
            assert_eq!(mode(&path), before);
            assert_eq!(mode(&path.join("records.redb")), 0o600);
            assert_eq!(mode(&path.join("blobs")), 0o700);
        }
    }
}

#[test]
fn a_blob_that_was_put_or_touched_of_late_is_not_removed() {
    let (dir, store) = fresh();
    let blobs = store.blobs();
    let hour = Duration::from_secs(60 * 60);
    let digest = blobs.put(b"a component").unwrap();
    let age = || {
        let file = File::options().append(true).open(dir.path().join("blobs").join(digest.hex()));
        file.unwrap().set_modified(SystemTime::now() - 2 * hour).unwrap();
    };
    assert!(!blobs.remove_untouched(&digest, hour).unwrap());
    age();
    blobs.put(b"a component").unwrap();
    assert!(!blobs.remove_untouched(&digest, hour).unwrap());
    age();
    assert!(blobs.touch(&digest).unwrap());
    assert!(!blobs.remove_untouched(&digest, hour).unwrap());
    age();
    assert!(blobs.remove_untouched(&digest, hour).unwrap());
    assert!(!blobs.remove_untouched(&digest, hour).unwrap() && !blobs.touch(&digest).unwrap());
    assert_eq!(blobs.list().unwrap(), []);
}
