//! Secrets on a real directory: versions, keys and their files, rotations that are cut short.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use airssys_wasm_store::{
    KEPT_VERSIONS, KeyRing, KeySource, MAX_SECRET_BYTES, SecretError, SecretKey, SecretName,
    Secrets, Store,
};
use common::fresh;

const NOW: SystemTime = UNIX_EPOCH;

fn name(name: &str) -> SecretName {
    name.parse().unwrap()
}

fn in_file(store: &Store, path: &Path) -> Result<Secrets, SecretError> {
    Secrets::open(store.records(), KeySource::File(path.to_owned()))
}

fn given(store: &Store, ring: &KeyRing) -> Result<Secrets, SecretError> {
    Secrets::open(store.records(), KeySource::Given(ring.clone()))
}

/// A store with a secret, the folder of its key apart, and the path of that key.
fn with_key_file() -> (tempfile::TempDir, Store, tempfile::TempDir, PathBuf) {
    let (dir, store) = fresh();
    let keys = tempfile::tempdir().unwrap();
    let path = keys.path().join("node.key");
    (dir, store, keys, path)
}

#[test]
fn each_set_is_a_version_and_the_last_few_are_kept() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    let db = name("db");
    for version in 1..=KEPT_VERSIONS as u64 + 2 {
        let at = NOW + Duration::from_secs(version);
        assert_eq!(secrets.set(&db, format!("v{version}").as_bytes(), at).unwrap(), version);
    }
    let current = secrets.get(&db).unwrap();
    assert_eq!((current.version(), current.expose()), (7, b"v7".as_slice()));
    assert_eq!(secrets.get_version(&db, 3).unwrap().expose(), b"v3");
    match secrets.get_version(&db, 2) {
        Err(SecretError::NoSuchVersion { oldest: 3, newest: 7, .. }) => {}
        other => panic!("{other:?}"),
    }
    let listed = secrets.list().unwrap();
    assert_eq!(listed.len(), 1);
    let versions: Vec<_> = listed[0].versions.iter().map(|v| (v.version, v.size_bytes)).collect();
    assert_eq!(versions, [(3, 2), (4, 2), (5, 2), (6, 2), (7, 2)]);
    assert_eq!(listed[0].versions[0].set_at, NOW + Duration::from_secs(3));
}

#[test]
fn a_removed_secrets_versions_never_come_back() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    let db = name("db");
    secrets.set(&db, b"1", NOW).unwrap();
    let last = secrets.set(&db, b"2", NOW).unwrap();
    assert!(secrets.remove(&db).unwrap());
    assert!(!secrets.remove(&db).unwrap());
    assert!(matches!(secrets.get(&db), Err(SecretError::NotFound { .. })));
    assert!(secrets.list().unwrap().is_empty());
    assert!(secrets.set(&db, b"3", NOW).unwrap() > last);
}

#[test]
fn no_byte_of_a_value_is_in_the_data_directory_or_in_a_message() {
    let (dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    let value = b"correct horse battery staple";
    secrets.set(&name("db"), value, NOW).unwrap();
    let printed = format!("{:?} {secrets:?}", secrets.get(&name("db")).unwrap());
    assert!(!printed.contains("horse"), "{printed}");
    let key = fs::read_to_string(&path).unwrap();
    let key = key.lines().find_map(|line| line.strip_prefix("current ")).unwrap().to_owned();
    drop((secrets, store));
    let records = fs::read(dir.path().join("records.redb")).unwrap();
    for needle in [&value[..], &value[..12], key.as_bytes()] {
        assert!(!records.windows(needle.len()).any(|window| window == needle));
    }
}

#[test]
fn an_empty_and_an_oversized_value_are_refused() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    let db = name("db");
    assert!(matches!(secrets.set(&db, b"", NOW), Err(SecretError::Empty)));
    let large = vec![7; MAX_SECRET_BYTES + 1];
    assert!(matches!(secrets.set(&db, &large, NOW), Err(SecretError::TooLarge { .. })));
    secrets.set(&db, &large[1..], NOW).unwrap();
    assert_eq!(secrets.get(&db).unwrap().expose(), &large[1..]);
}

#[test]
fn a_wrong_key_is_refused_with_the_name_of_the_right_one() {
    let (_dir, store) = fresh();
    let right = KeyRing::of(SecretKey::generate().unwrap());
    given(&store, &right).unwrap().set(&name("db"), b"value", NOW).unwrap();
    let wrong = KeyRing::of(SecretKey::generate().unwrap());
    match given(&store, &wrong) {
        Err(SecretError::WrongKey { expected, given, .. }) => {
            assert_eq!((&expected, &given), (right.current.id(), wrong.current.id()));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(given(&store, &right).unwrap().get(&name("db")).unwrap().expose(), b"value");
}

#[test]
fn a_lost_key_file_is_not_replaced_while_secrets_need_it() {
    let (_dir, store, _keys, path) = with_key_file();
    let key = {
        let secrets = in_file(&store, &path).unwrap();
        secrets.set(&name("db"), b"value", NOW).unwrap();
        secrets.key()
    };
    fs::remove_file(&path).unwrap();
    match in_file(&store, &path) {
        Err(SecretError::KeyMissing { expected, .. }) => assert_eq!(expected, key),
        other => panic!("{other:?}"),
    }
    assert!(!path.exists());
}

#[test]
fn a_record_moved_under_another_name_does_not_open() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    secrets.set(&name("admin"), b"value", NOW).unwrap();
    let records = store.records();
    let moved = records.get("secrets/by-name/admin").unwrap().unwrap().value;
    records.put_if("secrets/by-name/guest", None, &moved).unwrap();
    assert!(matches!(secrets.get(&name("guest")), Err(SecretError::Damaged { version: 1, .. })));
}

#[test]
fn a_rotation_seals_everything_anew_and_forgets_the_old_key() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    for value in [b"1", b"2"] {
        secrets.set(&name("a"), value, NOW).unwrap();
        secrets.set(&name("b"), value, NOW).unwrap();
    }
    let before = fs::read(&path).unwrap();
    let rotation = secrets.rotate_key().unwrap();
    assert_eq!((rotation.resealed, &rotation.current), (4, &secrets.key()));
    assert_eq!(secrets.get_version(&name("a"), 1).unwrap().expose(), b"1");
    drop(secrets);
    let after = fs::read(&path).unwrap();
    let secrets = in_file(&store, &path).unwrap();
    assert_eq!(secrets.get(&name("b")).unwrap().expose(), b"2");
    drop(secrets);
    fs::write(&path, before).unwrap();
    assert!(matches!(in_file(&store, &path), Err(SecretError::WrongKey { .. })));
    assert!(!String::from_utf8(after).unwrap().contains("former"));
}

#[test]
fn a_rotation_that_was_cut_short_anywhere_is_finished_at_the_next_opening() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    let names: Vec<SecretName> = ["a", "b", "c"].map(name).into();
    for each in &names {
        secrets.set(each, each.as_str().as_bytes(), NOW).unwrap();
    }
    let records = store.records();
    let sealed =
        |each: &SecretName| records.get(&format!("secrets/by-name/{each}")).unwrap().unwrap();
    let line = |text: &str, role: &str| {
        text.lines().find_map(|line| line.strip_prefix(role)).unwrap().to_owned()
    };
    for cut_after in 0..=names.len() {
        let (old_key, old): (_, Vec<_>) =
            (fs::read_to_string(&path).unwrap(), names.iter().map(sealed).collect());
        let secrets = in_file(&store, &path).unwrap();
        let rotation = secrets.rotate_key().unwrap();
        drop(secrets);
        // As if it had died when the first few were sealed anew and the file held both keys.
        for (each, old) in names.iter().zip(&old).skip(cut_after) {
            let now = sealed(each).version;
            records.put_if(&format!("secrets/by-name/{each}"), Some(now), &old.value).unwrap();
        }
        let new_key = fs::read_to_string(&path).unwrap();
        let both = format!(
            "current {}\nformer {}\n",
            line(&new_key, "current "),
            line(&old_key, "current ")
        );
        fs::write(&path, both).unwrap();
        let secrets = in_file(&store, &path).unwrap();
        assert_eq!(secrets.key(), rotation.current);
        for each in &names {
            assert_eq!(secrets.get(each).unwrap().expose(), each.as_str().as_bytes());
        }
        assert!(!fs::read_to_string(&path).unwrap().contains("former"), "it is finished");
        let keys = secrets.list().unwrap().into_iter().flat_map(|secret| secret.versions);
        assert!(keys.into_iter().all(|version| version.key == rotation.current));
    }
}

#[test]
fn copies_of_keys_that_a_killed_node_has_left_are_gone_after_the_next_opening() {
    let (_dir, store, keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    secrets.set(&name("db"), b"value", NOW).unwrap();
    drop(secrets);
    let beside = |name: &str| keys.path().join(name);
    let left = ["node.key.0123456789abcdef.unfinished", "node.key.ffffffffffffffff.unfinished"];
    let others =
        ["node.key.bak", "node.key.0123.unfinished", "other.key.0123456789abcdef.unfinished"];
    for file in left.iter().chain(&others) {
        fs::copy(&path, beside(file)).unwrap();
    }
    let secrets = in_file(&store, &path).unwrap();
    assert_eq!(secrets.get(&name("db")).unwrap().expose(), b"value");
    assert!(left.iter().all(|file| !beside(file).exists()), "they hold keys");
    assert!(others.iter().all(|file| beside(file).exists()), "they are somebody else's");
}

#[cfg(unix)]
#[test]
fn a_key_behind_a_link_is_replaced_where_it_lies() {
    let (_dir, store, keys, path) = with_key_file();
    let link = keys.path().join("link");
    in_file(&store, &path).unwrap().set(&name("db"), b"value", NOW).unwrap();
    std::os::unix::fs::symlink("node.key", &link).unwrap();
    let former = fs::read_to_string(&path).unwrap();
    let secrets = in_file(&store, &link).unwrap();
    let rotation = secrets.rotate_key().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "it leads where it led");
    assert_ne!(fs::read_to_string(&path).unwrap(), former, "the former key is forgotten");
    drop(secrets);
    let secrets = in_file(&store, &path).unwrap();
    assert_eq!(secrets.key(), rotation.current);
    assert_eq!(secrets.get(&name("db")).unwrap().expose(), b"value");
}

#[test]
fn a_given_key_is_rotated_by_giving_the_old_one_as_former() {
    let (_dir, store) = fresh();
    let old = SecretKey::generate().unwrap();
    let secrets = given(&store, &KeyRing::of(old.clone())).unwrap();
    secrets.set(&name("db"), b"value", NOW).unwrap();
    assert!(matches!(secrets.rotate_key(), Err(SecretError::KeyIsGiven)));
    drop(secrets);
    let new = SecretKey::generate().unwrap();
    given(&store, &KeyRing { current: new.clone(), former: Some(old) }).unwrap();
    let secrets = given(&store, &KeyRing::of(new)).unwrap();
    assert_eq!(secrets.get(&name("db")).unwrap().expose(), b"value");
}

#[test]
fn a_damaged_value_stops_a_rotation_and_hides_no_other() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    secrets.set(&name("good"), b"value", NOW).unwrap();
    secrets.set(&name("bad"), b"value", NOW).unwrap();
    let records = store.records();
    let found = records.get("secrets/by-name/good").unwrap().unwrap().value;
    let at = records.get("secrets/by-name/bad").unwrap().unwrap().version;
    records.put_if("secrets/by-name/bad", Some(at), &found).unwrap();
    assert!(matches!(secrets.rotate_key(), Err(SecretError::Damaged { .. })));
    assert_eq!(secrets.get(&name("good")).unwrap().expose(), b"value");
    drop(secrets);
    let secrets = in_file(&store, &path).unwrap();
    assert_eq!(secrets.get(&name("good")).unwrap().expose(), b"value");
    assert!(secrets.remove(&name("bad")).unwrap());
    secrets.rotate_key().unwrap();
    assert_eq!(secrets.get(&name("good")).unwrap().expose(), b"value");
}

#[tokio::test]
async fn a_holder_sees_a_new_version_and_a_removal_without_asking_again() {
    let (_dir, store, _keys, path) = with_key_file();
    let secrets = in_file(&store, &path).unwrap();
    let held = secrets.hold(name("db"));
    assert!(matches!(held.current(), Err(SecretError::NotFound { .. })));
    let mut changes = secrets.changes();
    secrets.set(&name("db"), b"1", NOW).unwrap();
    changes.next().await.unwrap();
    let first = held.current().unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &held.current().unwrap()), "it was opened again");
    secrets.set(&name("db"), b"2", NOW).unwrap();
    assert_eq!(held.current().unwrap().expose(), b"2");
    secrets.remove(&name("db")).unwrap();
    assert!(matches!(held.current(), Err(SecretError::NotFound { .. })));
    drop((held, secrets));
    while changes.next().await.is_some() {}
}
