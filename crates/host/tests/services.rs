//! Requests of real guests to services of their node, in WASI 0.2 and 0.3: by their grant, within their limits, both
//! bodies as they come, and cut when the grant is revoked.

mod common;

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{Backends, CallError, Caller, Chain, HttpError, Limit, Pool, RevisionSpec};
use airssys_wasm_model::{ByteSize, InstanceModel, Kind, Rights, Span};
use bytes::Bytes;
use common::inside::Inside;
use common::told::Told;
use common::{call, config, get, got, model, pool, rights, text};
use http_body_util::{BodyExt, StreamBody};

/// A guest of each version that hands a request on, and how its path says to whom.
const FORWARDS: [(&str, &str); 2] =
    [("http-hello", "/forward?url=http://"), ("http-p3", "/forward?")];

const SHOP: &str = "shop.airssys.internal";

async fn shop() -> Arc<Pool> {
    pool("http-hello", |spec| {
        spec.service = "shop".parse().unwrap();
        spec.config = config(serde_json::json!({ "greeting": "the shop", "version": "1" }));
    })
    .await
}

/// A guest with these grants that calls these services.
async fn caller(
    name: &str,
    grants: &[&str],
    inside: &Arc<Inside>,
    more: impl FnOnce(&mut RevisionSpec),
) -> Arc<Pool> {
    let (rights, services) = (rights(grants), Arc::clone(inside) as _);
    pool(name, |spec| {
        spec.rights = rights;
        spec.backends = Backends { services: Some(services), ..Backends::default() };
        more(spec);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_called_by_its_grant_and_by_nothing_else() {
    let shop = shop().await;
    for (guest, to) in FORWARDS {
        let (inside, told) = (Inside::of([("shop", &shop)]), Arc::new(Told::default()));
        let watch = Arc::clone(&told);
        let granted = caller(guest, &["services:shop"], &inside, |spec| spec.watch = watch).await;
        assert_eq!(got(&granted, &format!("{to}{SHOP}/")).await, (200, "the shop 1".into()));
        let target = format!("Some(\"{SHOP}\") /target?x=1");
        assert_eq!(got(&granted, &format!("{to}{SHOP}/target?x=1")).await, (200, target));
        let used: Vec<_> =
            told.used().iter().map(|used| (used.kind, used.target.clone())).collect();
        assert_eq!(used, [(Kind::Services, "shop".into()), (Kind::Services, "shop".into())]);

        let calls = inside.calls();
        assert_eq!(calls[0].caller, Some(Caller::Service("tested".parse().unwrap())), "{guest}");
        assert_eq!(calls[0].chain.depth(), 1);

        // Neither another service, nor one function of it, nor the whole network is this.
        for grants in
            [&["services:shop#greet"][..], &["services:shops"], &["http:*", "http:localhost"], &[]]
        {
            let told = Arc::new(Told::default());
            let watch = Arc::clone(&told);
            let denied = caller(guest, grants, &inside, |spec| spec.watch = watch).await;
            let said = got(&denied, &format!("{to}{SHOP}/")).await;
            assert_eq!(said, (403, "HttpRequestDenied".into()), "{guest} {grants:?}");
            let [denial] = &told.denied()[..] else { panic!("{guest} {grants:?}") };
            assert_eq!((denial.kind, &*denial.grant), (Kind::Services, "services:shop"));
            let said = "component `tested` may not call the service `shop`; grant `services:shop`";
            assert_eq!(denial.to_string(), said);
        }
        assert_eq!(inside.calls().len(), 2, "what is denied comes to nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_service_is_not_looked_for_in_the_network() {
    let shop = shop().await;
    for (guest, to) in FORWARDS {
        let inside = Inside::of([("shop", &shop)]);
        let kept = Arc::new(common::Kept::default());
        let sink = Arc::clone(&kept);
        let grants = ["services:shop", "services:nobody", "http:*"];
        let caller = caller(guest, &grants, &inside, |spec| spec.sink = sink).await;
        let said = async |host: &str| got(&caller, &format!("{to}{host}/")).await;
        let not_found = (502, "DestinationNotFound".to_owned());
        let refused = (403, "HttpRequestDenied".to_owned());
        for (host, wanted) in [
            ("nobody.airssys.internal", &not_found),
            ("r1.shop.airssys.internal", &not_found),
            ("airssys.internal", &not_found),
            ("shop.airssys.internal:8080", &refused),
        ] {
            let said = said(host).await;
            assert!(said.1.contains(&wanted.1) && said.0 == wanted.0, "{guest} {host}: {said:?}");
        }
        let log = kept.0.lock().unwrap().join("\n");
        assert!(log.contains("no service `nobody` is on this node"), "{log}");
        assert!(log.contains("on port 80"), "{log}");
        // The one that is there, said in full.
        assert_eq!(said("SHOP.airssys.internal.:80").await.0, 200);
    }
    let inside = Inside::of([("shop", &shop)]);
    let caller = caller("http-hello", &["services:shop", "http:*"], &inside, |_| ()).await;
    let said = got(&caller, "/forward?url=https://shop.airssys.internal/").await;
    assert_eq!(said, (403, "HttpRequestDenied".into()), "by https");
    // Without a node there are no services.
    let alone = pool("http-hello", |spec| spec.rights = rights(&["services:shop"])).await;
    assert_eq!(
        got(&alone, "/forward?url=http://shop.airssys.internal/").await.1,
        "ErrorCode::DestinationNotFound"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_bodies_come_through_two_guests_as_they_are_sent() {
    for callee in ["http-hello", "http-p3"] {
        let echo = pool(callee, |_| ()).await;
        let inside = Inside::of([("echo", &echo)]);
        let caller = caller("http-p3", &["services:echo"], &inside, |_| ()).await;
        let (mut sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
        let chunks = futures::stream::unfold(receiver, |mut receiver| async move {
            let chunk = receiver.recv().await?;
            Some((Ok::<_, HttpError>(http_body::Frame::data(chunk)), receiver))
        });
        let request = http::Request::post("/forward?echo.airssys.internal/echo");
        let request = request.header("host", "tested.localhost");
        let request = request.body(StreamBody::new(chunks)).unwrap();
        let sending = async {
            sender.send(Bytes::from_static(b"first")).await.unwrap();
            &mut sender
        };
        let lease = caller.claim(call()).await.unwrap();
        let (answer, sender) = tokio::join!(lease.http(request), sending);
        let mut body = answer.unwrap().into_body();
        let mut came = Vec::new();
        while came.len() < 5 {
            came.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
        }
        assert_eq!(came, b"first", "the first chunk comes back before the second is sent");
        sender.send(Bytes::from(vec![b'x'; 300_000])).await.unwrap();
        drop(std::mem::replace(sender, tokio::sync::mpsc::channel(1).0));
        assert_eq!(body.collect().await.unwrap().to_bytes().len(), 300_000, "{callee}");
    }
}

/// Until no instance of this pool is there any more.
async fn gone(pool: &Pool) {
    let going = async {
        while pool.stats().instances > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), going).await.expect("its call is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_under_way_is_cut_when_its_grant_is_revoked() {
    for (guest, to) in FORWARDS {
        let shop = shop().await;
        let inside = Inside::of([("shop", &shop)]);
        let caller = caller(guest, &["services:shop"], &inside, |_| ()).await;
        let and = if guest == "http-hello" { "%26" } else { "&" };
        let path = format!("{to}{SHOP}/drip?chunks=100000{and}ms=5");
        let mut body = get(&caller, &path).await.unwrap().into_body();
        assert!(body.frame().await.unwrap().is_ok());
        caller.change_rights(Rights::default()).unwrap();
        let cut = tokio::time::timeout(Duration::from_secs(8), body.collect()).await;
        assert!(cut.expect("it ends").is_err(), "{guest}: a cut answer passed for a whole one");
        // Nobody reads what its guest says: it is stopped at the next word.
        gone(&shop).await;
        assert_eq!(got(&caller, &format!("{to}{SHOP}/")).await.0, 403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_its_answer_ends_when_its_grant_is_revoked_or_its_caller_has_no_time()
{
    for (guest, to) in FORWARDS {
        let shop = shop().await;
        let inside = Inside::of([("shop", &shop)]);
        let path = format!("{to}{SHOP}/sleep?ms=60000");
        let patient = caller(guest, &["services:shop"], &inside, |_| ()).await;
        let (said, ()) = tokio::join!(got(&patient, &path), async {
            while shop.stats().instances == 0 {
                tokio::task::yield_now().await;
            }
            patient.change_rights(Rights::default()).unwrap();
        });
        assert_eq!(said, (403, "HttpRequestDenied".into()), "{guest}");
        gone(&shop).await;
        let hurried = caller(guest, &["services:shop"], &inside, |spec| {
            spec.limits.time = Span(Duration::from_millis(300));
        })
        .await;
        let late = get(&hurried, &path).await.err();
        assert!(matches!(late, Some(CallError::Limit(Limit::Time))), "{guest}: {late:?}");
        gone(&shop).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_call_calls_no_service() {
    let shop = shop().await;
    for (guest, to) in FORWARDS {
        let inside = Inside::of([("shop", &shop)]);
        let live = caller(guest, &["services:shop"], &inside, |_| ()).await;
        let copies = live.shadow(4).unwrap();
        let path = format!("{to}{SHOP}/");
        assert_eq!(got(&copies, &path).await, (403, "HttpRequestDenied".into()));
        assert_eq!((copies.stats().refused, inside.calls().len()), (1, 0), "{guest}");
        assert_eq!(got(&live, &path).await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_services_count_as_requests() {
    let shop = shop().await;
    for (guest, to) in FORWARDS {
        let inside = Inside::of([("shop", &shop)]);
        let limited = async |change: fn(&mut RevisionSpec)| {
            caller(guest, &["services:shop"], &inside, change).await
        };
        let path = format!("{to}{SHOP}/");
        let none = limited(|spec| spec.limits.requests = 0).await;
        let said = got(&none, &path).await;
        assert!(said.0 == 502 && said.1.contains("ConnectionLimitReached"), "{guest}: {said:?}");
        let slow = limited(|spec| spec.limits.request_rate = 1).await;
        let mut refused = false;
        // Two of them begin in one second, however slow the machine is.
        for _ in 0..100 {
            refused |= got(&slow, &path).await.0 == 502;
        }
        assert!(refused, "{guest}");
        let small = limited(|spec| spec.limits.transfer = ByteSize(1 << 10)).await;
        let big = get(&small, &format!("{to}{SHOP}/big?mib=1")).await;
        let whole = match big {
            Ok(answer) => text(answer.into_body()).await.is_ok_and(|text| text.len() == 1 << 20),
            Err(_) => false,
        };
        assert!(!whole, "{guest}");
        assert_eq!(got(&small, &path).await.0, 200);
        // A request whose answer was read has given its place back.
        let one = limited(|spec| {
            spec.limits.requests = 1;
            model(spec, InstanceModel::Pooled);
        })
        .await;
        for _ in 0..3 {
            assert_eq!(got(&one, &path).await.0, 200);
        }
        common::at_rest(&one).await;
        let used = one.limits().into_iter().find(|of| of.limit == Limit::Requests).unwrap();
        assert_eq!(used.used, Some(0.0), "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_lead_to_one_another_without_end_are_ended() {
    for (guest, to) in FORWARDS {
        let inside = Inside::of([]);
        let ring = caller(guest, &["services:ring"], &inside, |_| ()).await;
        inside.add("ring", &ring);
        let hop = format!("{to}ring.airssys.internal");
        let path = |hops: u32| format!("{}/nowhere", hop.repeat(hops as usize));
        let deepest = got(&ring, &path(Chain::DEPTH_MAX)).await;
        assert_ne!(deepest.0, 502, "{guest}: {deepest:?}");
        assert_eq!(inside.calls().last().unwrap().chain.depth(), Chain::DEPTH_MAX);
        let calls = inside.calls().len();
        let looped = got(&ring, &path(Chain::DEPTH_MAX + 1)).await;
        assert!(looped.0 == 502 && looped.1.contains("LoopDetected"), "{guest}: {looped:?}");
        assert_eq!(inside.calls().len(), calls + Chain::DEPTH_MAX as usize);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_the_name_and_the_trace_of_the_one_that_led_to_it() {
    let shop = shop().await;
    for (guest, to) in FORWARDS {
        let inside = Inside::of([("shop", &shop)]);
        let caller = caller(guest, &["services:shop"], &inside, |_| ()).await;
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut from = call();
        from.traceparent = Some(http::HeaderValue::from_static(trace));
        let request = http::Request::get(format!("{to}{SHOP}/headers"));
        let request = request.header("host", "tested.localhost").header("x-own", "1");
        let request = request.body(http_body_util::Empty::<Bytes>::new()).unwrap();
        let request = request.map(|body| body.map_err(|_| HttpError::InternalError(None)));
        let name = from.request_id;
        let answer = caller.claim(from).await.unwrap().http(request).await.unwrap();
        let headers = text(answer.into_body()).await.unwrap();
        assert!(headers.contains(&format!("traceparent: {trace}\n")), "{guest}: {headers}");
        assert!(headers.contains("x-own: 1\n"), "{guest}: {headers}");
        let calls = inside.calls();
        assert_eq!(calls[0].request_id.to_string(), name.to_string());
        assert_ne!(calls[0].request_id, name);
        assert_eq!(calls[0].traceparent.as_ref().unwrap(), trace);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_computes_is_not_its_callers_time() {
    for (guest, to) in FORWARDS {
        let shop =
            pool("http-hello", |spec| spec.limits.cpu = Span(Duration::from_millis(400))).await;
        let inside = Inside::of([("shop", &shop)]);
        // It would be stopped at its own limit if it held its turn on a processor meanwhile.
        let caller = caller(guest, &["services:shop"], &inside, |spec| {
            spec.limits.cpu = Span(Duration::from_millis(300));
        })
        .await;
        assert_eq!(got(&caller, &format!("{to}{SHOP}/spin")).await.0, 502, "{guest}");
        assert!(shop.stats().cpu >= Duration::from_millis(400));
        assert!(caller.stats().cpu < Duration::from_millis(300), "{:?}", caller.stats().cpu);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_shared_instance_goes_on_from_the_one_that_made_it() {
    let shop = shop().await;
    let inside = Inside::of([("shop", &shop)]);
    let caller = caller("http-p3", &["services:shop"], &inside, |spec| {
        model(spec, InstanceModel::Pooled);
        (spec.instances.max, spec.instances.in_flight) = (1, 8);
    })
    .await;
    // One call is under way when others begin, and goes on after them.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let chunks = futures::stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((Ok::<_, HttpError>(http_body::Frame::data(chunk)), receiver))
    });
    let request = http::Request::post(format!("/after?{SHOP}/")).header("host", "tested.localhost");
    let request = request.body(StreamBody::new(chunks)).unwrap();
    let first = call();
    let name = first.request_id.to_string();
    let lease = caller.claim(first).await.unwrap();
    let waiting = tokio::spawn(lease.http(request));
    sender.send(Bytes::from_static(b"begun")).await.unwrap();
    sender.reserve().await.expect("its guest has begun to read");
    for count in 2..40 {
        assert_eq!(got(&caller, "/count").await.1, count.to_string(), "one instance serves all");
    }
    drop(sender);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
    let calls = inside.calls();
    assert_eq!(calls[0].request_id.to_string(), name);
}
