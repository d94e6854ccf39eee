//! Threads that begin instances have engines of their own: what is called by them answers as it does everywhere.

mod common;

use std::sync::Arc;

use airssys_wasm_host::{Host, HostSettings, Pool};
use airssys_wasm_model::InstanceModel;

use common::waiting::until;

/// Calls by a lane after which a component is in it.
const MANY: usize = 101;

/// The host has so few slots that two revisions fill those of a lane.
const INSTANCES: u32 = 2;

async fn pool(host: &Host, model: InstanceModel) -> Arc<Pool> {
    let artifact = common::guest("hostile");
    let mut spec = common::spec(&artifact);
    spec.instances.model = model;
    spec.instances.max = INSTANCES;
    Pool::new(host.prepare(spec, artifact).await.unwrap())
}

async fn call_often(pool: &Arc<Pool>) {
    for call in 0..MANY {
        let text = format!("call {call}");
        assert_eq!(common::said(pool, &text).await, text);
    }
}

/// Work on a thread of its own.
fn on_a_thread<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let executor = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        scope.spawn(move || executor.block_on(work)).join().unwrap()
    })
}

// One test: which thread is the first of the process that calls come by matters.
#[test]
fn a_component_that_is_called_often_comes_into_its_threads_lane_and_goes_home_when_that_is_full() {
    let settings = HostSettings { threads: 2, instances_max: INSTANCES, ..HostSettings::default() };
    let host = Host::new(&settings).unwrap();
    let pools = on_a_thread(async {
        let pools = [InstanceModel::Fresh, InstanceModel::Fresh, InstanceModel::Pooled];
        let [one, other, pooled] = pools.map(|model| pool(&host, model));
        let pools = [one.await, other.await, pooled.await];
        for pool in &pools {
            call_often(pool).await;
            assert_eq!(pool.stats().lanes, 0, "the first thread's calls are at home");
        }
        pools
    });
    on_a_thread(async {
        let [one, other, pooled] = &pools;
        for pool in [one, other] {
            call_often(pool).await;
            until("the component to be in its lane", || pool.stats().lanes == 1).await;
        }
        // The instance that waits for calls keeps one of the home's slots.
        call_often(pooled).await;
        assert_eq!(pooled.stats().lanes, 0, "what stays is at home");
        assert_eq!(pooled.stats().idle, 1);
        // Two find room in the lane, the third at home beside the one that stays.
        let sleep = |pool| common::said(pool, "sleep 50");
        let said = tokio::join!(sleep(one), sleep(one), sleep(other));
        assert_eq!(said, ("slept".into(), "slept".into(), "slept".into()));
        call_often(one).await;
        assert_eq!(one.stats().instances, 0, "what a lane's call leaves is gone with it");
    });
}
