//! Two services on one host: what the guests of one can do to the other's calls.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm_host::{CallError, Host, HostSettings, Limit, Pool, Pooling};
use airssys_wasm_model::Span;
use common::waiting::until;
use common::{get, got, guest, spec};

/// What is measured is the machine's threads, so the tests take turns at them.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A host that believes in two threads.
fn host() -> Host {
    let settings = HostSettings { pooling: Pooling::Never, threads: 2, ..HostSettings::default() };
    Host::new(&settings).unwrap()
}

async fn service(host: &Host, name: &str, cpu: Duration) -> Arc<Pool> {
    let artifact = guest("http-hello");
    let mut spec = spec(&artifact);
    spec.service = name.parse().unwrap();
    spec.limits.cpu = Span(cpu);
    spec.limits.time = Span(Duration::from_secs(60));
    Pool::new(host.prepare(spec, artifact).await.unwrap())
}

/// So many calls that compute until they are stopped; how long their guests held a thread, and how long it took.
async fn spun(pool: &Arc<Pool>, count: usize) -> (Duration, Duration) {
    let (begun, before) = (Instant::now(), pool.stats().cpu);
    let calls = (0..count).map(|_| {
        let pool = Arc::clone(pool);
        tokio::spawn(async move { get(&pool, "/spin").await.err() })
    });
    for ended in futures::future::join_all(calls).await {
        let ended = ended.unwrap();
        assert!(matches!(ended, Some(CallError::Limit(Limit::Cpu))), "{ended:?}");
    }
    (pool.stats().cpu - before, begun.elapsed())
}

/// The executor has four threads, so that one thread is not a matter of what the machine has.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guests_that_compute_hold_one_thread_of_two_and_the_neighbours_calls_are_answered() {
    let _alone = ALONE.lock().await;
    let host = host();
    let busy = service(&host, "busy", Duration::from_millis(200)).await;
    let quiet = service(&host, "quiet", Duration::from_secs(5)).await;
    // One call of some ticks, by which the service is known.
    spun(&busy, 1).await;
    let answers = {
        let quiet = Arc::clone(&quiet);
        tokio::spawn(async move {
            for _ in 0..20 {
                assert_eq!(got(&quiet, "/").await.0, 200);
            }
        })
    };
    let (held, took) = spun(&busy, 6).await;
    // Were two of them on a thread at once at any time, they would have held more than there was.
    assert!(held <= took, "{held:?} on threads in {took:?}");
    assert!(held >= Duration::from_millis(6 * 200));
    assert!(busy.stats().waited > 0);
    answers.await.unwrap();
    assert_eq!(quiet.stats().waited, 0, "who is quick waits for nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_service_that_is_alone_has_every_thread() {
    let _alone = ALONE.lock().await;
    let host = host();
    let busy = service(&host, "busy", Duration::from_millis(100)).await;
    spun(&busy, 1).await;
    spun(&busy, 4).await;
    assert_eq!(busy.stats().waited, 0);
    // Another revision of the same service is no other service.
    let next = service(&host, "busy", Duration::from_millis(100)).await;
    spun(&next, 4).await;
    assert_eq!(next.stats().waited, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_wait_for_their_turn_end_in_time_and_with_their_revision() {
    let _alone = ALONE.lock().await;
    let host = host();
    let busy = service(&host, "busy", Duration::from_secs(2)).await;
    let _quiet = service(&host, "quiet", Duration::from_secs(5)).await;
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let busy = Arc::clone(&busy);
            tokio::spawn(async move { get(&busy, "/spin").await.err() })
        })
        .collect();
    until("a call that waits for its turn", || busy.stats().waited > 0).await;
    busy.stop().await;
    for call in calls {
        assert!(call.await.unwrap().is_some());
    }
    assert_eq!(busy.stats().instances, 0);

    let artifact = guest("http-hello");
    let mut late = spec(&artifact);
    late.service = "late".parse().unwrap();
    late.limits.time = Span(Duration::from_millis(200));
    let late = Pool::new(host.prepare(late, artifact).await.unwrap());
    let spinning = (0..6).map(|_| get(&late, "/spin"));
    for ended in futures::future::join_all(spinning).await {
        assert!(matches!(ended.err(), Some(CallError::Limit(Limit::Time))));
    }
}
