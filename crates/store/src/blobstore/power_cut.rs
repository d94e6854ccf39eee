//! Objects on an index and a folder whose power is cut, each at a step of its own: that includes a disk that
//! fails under one of them while the other goes on.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::index::{FILES, OBJECTS};
use super::model::{get, on, put, some_bytes};
use super::shelf::TABLES;
use super::{Blobstore, BlobstoreError, Containers, index};
use crate::accounts;
use crate::blobs::{Folder, Shadow};
use crate::page::Paging;
use crate::quota::Quota;
use crate::records::{Disk, Engine, Loss, open_on};
use crate::seed::seed;

type Contents = BTreeMap<String, Vec<u8>>;

/// What was acknowledged, and what there is if the act that was not answered was made.
#[derive(Default)]
struct Client {
    known: Contents,
    perhaps: Option<Contents>,
    acts: usize,
}

impl Client {
    fn act_until_cut(&mut self, containers: &Containers, rng: &mut SmallRng) {
        let Ok(container) = containers.get("c") else { return };
        loop {
            let (name, to) =
                (rng.random_range(0..6).to_string(), rng.random_range(0..6).to_string());
            let mut after = self.known.clone();
            let result = match rng.random_range(0..10) {
                0..6 => {
                    let bytes = some_bytes(rng);
                    after.insert(name.clone(), bytes.clone());
                    put(&container, &name, &bytes)
                }
                6 => {
                    after.remove(&name);
                    container.delete(&name)
                }
                kind => {
                    let Some(found) = self.known.get(&name).cloned() else { continue };
                    if kind == 7 && name != to {
                        after.remove(&name);
                    }
                    after.insert(to.clone(), found);
                    match kind {
                        7 => containers.rename(("c", &name), ("c", &to)),
                        _ => containers.copy(("c", &name), ("c", &to), UNIX_EPOCH),
                    }
                }
            };
            match result {
                Ok(()) => {
                    self.known = after;
                    self.acts += 1;
                }
                Err(BlobstoreError::Io { .. } | BlobstoreError::Failed(_)) => {
                    self.perhaps = Some(after);
                    return;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn reconcile(&mut self, store: &Blobstore, shadow: &Shadow) {
        let container = store.containers("a", Quota::OBJECTS).get("c").unwrap();
        let listed = container.list(&Paging::default()).unwrap().entries;
        let found: Contents = listed
            .into_iter()
            .map(|info| {
                let bytes = get(&container, &info.name).expect("an object that is listed is whole");
                (info.name, bytes)
            })
            .collect();
        assert!(found == self.known || Some(&found) == self.perhaps.as_ref(), "something was lost");
        self.known = found;
        self.perhaps = None;
        let files = index::files(&store.shelf.engine).unwrap().len();
        assert_eq!(shadow.names().unwrap().len(), files, "a file that nobody has was left");
    }
}

/// Before a store would correct or collect anything.
fn assert_sums_are_right(engine: &Engine) {
    assert_eq!(accounts::kept(engine).unwrap(), engine.read(index::count).unwrap());
    let (mut kept, mut counted) = (BTreeMap::new(), BTreeMap::<u64, u64>::new());
    let counting = engine.read(|transaction| {
        for found in transaction.open_table(FILES)?.range::<u64>(..)? {
            let (file, shared) = found?;
            kept.insert(file.value(), shared.value());
        }
        for found in transaction.open_table(OBJECTS)?.range::<(&str, &str, &str)>(..)? {
            *counted.entry(found?.1.value().0).or_default() += 1;
        }
        Ok(())
    });
    counting.unwrap();
    assert_eq!(kept, counted);
}

fn disk_with_a_container() -> Disk {
    let disk = Disk::default();
    let store = on(&disk, &Shadow::default());
    store.containers("a", Quota::OBJECTS).create("c", UNIX_EPOCH).unwrap();
    drop(store);
    let made = disk.state().live.clone();
    Disk::holding(made)
}

#[test]
fn no_acknowledged_object_is_lost_or_torn_and_no_file_is_left_by_power_cuts() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let (mut disk, mut shadow) = (disk_with_a_container(), Shadow::default());
    let mut client = Client::default();
    for _ in 0..150 {
        if rng.random_bool(0.6) {
            shadow.state().cut_at = Some(rng.random_range(0..60));
        } else {
            disk.cut_in(rng.random_range(0..150));
        }
        if let Ok(engine) = open_on(disk.clone(), TABLES)
            && let Ok(store) = Blobstore::on(engine, shadow.clone(), None)
        {
            client.act_until_cut(&store.containers("a", Quota::OBJECTS), &mut rng);
        }
        let loss = *[Loss::All, Loss::Nothing, Loss::Some, Loss::Some, Loss::Tail]
            .choose(&mut rng)
            .unwrap();
        (disk, shadow) = (disk.power_on(loss, &mut rng), shadow.power_on(&mut rng));
        assert_sums_are_right(&open_on(disk.clone(), TABLES).unwrap());
        client.reconcile(&on(&disk, &shadow), &shadow);
    }
    assert!(client.acts > 200, "only {} acts were made", client.acts);
}

#[test]
fn a_failed_sync_of_a_files_name_refuses_the_object_and_is_overcome() {
    let mut rng = SmallRng::seed_from_u64(1);
    let (disk, shadow) = (disk_with_a_container(), Shadow::default());
    let store = on(&disk, &shadow);
    let container = store.containers("a", Quota::OBJECTS).get("c").unwrap();
    put(&container, "o", b"before").unwrap();
    shadow.state().sync_fails = true;
    assert!(put(&container, "o", b"after").is_err());
    assert_eq!(get(&container, "o").unwrap(), b"before");
    put(&container, "o", b"after").unwrap();
    drop((container, store));
    let (disk, shadow) = (disk.power_on(Loss::All, &mut rng), shadow.power_on(&mut rng));
    let store = on(&disk, &shadow);
    let container = store.containers("a", Quota::OBJECTS).get("c").unwrap();
    assert_eq!(get(&container, "o").unwrap(), b"after");
}

#[test]
fn a_full_disk_refuses_an_object_leaves_nothing_of_it_and_is_overcome() {
    let (disk, shadow) = (disk_with_a_container(), Shadow::default());
    let store = on(&disk, &shadow);
    let container = store.containers("a", Quota::OBJECTS).get("c").unwrap();
    put(&container, "kept", b"kept").unwrap();
    shadow.state().room = Some(1_000);
    assert!(matches!(put(&container, "o", &[1; 5_000]), Err(BlobstoreError::Full { .. })));
    assert_eq!(shadow.names().unwrap().len(), 1);
    shadow.state().room = None;
    put(&container, "o", &[1; 5_000]).unwrap();
    assert_eq!(get(&container, "kept").unwrap(), b"kept");
}
