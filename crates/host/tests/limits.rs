//! Limits, each reached by a real guest that tries to, beside one that stays below.

mod common;

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{
    Backends, CallError, Host, HostSettings, HttpError, KeyValueStore, Limit, MemoryBuckets, Pool,
    Pooling, Value,
};
use airssys_wasm_model::{ByteSize, Digest, InstanceModel, Limits, Span};
use bytes::Bytes;
use common::peers;
use common::reaching::{reached, watched};
use common::turning::try_run;
use common::{call, execute, get, got, model, pool, rights, said, text};
use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use tokio::net::UdpSocket;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_holds_of_the_host_is_bounded() {
    for (guest, few, many) in [
        ("http-hostile", "/hold/fields?50", "/hold/fields?5000"),
        ("http-hostile", "/hold/clocks?50", "/hold/clocks?5000"),
        ("http-p3", "/hold?20", "/hold?5000"),
        ("http-p3", "/fork?20", "/fork?5000"),
    ] {
        let (pool, kept) = watched(guest, |spec| spec.limits.handles = 300).await;
        assert_eq!(got(&pool, few).await.1, few.split_once('?').unwrap().1, "{few}");
        assert_eq!(reached(&pool, &kept, Limit::Handles), (0, false), "{few}");
        let stopped = get(&pool, many).await.err();
        assert!(matches!(stopped, Some(CallError::Limit(Limit::Handles))), "{many}: {stopped:?}");
        assert_eq!(reached(&pool, &kept, Limit::Handles), (1, true), "{many}");
        assert_eq!(got(&pool, "/").await.0, 200, "{many}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_guests_hold_of_the_host_is_shown_while_they_hold_it() {
    for guest in ["sockets", "sockets-p3"] {
        let (tcp, friend) = (peers::server().await, UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let udp = friend.local_addr().unwrap();
        let pool = pool(guest, |spec| {
            spec.rights = rights(&[&format!("net:{tcp}"), &format!("net:{udp}/udp")]);
            spec.limits.sockets = 64;
        })
        .await;
        let shown = || {
            let handles = pool.limits().into_iter().find(|of| of.limit == Limit::Handles).unwrap();
            handles.used.unwrap()
        };
        assert_eq!(shown(), 0.0, "{guest}");
        let (connect, send) = (format!("connect {tcp}"), format!("send {udp} hi"));
        let mut lines = vec![&*connect; 50];
        lines.extend(["udp 127.0.0.1:0", &send, "receive"]);
        let looking = async {
            let (_, from) = friend.recv_from(&mut [0; 9]).await.unwrap();
            let held = shown();
            friend.send_to(b"go on", from).await.unwrap();
            held
        };
        let (answers, held) = tokio::join!(try_run(&pool, &lines), looking);
        assert_eq!(answers.unwrap().last().unwrap(), "go on", "{guest}");
        // Not every one that was taken last is counted yet.
        assert!(held >= 20.0, "{guest}: {held}");
        assert_eq!(shown(), 0.0, "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_share_an_instance_have_handles_for_each() {
    let pool = pool("http-p3", |spec| {
        model(spec, InstanceModel::Pooled);
        (spec.instances.in_flight, spec.instances.max) = (30, 1);
        spec.limits.handles = Limits::HANDLES_MIN;
    })
    .await;
    let fellows = (0..30).map(|_| got(&pool, "/sleep?50"));
    for (status, said) in futures::future::join_all(fellows).await {
        assert_eq!((status, &*said), (200, "slept"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_too_many_parts_is_not_instantiated() {
    let (small, kept) = watched("http-hello", |spec| spec.limits.parts = 1).await;
    let refused = small.warm().await;
    assert!(matches!(refused, Err(CallError::Limit(Limit::Parts))), "{refused:?}");
    assert_eq!(reached(&small, &kept, Limit::Parts), (1, true));
    assert!(pool("http-hello", |_| ()).await.warm().await.is_ok());
}

/// A component whose `grow` makes its table larger until it is refused, and answers with the table's length.
///
/// Written by hand, because no language that guests are written in makes a table grow.
fn growing() -> Bytes {
    let section = |id: u8, content: &[u8]| [&[id, content.len() as u8][..], content].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        // A function without parameters that returns an i32, and a table of one reference to a function.
        section(1, b"\x01\x60\0\x01\x7f"),
        section(3, b"\x01\0"),
        section(4, b"\x01\x70\0\x01"),
        section(7, b"\x01\x04grow\0\0"),
        // loop: ref.null func, i32.const 1000, table.grow, i32.const -1, i32.ne, br_if; table.size.
        section(
            10,
            b"\x01\x15\0\x03\x40\xd0\x70\x41\xe8\x07\xfc\x0f\0\x41\x7f\x47\x0d\0\x0b\xfc\x10\0\x0b",
        ),
    ]
    .concat();
    let component = [
        b"\0asm\x0d\0\x01\0".to_vec(),
        section(1, &module),
        section(2, b"\x01\0\0\0"),
        // func() -> u32, lifted from the instance's `grow` and exported.
        section(7, b"\x01\x40\0\0\x79"),
        section(6, b"\x01\0\0\x01\0\x04grow"),
        section(8, b"\x01\0\0\0\0\0"),
        section(11, b"\x01\0\x04grow\x01\0\0"),
    ];
    component.concat().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_grows_no_further_than_memory_does() {
    let artifact = growing();
    // In pooled memory a table has a bound of its own, which is lower.
    let settings = HostSettings { pooling: Pooling::Never, ..HostSettings::default() };
    let host = Host::new(&settings).unwrap();
    let elements = async |memory: ByteSize| {
        let mut spec = common::spec(&artifact);
        spec.limits.memory = memory;
        assert_eq!(spec.digest, Digest::of(&artifact));
        let pool = Pool::new(host.prepare(spec, artifact.clone()).await.unwrap());
        let grown: u64 = common::invoke(&pool, "grow", &[]).await.unwrap().parse().unwrap();
        let refused = pool.limits().into_iter().find(|of| of.limit == Limit::Memory).unwrap();
        assert_eq!(refused.hits, 1, "it was told no, and went on");
        grown
    };
    let element = size_of::<usize>() as u64;
    for memory in [ByteSize::mib(1), ByteSize::mib(4)] {
        let grown = elements(memory).await * element;
        assert!(grown <= memory.0 && grown > memory.0 - 1_001 * element, "{grown} of {memory}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_ends_where_its_limit_is() {
    let small = ByteSize::mib(1);
    for (guest, target) in [("http-hostile", "/endless"), ("http-hello", "/big?mib=3")] {
        let (pool, kept) = watched(guest, |spec| spec.limits.output = small).await;
        let mut body = get(&pool, target).await.unwrap().into_body();
        let (mut came, mut error) = (0, None);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => came += frame.into_data().unwrap().len() as u64,
                Err(said) => error = Some(said),
            }
        }
        assert!(came <= small.0, "{came} bytes came");
        assert!(matches!(error, Some(HttpError::HttpResponseBodySize(Some(_)))), "{error:?}");
        assert_eq!(reached(&pool, &kept, Limit::Output), (1, true), "{target}");
    }
    let pool = pool("http-hello", |spec| spec.limits.output = ByteSize::mib(3)).await;
    assert_eq!(got(&pool, "/big?mib=3").await.1.len(), 3 << 20, "as long as may be");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_known_to_be_too_long_is_named_instead() {
    let (said_so, kept) =
        watched("http-hostile", |spec| spec.limits.output = ByteSize(2_000)).await;
    let refused = get(&said_so, "/lengths?said=2001&sent=1").await.err();
    assert!(matches!(refused, Some(CallError::Limit(Limit::Output))), "{refused:?}");
    assert_eq!(reached(&said_so, &kept, Limit::Output), (1, true));
    assert_eq!(got(&said_so, "/lengths?said=2000&sent=2000").await.1.len(), 2_000);

    let (handler, kept) = watched("hostile", |spec| spec.limits.output = ByteSize::mib(2)).await;
    let refused = execute(&handler, "big-output 3").await;
    assert!(matches!(refused, Err(CallError::Limit(Limit::Output))), "{refused:?}");
    assert_eq!(reached(&handler, &kept, Limit::Output), (1, true));
    assert_eq!(said(&handler, "big-output 2").await.len(), 2 << 20);

    let functions = pool("functions", |spec| spec.limits.output = Limits::OUTPUT_MIN).await;
    let bytes = |count: usize| vec![Value::Bytes(vec![7; count].into())];
    let reversed =
        async |count| functions.claim(call()).await.unwrap().call("reverse", bytes(count)).await;
    assert!(reversed(1_024).await.is_ok());
    let refused = reversed(1_025).await;
    assert!(matches!(refused, Err(CallError::Limit(Limit::Output))), "{refused:?}");
}

/// A request to `/swallow` with this body.
async fn swallow<B>(pool: &Arc<Pool>, body: B) -> Result<String, CallError>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<HttpError>,
{
    let request = http::Request::post("/swallow").header("host", "tested.localhost");
    let lease = pool.claim(call()).await?;
    let answer = lease.http(request.body(body).unwrap()).await?;
    Ok(text(answer.into_body()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_end_ends_with_its_calls_time_and_a_slow_one_too() {
    let (pool, kept) =
        watched("http-hostile", |spec| spec.limits.time = Span(Duration::from_secs(2))).await;
    let chunk = || Ok::<_, HttpError>(http_body::Frame::data(Bytes::from(vec![7; 10_000])));
    let whole = StreamBody::new(futures::stream::repeat_with(chunk).take(10));
    assert_eq!(swallow(&pool, whole).await.unwrap(), "100000");
    let endless = StreamBody::new(futures::stream::repeat_with(chunk));
    let stopped = swallow(&pool, endless).await;
    assert!(matches!(stopped, Err(CallError::Limit(Limit::Time | Limit::Cpu))), "{stopped:?}");
    let silent =
        StreamBody::new(futures::stream::pending::<Result<http_body::Frame<Bytes>, HttpError>>());
    let stopped = swallow(&pool, silent).await;
    assert!(matches!(stopped, Err(CallError::Limit(Limit::Time))), "{stopped:?}");
    assert!(reached(&pool, &kept, Limit::Time).1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_lines_is_cut_call_by_call_and_second_by_second() {
    let (pool, kept) = watched("http-hostile", |spec| spec.limits.log_lines = 50).await;
    for _ in 0..2 {
        assert_eq!(got(&pool, "/flood?500").await.1, "flooded");
    }
    assert_eq!(kept.0.lock().unwrap().len(), 100, "50 of each call");
    assert_eq!(reached(&pool, &kept, Limit::LogLines), (2, true));

    // A second's worth of 16 KiB, and what is earned while the calls run.
    let (pool, kept) =
        watched("http-hostile", |spec| spec.limits.log_rate = Limits::LOG_RATE_MIN).await;
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        assert_eq!(got(&pool, "/flood?900").await.1, "flooded");
    }
    let seconds = 1.0 + begun.elapsed().as_secs_f64();
    let lines = kept.0.lock().unwrap().len() as f64;
    assert!(lines <= seconds * (16_384.0 / 64.0 + 1.0), "{lines} lines in {seconds} s");
    let (hits, named) = reached(&pool, &kept, Limit::LogRate);
    assert!(named && hits as f64 >= 4_500.0 - lines, "{hits}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_that_trap_again_and_again_are_told_of_so_often_and_so_long() {
    let pool = pool("hostile", |_| {}).await;
    let begun = std::time::Instant::now();
    let (mut told, calls) = (0, 200);
    for number in 0..calls {
        let Err(CallError::Trapped { message, backtrace }) = execute(&pool, "trap").await else {
            panic!("it traps")
        };
        assert!(message.contains("unreachable"), "the caller is told each time: {message}");
        assert!(number > 0 || backtrace.contains("hostile.wasm!"), "{backtrace}");
        assert!(backtrace.len() <= 4100, "{}", backtrace.len());
        told += u32::from(!backtrace.is_empty());
    }
    // A second's worth, and what is earned while the calls run.
    let seconds = 1.0 + begun.elapsed().as_secs_f64();
    assert!(f64::from(told) <= seconds * 20.0 + 1.0, "{told} of {calls} in {seconds} s");
    assert_eq!(said(&pool, "hello").await, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_bounded_in_bytes_and_in_keys_a_second() {
    let used = async |keyvalue: u64, rate: u32, script: &str| {
        let buckets: Arc<dyn KeyValueStore> = Arc::new(MemoryBuckets::default());
        let (pool, kept) = watched("keyvalue", |spec| {
            spec.rights = rights(&["keyvalue:b:read,write"]);
            spec.backends = Backends { keyvalue: Some(buckets), ..Backends::default() };
            (spec.limits.keyvalue, spec.limits.keyvalue_rate) = (ByteSize(keyvalue), rate);
        })
        .await;
        let script = Value::String(script.replace(' ', "\t"));
        let answer = pool.claim(call()).await.unwrap().call("run", vec![script]).await.unwrap();
        let Some(Value::String(answer)) = answer else { panic!("{answer:?}") };
        (answer, pool, kept)
    };
    let script = "open b\nset b key 12345\nset b more 123456789";
    let (answer, pool, kept) = used(21, 1_000, script).await;
    assert_eq!(answer, "ok\nok\nok", "3 and 5 bytes, 4 and 9");
    assert_eq!(reached(&pool, &kept, Limit::Keyvalue), (0, false));
    let (answer, pool, kept) = used(20, 1_000, script).await;
    assert!(answer.contains("the limit `keyvalue` is reached"), "{answer}");
    assert_eq!(reached(&pool, &kept, Limit::Keyvalue), (1, true));
    // More keys at once than a second has.
    let many = "open b\nset-many b a=1 b=2 c=3\nset b d 4";
    let (answer, pool, kept) = used(1_000, 2, many).await;
    assert_eq!(answer, "ok\nother: the limit `keyvalue_rate` of 2 keys a second is reached\nok");
    assert_eq!(reached(&pool, &kept, Limit::KeyvalueRate), (1, true));
    assert_eq!(used(1_000, 4, many).await.0, "ok\nok\nok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_and_one_that_is_turned_away_are_counted_and_levels_are_shown() {
    let (pool, kept) = watched("echo-handler", |spec| {
        (spec.limits.concurrency, spec.limits.queue) = (1, 0);
    })
    .await;
    let of = |limit: Limit| pool.limits().into_iter().find(|of| of.limit == limit).unwrap();
    let first = pool.claim(call()).await.unwrap();
    assert_eq!(
        (of(Limit::Concurrency).used, of(Limit::Concurrency).setting),
        (Some(1.0), Some(1.0))
    );
    assert!(pool.claim(call()).await.is_err());
    assert_eq!((of(Limit::Concurrency).hits, of(Limit::Queue).hits), (1, 1));
    assert_eq!(reached(&pool, &kept, Limit::Queue), (1, true));
    drop(first);
    assert_eq!(of(Limit::Concurrency).used, Some(0.0));
    assert_eq!(of(Limit::Time).setting, Some(10.0), "in seconds");
    assert_eq!(of(Limit::Stack).setting, None);
}
