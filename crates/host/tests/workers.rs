//! Instances of WASI 0.3 with several calls at once: who shares what, and what one call costs its fellows.

mod common;

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{CallError, ClaimError, HttpBody, Limit, Pool, RevisionSpec};
use airssys_wasm_model::{InstanceModel, Span};
use bytes::Bytes;
use common::waiting::{as_soon_as_there_is_a_place, until, within};
use common::{call, get, got, model, pool, sent_by_pieces, text};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

/// So many calls at once in each of so many instances.
async fn shared(in_flight: u32, max: u32, change: impl FnOnce(&mut RevisionSpec)) -> Arc<Pool> {
    pool("http-p3", |spec| {
        model(spec, InstanceModel::Pooled);
        (spec.instances.in_flight, spec.instances.max) = (in_flight, max);
        change(spec);
    })
    .await
}

/// A call on a task of its own, for its body's text.
fn begun(pool: &Arc<Pool>, target: &str) -> tokio::task::JoinHandle<Result<String, CallError>> {
    let (pool, target) = (Arc::clone(pool), target.to_owned());
    tokio::spawn(async move {
        let answer = get(&pool, &target).await?;
        Ok(text(answer.into_body()).await.expect("its body comes whole"))
    })
}

/// Waits until an instance has a call.
async fn until_taken(pool: &Pool) {
    until("an instance with a call", || {
        let stats = pool.stats();
        stats.instances > 0 && stats.idle == 0
    })
    .await;
}

/// A call whose body goes back chunk by chunk, for as long as it is sent.
async fn echo(pool: &Arc<Pool>) -> (mpsc::Sender<Bytes>, HttpBody) {
    let (sender, sent) = sent_by_pieces();
    let request = http::Request::post("/echo").header("host", "tested.localhost");
    let request = request.body(sent).unwrap();
    let answer = pool.claim(call()).await.unwrap().http(request).await.unwrap();
    (sender, answer.into_body())
}

/// Sends a chunk and waits until it is back.
async fn round(sender: &mpsc::Sender<Bytes>, body: &mut HttpBody, bytes: usize) {
    sender.send(Bytes::from(vec![b'x'; bytes])).await.unwrap();
    let mut came = 0;
    while came < bytes {
        came += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    assert_eq!(came, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_calls_are_in_one_instance_at_once_and_no_more_than_may_be() {
    let pool = shared(4, 1, |spec| spec.limits.queue = 0).await;
    let mut fellows = Vec::new();
    for _ in 0..4 {
        fellows.push(echo(&pool).await);
    }
    assert_eq!(pool.stats().instances, 1);
    let fifth = pool.claim(call()).await.err();
    assert_eq!(fifth, Some(ClaimError::Saturated));
    for (sender, body) in &mut fellows {
        round(sender, body, 200_000).await;
    }
    let (sender, body) = fellows.pop().unwrap();
    drop(sender);
    assert!(body.collect().await.unwrap().to_bytes().is_empty());
    let next = as_soon_as_there_is_a_place(&pool, "/count").await;
    assert_eq!(text(next.into_body()).await.unwrap(), "5", "another instance answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_past_those_of_one_instance_get_another() {
    let pool = shared(2, 3, |_| ()).await;
    let mut fellows = Vec::new();
    for _ in 0..5 {
        fellows.push(echo(&pool).await);
    }
    assert_eq!(pool.stats().instances, 3);
    for (sender, body) in &mut fellows {
        round(sender, body, 10).await;
    }
    drop(fellows);
    pool.stop().await;
    assert_eq!(got_after(&pool).await, Some(ClaimError::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_everybody_lets_go_ends_its_instances() {
    let sink = Arc::new(common::Kept::default());
    let said_to = Arc::downgrade(&sink);
    let pool = shared(2, 3, |spec| spec.sink = sink).await;
    let mut fellows = Vec::new();
    for _ in 0..5 {
        fellows.push(echo(&pool).await);
    }
    drop(pool);
    for (sender, body) in &mut fellows {
        round(sender, body, 10).await;
    }
    assert!(said_to.upgrade().is_some(), "its calls hold it");
    drop(fellows);
    // What the guests of a revision say goes there for as long as there is one.
    until("the end of its instances", || said_to.upgrade().is_none()).await;
}

async fn got_after(pool: &Arc<Pool>) -> Option<ClaimError> {
    pool.claim(call()).await.err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_ends_the_calls_of_its_instance_and_the_next_call_finds_another() {
    let pool = shared(4, 1, |_| ()).await;
    let (sender, mut body) = echo(&pool).await;
    round(&sender, &mut body, 10).await;
    let trapped = get(&pool, "/trap").await.err();
    assert!(matches!(trapped, Some(CallError::Trapped { .. })), "{trapped:?}");
    let cut = body.collect().await;
    assert!(cut.is_err(), "a body that was cut passed for a whole one");
    assert_eq!(got(&pool, "/count").await.1, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_computes_without_end_is_stopped_with_its_fellows() {
    // Above what the system may take from a quick call on a busy machine.
    let pool = shared(4, 1, |spec| spec.limits.cpu = Span(Duration::from_millis(500))).await;
    let fellow = begun(&pool, "/sleep?60000");
    until_taken(&pool).await;
    let spun = get(&pool, "/spin").await.err();
    assert!(matches!(spun, Some(CallError::Limit(Limit::Cpu))), "{spun:?}");
    let fellow = fellow.await.unwrap();
    assert!(matches!(fellow, Err(CallError::Limit(Limit::Cpu))), "{fellow:?}");
    assert_eq!(got(&pool, "/count").await.1, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_ends_alone_and_its_instance_serves_no_further_ones() {
    let pool = shared(4, 1, |spec| spec.limits.time = Span(Duration::from_secs(2))).await;
    let (sender, mut body) = echo(&pool).await;
    let slept = begun(&pool, "/sleep?60000");
    // A fellow whose body moves all the time outlives it.
    let moving = async {
        while !slept.is_finished() {
            round(&sender, &mut body, 10).await;
        }
    };
    within("the end of the call", moving).await;
    let slept = slept.await.unwrap();
    assert!(matches!(slept, Err(CallError::Limit(Limit::Time))), "{slept:?}");
    assert_eq!(got(&pool, "/count").await.1, "1", "the instance served on");
    round(&sender, &mut body, 10).await;
    drop(sender);
    assert!(body.collect().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_replaced_after_its_calls_and_ends_none_for_it() {
    let pool = shared(4, 1, |spec| spec.instances.max_calls = 2).await;
    let (sender, mut body) = echo(&pool).await;
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(got(&pool, "/count").await.1);
    }
    assert_eq!(counts, ["2", "1", "2", "1"]);
    round(&sender, &mut body, 100_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_instance_that_holds_its_share_of_memory_takes_no_further_call_and_ends_none() {
    let pool = shared(4, 1, |spec| spec.instances.recycle_percent = 1).await;
    let (sender, mut body) = echo(&pool).await;
    for _ in 0..2 {
        assert_eq!(got(&pool, "/count").await.1, "1", "the instance served on");
    }
    round(&sender, &mut body, 100_000).await;
    let roomy = shared(4, 1, |spec| spec.instances.recycle_percent = 100).await;
    assert_eq!(got(&roomy, "/count").await.1, "1");
    assert_eq!(got(&roomy, "/count").await.1, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_gives_its_place_back_and_its_instance_stays() {
    let pool = shared(2, 1, |spec| {
        spec.limits.concurrency = 1;
        spec.limits.queue = 0;
        spec.limits.time = Span(Duration::from_secs(2));
    })
    .await;
    let (sender, unread) = echo(&pool).await;
    // More than what fits between the guest and its reader.
    let sending = tokio::spawn(async move {
        while sender.send(Bytes::from(vec![b'x'; 1 << 20])).await.is_ok() {}
    });
    let next = as_soon_as_there_is_a_place(&pool, "/count").await;
    assert_eq!(text(next.into_body()).await.unwrap(), "2");
    assert!(text(unread).await.is_err(), "a cut body passed for a whole one");
    sending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_gives_its_place_back_when_the_guest_is_done() {
    let pool = shared(2, 1, |spec| {
        spec.limits.concurrency = 1;
        spec.limits.queue = 0;
    })
    .await;
    let leaving = begun(&pool, "/sleep?3000");
    until_taken(&pool).await;
    leaving.abort();
    assert!(leaving.await.is_err());
    let taken = pool.claim(call()).await.err();
    assert_eq!(taken, Some(ClaimError::Saturated), "the guest is not done");
    let next = as_soon_as_there_is_a_place(&pool, "/count").await;
    assert_eq!(text(next.into_body()).await.unwrap(), "2", "another instance answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_scale_lets_the_calls_that_are_there_end() {
    let pool = shared(2, 2, |_| ()).await;
    let mut fellows = Vec::new();
    for _ in 0..4 {
        fellows.push(echo(&pool).await);
    }
    pool.resize(1);
    for (sender, body) in &mut fellows {
        round(sender, body, 50_000).await;
    }
    drop(fellows);
    until("one instance", || pool.stats().instances <= 1).await;
    assert_eq!(got(&pool, "/").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_calls_that_share_an_instance() {
    let pool = shared(4, 1, |_| ()).await;
    let (_sender, body) = echo(&pool).await;
    let waiting = begun(&pool, "/sleep?60000");
    until("an instance", || pool.stats().instances > 0).await;
    pool.stop().await;
    let waiting = waiting.await.unwrap();
    assert!(matches!(waiting, Err(CallError::Claim(ClaimError::Stopped))), "{waiting:?}");
    assert!(body.collect().await.is_err());
    until("the end of its instances", || pool.stats().instances == 0).await;
}

/// Calls of all kinds from many tasks at once, instances that trap and are replaced among them: every call has
/// its own answer, and every place is there in the end.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_gets_its_answer_and_every_place_comes_back() {
    let pool = shared(3, 4, |spec| {
        spec.instances.max_calls = 50;
        (spec.limits.concurrency, spec.limits.queue) = (12, 1000);
    })
    .await;
    let callers: Vec<_> = (0..16)
        .map(|caller: u64| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move {
                for at in 0..60 {
                    match (caller * 7 + at) % 40 {
                        0 => drop(get(&pool, "/trap").await),
                        1..6 => {
                            // Fellows of one that traps end with it.
                            let Ok(answer) = get(&pool, "/sleep?1").await else { continue };
                            if let Ok(said) = text(answer.into_body()).await {
                                assert_eq!(said, "slept");
                            }
                        }
                        _ => {
                            let Ok(answer) = get(&pool, "/").await else { continue };
                            if let Ok(said) = text(answer.into_body()).await {
                                assert_eq!(said, "hello from wasi 0.3");
                            }
                        }
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let mut all = Vec::new();
    for _ in 0..12 {
        all.push(echo(&pool).await);
    }
    assert_eq!(pool.stats().queued, 0);
}
