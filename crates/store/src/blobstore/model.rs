//! Containers against a model of them in plain maps, and what a map does not have: streams and readers.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::shelf::TABLES;
use super::{Blobstore, BlobstoreError, Container, Containers, MAX_CONTAINERS, MAX_OPEN_WRITES};
use crate::blobs::{Folder, Shadow};
use crate::page::Paging;
use crate::quota::{Quota, QuotaPart, Usage};
use crate::records::{Disk, open_on};
use crate::seed::seed;

const NOW: SystemTime = UNIX_EPOCH;

/// Containers, and the objects in each.
type Model = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

pub(super) fn on(disk: &Disk, shadow: &Shadow) -> Blobstore {
    Blobstore::on(open_on(disk.clone(), TABLES).unwrap(), shadow.clone(), None).unwrap()
}

fn fresh(quota: Quota) -> (Shadow, Blobstore, Containers) {
    let shadow = Shadow::default();
    let store = on(&Disk::default(), &shadow);
    let containers = store.containers("a", quota);
    (shadow, store, containers)
}

pub(super) fn put(container: &Container, name: &str, bytes: &[u8]) -> Result<(), BlobstoreError> {
    let mut writer = container.write(name)?;
    for piece in bytes.chunks(3_000) {
        writer.append(piece)?;
    }
    writer.finish(NOW)
}

pub(super) fn get(container: &Container, name: &str) -> Result<Vec<u8>, BlobstoreError> {
    let mut bytes = Vec::new();
    container.read(name, 0, u64::MAX)?.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}

fn usage(model: &Model) -> Usage {
    let objects = model.values().flatten();
    objects.fold(Usage::default(), |sum, (name, bytes)| Usage {
        bytes: sum.bytes + (name.len() + bytes.len()) as u64,
        entries: sum.entries + 1,
    })
}

fn check(store: &Blobstore, containers: &Containers, shadow: &Shadow, model: &Model) {
    let listed = containers.list(&Paging::default()).unwrap().entries;
    assert!(listed.iter().map(|info| &info.name).eq(model.keys()));
    assert_eq!(store.usage("a").unwrap(), usage(model));
    for (name, objects) in model {
        let container = containers.get(name).unwrap();
        let (mut found, mut paging) = (Vec::new(), Paging { after: None, limit: 2 });
        loop {
            let page = container.list(&paging).unwrap();
            found.extend(page.entries.clone());
            let Some(next) = paging.next(&page) else { break };
            paging = next;
        }
        assert!(found.iter().map(|info| &info.name).eq(objects.keys()));
        for (name, bytes) in objects {
            assert_eq!(get(&container, name).unwrap(), *bytes);
        }
    }
    // Objects may share a file; there are never more files than objects.
    assert!(shadow.names().unwrap().len() as u64 <= usage(model).entries);
}

#[test]
fn containers_do_what_a_map_within_its_quota_does() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let quota = Quota { bytes: 16_000, entries: 6, value_bytes: 9_000, name_bytes: 40 };
    let (disk, shadow) = (Disk::default(), Shadow::default());
    let mut store = on(&disk, &shadow);
    let mut model = Model::new();
    let mut refusals = 0;
    for step in 0..400 {
        let containers = store.containers("a", quota);
        let container = |rng: &mut SmallRng| format!("c{}", rng.random_range(0..3));
        let object = |rng: &mut SmallRng| format!("../ö/{}", rng.random_range(0..5));
        let (at, name) = (container(&mut rng), object(&mut rng));
        let (to, other) = (container(&mut rng), object(&mut rng));
        let mut after = model.clone();
        let is_there = model.contains_key(&at);
        let result = match rng.random_range(0..12) {
            0..2 => {
                after.entry(at.clone()).or_default();
                containers.create(&at, NOW).map(drop)
            }
            2 => {
                let deleted = containers.delete(&at).unwrap();
                assert_eq!(deleted, after.remove(&at).is_some());
                Ok(())
            }
            3..7 => {
                let bytes = vec![rng.random(); rng.random_range(0..10_000)];
                after.entry(at.clone()).or_default().insert(name.clone(), bytes.clone());
                containers.get(&at).and_then(|container| put(&container, &name, &bytes))
            }
            7 => {
                after.entry(at.clone()).or_default().remove(&name);
                containers.get(&at).and_then(|container| container.delete(&name))
            }
            kind @ 8..11 => {
                let found = model.get(&at).and_then(|objects| objects.get(&name)).cloned();
                if kind == 10 && (&at, &name) != (&to, &other) {
                    after.get_mut(&at).map(|objects| objects.remove(&name));
                }
                after
                    .entry(to.clone())
                    .or_default()
                    .insert(other.clone(), found.unwrap_or_default());
                let (from, to) = ((at.as_str(), name.as_str()), (to.as_str(), other.as_str()));
                match kind {
                    10 => containers.rename(from, to),
                    _ => containers.copy(from, to, NOW),
                }
            }
            _ => {
                after.entry(at.clone()).or_default().clear();
                containers.get(&at).and_then(|container| container.clear())
            }
        };
        match result {
            Ok(()) => model = after,
            Err(BlobstoreError::Quota(exceeded)) => {
                refusals += 1;
                let over = match exceeded.part {
                    QuotaPart::Bytes => usage(&after).bytes > quota.bytes,
                    QuotaPart::Entries => usage(&after).entries > quota.entries,
                    QuotaPart::ValueBytes => exceeded.asked > quota.value_bytes,
                    QuotaPart::NameBytes => false,
                };
                assert!(over, "{exceeded}");
            }
            Err(BlobstoreError::NoSuchContainer { container }) => {
                assert!(!model.contains_key(&container));
            }
            Err(BlobstoreError::ContainerExists { .. }) => assert!(is_there),
            Err(BlobstoreError::NoSuchObject { container, object }) => {
                assert!(!model[&container].contains_key(&object));
            }
            Err(error) => panic!("{error:?}"),
        }
        if step % 50 == 49 {
            drop(store);
            store = on(&disk, &shadow);
        }
        check(&store, &store.containers("a", quota), &shadow, &model);
    }
    assert!(refusals > 5, "only {refusals} writes met the quota");
}

#[test]
fn an_object_is_replaced_when_it_is_finished_and_a_reader_keeps_what_it_opened() {
    let (shadow, _store, containers) = fresh(Quota::OBJECTS);
    let container = containers.create("c", NOW).unwrap();
    put(&container, "o", b"first").unwrap();
    let mut writer = container.write("o").unwrap();
    writer.append(b"second, longer").unwrap();
    assert_eq!(get(&container, "o").unwrap(), b"first");
    let mut reader = container.read("o", 0, u64::MAX).unwrap();
    writer.finish(NOW + Duration::from_secs(9)).unwrap();
    let info = container.object_info("o").unwrap();
    assert_eq!((info.size_bytes, info.created_at), (14, NOW + Duration::from_secs(9)));
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"first");
    assert_eq!(shadow.names().unwrap().len(), 1, "the replaced file was left");
}

#[test]
fn ranges_end_where_the_object_ends() {
    let (_shadow, _store, containers) = fresh(Quota::OBJECTS);
    let container = containers.create("c", NOW).unwrap();
    put(&container, "o", b"0123456789").unwrap();
    for (offset, len, expected) in
        [(0, 3, "012"), (8, 100, "89"), (10, 1, ""), (u64::MAX, u64::MAX, ""), (3, 0, "")]
    {
        let mut text = String::new();
        let mut reader = container.read("o", offset, len).unwrap();
        assert_eq!(reader.remaining_bytes(), expected.len() as u64);
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, expected, "{offset} {len}");
    }
}

#[test]
fn a_writer_that_is_dropped_or_refused_leaves_nothing() {
    let quota = Quota { bytes: 1_000, value_bytes: 800, ..Quota::OBJECTS };
    let (shadow, store, containers) = fresh(quota);
    let container = containers.create("c", NOW).unwrap();
    let mut writer = container.write("dropped").unwrap();
    writer.append(&[1; 700]).unwrap();
    // What is under way counts, so many streams at once do not pass the quota either.
    let mut other = container.write("other").unwrap();
    let refused = other.append(&[1; 700]).unwrap_err();
    assert!(matches!(refused, BlobstoreError::Quota(e) if e.part == QuotaPart::Bytes));
    assert!(other.append(&[1]).is_err() && other.finish(NOW).is_err());
    drop(writer);
    let mut large = container.write("large").unwrap();
    let refused = large.append(&[1; 801]).unwrap_err();
    assert!(matches!(refused, BlobstoreError::Quota(e) if e.part == QuotaPart::ValueBytes));
    drop(large);
    assert!(shadow.names().unwrap().is_empty() && store.usage("a").unwrap() == Usage::default());
    put(&container, "kept", &[1; 700]).unwrap();
    put(&container, "kept", &[2; 800]).expect("what is replaced makes room");
}

#[test]
fn containers_and_writers_are_bounded() {
    let (_shadow, _store, containers) = fresh(Quota::OBJECTS);
    for number in 0..MAX_CONTAINERS {
        containers.create(&format!("c{number}"), NOW).unwrap();
    }
    assert!(matches!(containers.create("more", NOW), Err(BlobstoreError::TooMany { .. })));
    let container = containers.get("c0").unwrap();
    let writers: Vec<_> =
        (0..MAX_OPEN_WRITES).map(|n| container.write(&n.to_string()).unwrap()).collect();
    assert!(matches!(container.write("more"), Err(BlobstoreError::TooMany { .. })));
    drop(writers);
    container.write("more").unwrap();
    containers.delete_all().unwrap();
    assert!(matches!(container.write("more"), Err(BlobstoreError::NoSuchContainer { .. })));
}

#[test]
fn names_of_any_text_stay_apart_and_reach_no_path() {
    let (shadow, _store, containers) = fresh(Quota::OBJECTS);
    let container = containers.create("../../etc", NOW).unwrap();
    let long = "ü".repeat(512);
    let names =
        ["", ".", "..", "/", "a/../b", "a", "A", "é", "e\u{301}", "\0", "nul", long.as_str()];
    for name in names {
        put(&container, name, name.as_bytes()).unwrap();
    }
    for name in names {
        assert_eq!(get(&container, name).unwrap(), name.as_bytes());
    }
    let files = shadow.names().unwrap();
    assert!(files.iter().all(|file| file.len() == 16 && u64::from_str_radix(file, 16).is_ok()));
    let refused = container.write(&format!("{long}x")).unwrap_err();
    assert!(matches!(refused, BlobstoreError::Quota(e) if e.part == QuotaPart::NameBytes));
}

#[test]
fn readers_beside_writers_see_whole_objects() {
    let (_shadow, _store, containers) = fresh(Quota::OBJECTS);
    let container = containers.create("c", NOW).unwrap();
    put(&container, "o", &[0; 5_000]).unwrap();
    std::thread::scope(|scope| {
        for writer in 0..2_u8 {
            let container = container.clone();
            scope.spawn(move || {
                for round in 0..20 {
                    let len = 1_000 + 500 * usize::from(round);
                    put(&container, "o", &vec![writer * 100 + round; len]).unwrap();
                }
            });
        }
        for _ in 0..100 {
            let bytes = get(&container, "o").unwrap();
            assert!(bytes.iter().all(|byte| *byte == bytes[0]), "two objects were mixed");
        }
    });
}

/// Drawn by the power-cut test too.
pub(super) fn some_bytes(rng: &mut SmallRng) -> Vec<u8> {
    vec![rng.random(); *[0, 100, 4_000, 9_000].choose(rng).unwrap()]
}
