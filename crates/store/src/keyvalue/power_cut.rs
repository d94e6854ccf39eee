//! Buckets on a disk whose power is cut, with writes under way at once.

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use super::shelf::TABLES;
use super::{KeyValue, KeyValueError, tables};
use crate::accounts;
use crate::page::Paging;
use crate::quota::Quota;
use crate::records::{Disk, Loss, open_on};
use crate::seed::seed;

type Contents = BTreeMap<String, Vec<u8>>;

/// What a client knows: what was acknowledged, and what each key may have become besides.
#[derive(Default)]
struct Client {
    known: Contents,
    unanswered: BTreeMap<String, Option<Vec<u8>>>,
}

impl Client {
    /// Waves of writes at once, each to a key of its own, until the power goes.
    async fn act_until_cut(&mut self, store: &KeyValue, rng: &mut SmallRng) {
        while self.unanswered.is_empty() {
            let mut wave = JoinSet::new();
            for key in 0..rng.random_range(1..8) {
                let (key, bucket) = (format!("k{key}"), store.bucket("a", "b", Quota::KEY_VALUE));
                let value = rng
                    .random_bool(0.7)
                    .then(|| vec![rng.random(); *[0, 10, 700, 9_000].choose(rng).unwrap()]);
                wave.spawn(async move {
                    let result = match value.clone() {
                        Some(value) => bucket.set(key.clone(), value).await,
                        None => bucket.delete(key.clone()).await,
                    };
                    (key, value, result)
                });
            }
            for (key, value, result) in wave.join_all().await {
                match (result, value) {
                    (Ok(()), Some(value)) => drop(self.known.insert(key, value)),
                    (Ok(()), None) => drop(self.known.remove(&key)),
                    (Err(KeyValueError::Failed(_)), value) => {
                        self.unanswered.insert(key, value);
                    }
                    (Err(error), _) => panic!("{error:?}"),
                }
            }
        }
    }

    fn reconcile(&mut self, store: &KeyValue) {
        let bucket = store.bucket("a", "b", Quota::KEY_VALUE);
        let keys = bucket.list_keys(&Paging::default()).unwrap().entries;
        let values = bucket.get_many(&keys).unwrap().into_iter().flatten();
        let mut found: Contents = keys.iter().cloned().zip(values).collect();
        let all = self.known.keys().chain(&keys).cloned().collect::<Vec<_>>();
        for key in all {
            let now = found.get(&key);
            let may_be = self.unanswered.get(&key).is_some_and(|value| value.as_ref() == now);
            assert!(now == self.known.get(&key) || may_be, "{key} was lost or torn");
        }
        std::mem::swap(&mut self.known, &mut found);
        self.unanswered.clear();
    }
}

fn disk_with_new_store() -> Disk {
    let disk = Disk::default();
    drop(KeyValue::on(disk.clone()).unwrap());
    let made = disk.state().live.clone();
    Disk::holding(made)
}

/// Before a store would correct them: they must not need it.
fn assert_accounts_are_right(disk: &Disk) {
    let engine = open_on(disk.clone(), TABLES).unwrap();
    assert_eq!(accounts::kept(&engine).unwrap(), engine.read(tables::count).unwrap());
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_and_no_account_is_wrong_after_power_cuts() {
    let mut rng = SmallRng::seed_from_u64(seed());
    let (mut disk, mut client) = (disk_with_new_store(), Client::default());
    for _ in 0..120 {
        disk.cut_in(rng.random_range(0..150));
        if let Ok(store) = KeyValue::on(disk.clone()) {
            client.reconcile(&store);
            client.act_until_cut(&store, &mut rng).await;
        }
        let loss = *[Loss::All, Loss::Nothing, Loss::Some, Loss::Some, Loss::Tail]
            .choose(&mut rng)
            .unwrap();
        disk = disk.power_on(loss, &mut rng);
        assert_accounts_are_right(&disk);
    }
    client.reconcile(&KeyValue::on(disk).unwrap());
}

#[tokio::test]
async fn a_failed_sync_is_told_to_all_who_shared_it_and_is_overcome() {
    let mut rng = SmallRng::seed_from_u64(seed());
    for syncs in 0..6 {
        let (disk, mut client) = (disk_with_new_store(), Client::default());
        let store = KeyValue::on(disk.clone()).unwrap();
        disk.state().sync_fails_in = Some(syncs);
        client.act_until_cut(&store, &mut rng).await;
        client.reconcile(&store);
        store.bucket("a", "b", Quota::KEY_VALUE).set("after".to_owned(), vec![1]).await.unwrap();
        drop(store);
        let disk = disk.power_on(Loss::All, &mut rng);
        assert_accounts_are_right(&disk);
        let store = KeyValue::on(disk).unwrap();
        client.known.insert("after".to_owned(), vec![1]);
        client.reconcile(&store);
    }
}
