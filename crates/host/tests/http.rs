//! HTTP through real components, WASI 0.2 and 0.3: bodies both ways, limits, and what a bad guest costs.

mod common;

use std::time::{Duration, Instant};

use airssys_wasm_host::{CallError, Limit};
use airssys_wasm_model::{ByteSize, InstanceModel, Span};
use bytes::Bytes;
use common::waiting::as_soon_as_there_is_a_place;
use common::{comes_back, config, get, got, in_turn, model, one_instance, pool, rights, text};
use http_body_util::Full;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_never_heard_of_us_answers() {
    let pool = pool("http-hello", |spec| {
        spec.config = config(serde_json::json!({ "greeting": "good day", "version": "7" }));
    })
    .await;
    assert_eq!(got(&pool, "/").await, (200, "good day 7".into()));
    assert_eq!(got(&pool, "/status/418").await.0, 418);
    assert_eq!(got(&pool, "/nowhere").await.0, 404);
}

async fn echo(name: &str) {
    comes_back(&pool(name, |_| ()).await, "/echo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways_in_wasi_0_2() {
    echo("http-hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_stream_both_ways_in_wasi_0_3() {
    echo("http-p3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_instance_remembers_nothing_and_a_pooled_one_does() {
    let fresh = pool("http-hello", |_| ()).await;
    let pooled = pool("http-hello", one_instance).await;
    let thrice = ["/count"; 3];
    assert_eq!(in_turn(&fresh, &thrice).await, ["1", "1", "1"]);
    assert_eq!(in_turn(&pooled, &thrice).await, ["1", "2", "3"]);
    assert_eq!(pooled.stats().instances, 1);
    pooled.stop().await;
    assert_eq!(pooled.stats().instances, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooled_instance_is_replaced_after_its_calls_or_its_memory() {
    let counted = pool("http-hello", |spec| {
        one_instance(spec);
        spec.instances.max_calls = 2;
    })
    .await;
    assert_eq!(in_turn(&counted, &["/count"; 4]).await, ["1", "2", "1", "2"]);
    let full = pool("http-hello", |spec| {
        one_instance(spec);
        spec.limits.memory = ByteSize::mib(16);
    })
    .await;
    let said = in_turn(&full, &["/count", "/count", "/alloc?mib=12", "/count"]).await;
    let [before, then, _, after] = &said[..] else { panic!("{said:?}") };
    assert_eq!([&**before, then, after], ["1", "2", "1"], "the full instance served on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_replaced_at_the_share_of_its_memory_that_is_set() {
    // 12 of 16 MiB and what the guest has besides are more than three quarters, and not all.
    for (percent, after) in [(98, "2"), (75, "1")] {
        let pool = pool("http-hello", |spec| {
            one_instance(spec);
            spec.limits.memory = ByteSize::mib(16);
            spec.instances.recycle_percent = percent;
        })
        .await;
        let said = in_turn(&pool, &["/count", "/alloc?mib=12", "/count"]).await;
        assert_eq!(said[2], after, "at {percent} %");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_traps_exits_or_says_nothing_costs_its_own_instance() {
    let pool = pool("http-hello", |spec| model(spec, InstanceModel::Pooled)).await;
    assert!(matches!(get(&pool, "/trap").await.err(), Some(CallError::Trapped { .. })));
    assert!(matches!(get(&pool, "/exit?code=3").await.err(), Some(CallError::Exited(1))));
    assert!(matches!(get(&pool, "/silent").await.err(), Some(CallError::NoAnswer)));
    assert_eq!(got(&pool, "/").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_never_ends_is_stopped_and_named() {
    let pool = pool("http-hello", |spec| {
        // Above what the system may take from a quick call on a busy machine.
        spec.limits.cpu = Span(Duration::from_millis(500));
        spec.limits.time = Span(Duration::from_secs(2));
    })
    .await;
    assert!(matches!(get(&pool, "/spin").await.err(), Some(CallError::Limit(Limit::Cpu))));
    let start = Instant::now();
    let slept = get(&pool, "/sleep?ms=60000").await.err();
    assert!(matches!(slept, Some(CallError::Limit(Limit::Time))), "{slept:?}");
    assert!(start.elapsed() < Duration::from_secs(30), "it slept on");
    assert_eq!(got(&pool, "/").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_ends_at_its_limit() {
    let pool = pool("http-hello", |spec| spec.limits.memory = ByteSize::mib(16)).await;
    assert_eq!(got(&pool, "/alloc?mib=8").await.0, 200);
    let refused = get(&pool, "/alloc?mib=32").await.err();
    assert!(matches!(refused, Some(CallError::Limit(Limit::Memory))), "{refused:?}");
    assert_eq!(pool.stats().memory_bytes, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_in_a_body_is_bounded_and_a_slow_body_is_not() {
    let pool = pool("http-hello", |spec| spec.limits.time = Span(Duration::from_secs(2))).await;
    let slow = get(&pool, "/drip?chunks=6&ms=500").await.unwrap().into_body();
    assert!(text(slow).await.is_ok(), "a body longer than the limit, without such a gap");
    let stuck = get(&pool, "/drip?chunks=2&ms=60000").await.unwrap().into_body();
    assert!(text(stuck).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_granted_by_default() {
    let pool = pool("http-hello", |_| ()).await;
    assert_eq!(got(&pool, "/env").await, (200, String::new()));
    assert_ne!(got(&pool, "/files?path=/etc/hostname").await.0, 200);
    assert_ne!(got(&pool, "/outbound?url=http://127.0.0.1:9/").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_is_seen_when_it_is_granted() {
    let pool = pool("http-hello", |spec| spec.rights = rights(&["env:GREETING=hi there"])).await;
    assert_eq!(got(&pool, "/env").await.1, "GREETING=hi there\n");
    assert_eq!(got(&pool, "/env?name=PATH").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_read_or_written_as_it_is_granted_and_not_left() {
    let dir = tempfile::tempdir().unwrap();
    let (open, closed) = (dir.path().join("open"), dir.path().join("closed"));
    for at in [&open, &closed] {
        std::fs::create_dir(at).unwrap();
        std::fs::write(at.join("x"), "words").unwrap();
    }
    std::os::unix::fs::symlink(closed.join("x"), open.join("link")).unwrap();
    let grant = |access: &str| format!("files:{}=/data:{access}", open.display());
    let reads = pool("http-hello", |spec| spec.rights = rights(&[&grant("read")])).await;
    assert_eq!(got(&reads, "/files?path=/data/x").await, (200, "words".into()));
    for out in ["/data/../closed/x", "/data/link", "/data/../../etc/hostname", "/etc/hostname"] {
        assert_ne!(got(&reads, &format!("/files?path={out}")).await.0, 200, "{out} was read");
    }
    assert_ne!(got(&reads, "/write?path=/data/y").await.0, 200);
    let writes = pool("http-hello", |spec| spec.rights = rights(&[&grant("read,write")])).await;
    assert_eq!(got(&writes, "/write?path=/data/y").await.0, 200);
    assert_eq!(std::fs::read_to_string(open.join("y")).unwrap(), "written by the guest");
    assert_ne!(got(&writes, "/write?path=/data/../closed/x").await.0, 200);
    assert_eq!(std::fs::read_to_string(closed.join("x")).unwrap(), "words");
}

/// A server that answers one request after the other with this text.
async fn server(answer: &'static str) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(move |_request| async move {
                Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::from(answer)))
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(stream, service),
            );
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_leaves_for_a_granted_host_alone() {
    let port = server("from outside").await;
    let url = format!("/outbound?url=http://127.0.0.1:{port}/");
    let granted = pool("http-hello", |spec| {
        spec.rights = rights(&[&format!("http:127.0.0.1:{port}")]);
    })
    .await;
    assert_eq!(got(&granted, &url).await, (200, "from outside".into()));
    let by_name = format!("/outbound?url=http://localhost:{port}/");
    assert_ne!(got(&granted, &by_name).await.0, 200, "another name of the same place");
    let anything = pool("http-hello", |spec| spec.rights = rights(&["http:*"])).await;
    assert_ne!(got(&anything, &url).await.0, 200, "an address is inside and was not named");
    let other = pool("http-hello", |spec| spec.rights = rights(&["http:127.0.0.1:1"])).await;
    assert_ne!(got(&other, &url).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_says_is_kept() {
    let kept = std::sync::Arc::new(common::Kept::default());
    let sink = std::sync::Arc::clone(&kept);
    let pool = pool("http-hello", |spec| spec.sink = sink).await;
    assert_eq!(got(&pool, "/log").await.0, 200);
    let said = kept.0.lock().unwrap().join("\n");
    for source in ["Stdout", "Stderr", "Log(Warn)"] {
        assert!(said.contains(source), "nothing from {source} in:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_keeps_its_thread_does_not_keep_its_neighbours_from_theirs() {
    let pool = pool("http-hello", |spec| spec.limits.cpu = Span(Duration::from_secs(2))).await;
    let spinning: Vec<_> = (0..8)
        .map(|_| {
            let pool = std::sync::Arc::clone(&pool);
            tokio::spawn(async move { get(&pool, "/spin").await.err() })
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(got(&pool, "/").await.0, 200);
    }
    for spinning in spinning {
        let ended = spinning.await.unwrap();
        assert!(matches!(ended, Some(CallError::Limit(_))), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_gives_its_place_back() {
    let pool = pool("http-hello", |spec| {
        spec.limits.concurrency = 1;
        // None waits: a call that did would have its place just when its own time is over.
        spec.limits.queue = 0;
        spec.limits.time = Span(Duration::from_secs(2));
    })
    .await;
    let unread = get(&pool, "/big?mib=64").await.unwrap();
    // The place is taken for as long as the first answer may stand still.
    assert_eq!(as_soon_as_there_is_a_place(&pool, "/").await.status(), 200);
    assert!(text(unread.into_body()).await.is_err(), "a cut body passed for a whole one");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_guest_fails_under_way_is_not_taken_for_whole() {
    let pool = pool("http-hello", |_| ()).await;
    let answer = get(&pool, "/break-off").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(text(answer.into_body()).await.is_err());
}
