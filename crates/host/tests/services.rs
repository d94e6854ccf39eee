//! Requests of real guests to services of their node, in WASI 0.2 and 0.3: by their grant, within their limits, and both
//! bodies as they come.

mod common;

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{Caller, Chain, HttpError, Limit, Pool, RevisionSpec};
use airssys_wasm_model::{ByteSize, InstanceModel, Kind, Span};
use bytes::Bytes;
use common::inside::{FORWARDS, Inside, SHOP, caller};
use common::told::Told;
use common::{call, comes_back, config, get, got, model, pool, rights, text};
use http_body_util::BodyExt as _;

async fn shop() -> Arc<Pool> {
    pool("http-hello", |spec| {
        spec.service = "shop".parse().unwrap();
        spec.config = config(serde_json::json!({ "greeting": "the shop", "version": "1" }));
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
        comes_back(&caller, "/forward?echo.airssys.internal/echo").await;
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
