//! Blob containers on a real directory: opened on demand, outliving the store, streamed.

mod common;

use std::io::Read;
use std::time::SystemTime;

use airssys_wasm_store::{Quota, Store, Usage};
use common::fresh;

#[test]
fn objects_outlive_the_store_and_their_files_go_with_them() {
    let (dir, store) = fresh();
    assert!(!dir.path().join("objects").exists(), "nobody asked for containers yet");
    let containers = store.blobstore().unwrap().containers("shop", Quota::OBJECTS);
    let container = containers.create("images", SystemTime::now()).unwrap();
    let mut writer = container.write("../cat.png").unwrap();
    for piece in 0..100_u8 {
        writer.append(&[piece; 10_000]).unwrap();
    }
    writer.finish(SystemTime::now()).unwrap();
    drop((container, containers, store));

    let store = Store::open(dir.path()).unwrap();
    let blobstore = store.blobstore().unwrap();
    let container = blobstore.containers("shop", Quota::OBJECTS).get("images").unwrap();
    let mut bytes = Vec::new();
    container.read("../cat.png", 9_999, 2).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, [0, 1]);
    assert_eq!(container.read("../cat.png", u64::MAX, 1).unwrap().remaining_bytes(), 0);
    assert_eq!(blobstore.usage("shop").unwrap(), Usage { bytes: 1_000_010, entries: 1 });
    let files = || std::fs::read_dir(dir.path().join("objects")).unwrap().count();
    assert_eq!(files(), 1);
    blobstore.containers("shop", Quota::OBJECTS).delete_all().unwrap();
    assert_eq!(files(), 0);
    assert!(blobstore.services().unwrap().is_empty());
}

#[test]
fn a_file_that_was_cut_off_on_the_disk_is_damage_and_not_an_object() {
    let (dir, store) = fresh();
    let containers = store.blobstore().unwrap().containers("shop", Quota::OBJECTS);
    let container = containers.create("c", SystemTime::now()).unwrap();
    let mut writer = container.write("o").unwrap();
    writer.append(&[1; 100]).unwrap();
    writer.finish(SystemTime::now()).unwrap();
    let file = std::fs::read_dir(dir.path().join("objects")).unwrap().next().unwrap().unwrap();
    std::fs::OpenOptions::new().write(true).open(file.path()).unwrap().set_len(50).unwrap();
    let refused = container.read("o", 0, 10).unwrap_err();
    assert!(refused.to_string().contains("damaged"), "{refused}");
}
