//! Key-value buckets on a real directory: opened on demand, and outliving the store.

mod common;

use airssys_wasm_store::{Quota, Store, Usage};
use common::fresh;

#[tokio::test]
async fn entries_outlive_the_store_and_the_directory_is_free_when_it_is_gone() {
    let (dir, store) = fresh();
    assert!(!dir.path().join("keyvalue.redb").exists(), "nobody asked for buckets yet");
    let bucket = store.key_value().unwrap().bucket("shop", "sessions", Quota::KEY_VALUE);
    bucket.set("user".to_owned(), b"7".to_vec()).await.unwrap();
    drop((bucket, store));
    let store = Store::open(dir.path()).unwrap();
    let buckets = store.key_value().unwrap();
    let bucket = buckets.bucket("shop", "sessions", Quota::KEY_VALUE);
    assert_eq!(bucket.get("user").unwrap().unwrap(), b"7");
    assert!(bucket.exists("user").unwrap() && !bucket.exists("User").unwrap());
    assert_eq!(buckets.usage("shop").unwrap(), Usage { bytes: 5, entries: 1 });
    buckets.remove_service("shop").await.unwrap();
    assert!(bucket.get("user").unwrap().is_none());
    assert!(buckets.services().unwrap().is_empty());
}

#[tokio::test]
async fn a_handle_from_another_call_is_the_same_store() {
    let (_dir, store) = fresh();
    let one = store.key_value().unwrap().bucket("a", "b", Quota::KEY_VALUE);
    let other = store.clone().key_value().unwrap().bucket("a", "b", Quota::KEY_VALUE);
    one.set("k".to_owned(), b"v".to_vec()).await.unwrap();
    assert_eq!(other.get("k").unwrap().unwrap(), b"v");
}
