//! When calls of services end: with the call that made them, read or not, or with their grant; and not before, where their
//! answer is handed on.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm_host::{CallError, HttpBody, Limit, Pool, RevisionSpec};
use airssys_wasm_model::{Rights, Span};
use bytes::Bytes;
use common::inside::{FORWARDS, Inside, SHOP, caller};
use common::waiting::{until, within};
use common::{at_rest, call, get, got, one_instance, pool, rights, sent_by_pieces, text};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

/// What leaves an answer, of a guest of each version: to whom, and what is asked there, which never ends by itself. One
/// does not wait for its head.
const LEAVES: [(&str, &str, &str); 3] = [
    ("http-hello", "/leave?url=http://", "/drip?chunks=100000000%26ms=1"),
    ("http-hello", "/leave-early?url=http://", "/sleep?ms=100000000"),
    ("http-p3", "/leave?", "/drip?chunks=100000000&ms=1"),
];

/// How long a request waits for a place, whatever happens.
const FOR_A_PLACE: Duration = Duration::from_secs(60);

/// No limit on time ends anything here.
fn patient(spec: &mut RevisionSpec) {
    spec.limits.time = Span(Duration::from_secs(24 * 60 * 60));
}

/// One instance with one call at a time, kept for the next.
fn kept(spec: &mut RevisionSpec) {
    patient(spec);
    one_instance(spec);
    spec.instances.in_flight = 1;
}

async fn shop() -> Arc<Pool> {
    pool("http-hello", patient).await
}

/// Until a call of this pool is under way.
async fn begun(pool: &Pool) {
    until("an instance that is called", || pool.stats().instances > 0).await;
}

/// Until none is, nor the instance that had it.
async fn gone(pool: &Pool) {
    until("the end of the call", || pool.stats().instances == 0).await;
}

/// Until no request of this pool's guests has a place.
async fn no_requests(pool: &Pool) {
    until("the requests' places", || {
        let requests = pool.limits().into_iter().find(|of| of.limit == Limit::Requests);
        requests.and_then(|of| of.used) == Some(0.0)
    })
    .await;
}

/// A call of a guest that has left an answer, and goes on until its sender is let go of.
async fn leaving(pool: &Arc<Pool>, path: &str) -> (mpsc::Sender<Bytes>, HttpBody) {
    let (sender, sent) = sent_by_pieces();
    let request = http::Request::post(path).header("host", "tested.localhost").body(sent).unwrap();
    let answer = pool.claim(call()).await.unwrap().http(request).await;
    let mut body = answer.unwrap().into_body();
    echoed(&sender, &mut body, b"left").await;
    (sender, body)
}

/// Sends a piece, and has it back: the guest is there.
async fn echoed(sender: &mpsc::Sender<Bytes>, body: &mut HttpBody, piece: &'static [u8]) {
    sender.send(Bytes::from_static(piece)).await.unwrap();
    let frame = within("the same piece", body.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), piece);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_left_unread_ends_with_the_call_that_left_it() {
    for (guest, to, asked) in LEAVES {
        let shop = shop().await;
        let inside = Inside::of([("shop", &shop)]);
        let caller = caller(guest, &["services:shop"], &inside, kept).await;
        let (sender, body) = leaving(&caller, &format!("{to}{SHOP}{asked}")).await;
        begun(&shop).await;
        drop(sender);
        within("the end of the answer", body.collect()).await.expect("it comes whole");
        gone(&shop).await;
        no_requests(&caller).await;
        at_rest(&caller).await;
        assert_eq!(caller.stats().instances, 1, "{guest} {to}: its instance is not what ended");
        // The next call's own are none of that call's.
        let (sender, mut body) = leaving(&caller, &format!("{to}{SHOP}{asked}")).await;
        begun(&shop).await;
        echoed(&sender, &mut body, b"on").await;
        assert_eq!(shop.stats().instances, 1, "{guest} {to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_left_unread_ends_when_its_grant_is_revoked() {
    for (guest, to, asked) in LEAVES {
        let shop = shop().await;
        let inside = Inside::of([("shop", &shop)]);
        let caller = caller(guest, &["services:shop"], &inside, kept).await;
        let (sender, mut body) = leaving(&caller, &format!("{to}{SHOP}{asked}")).await;
        begun(&shop).await;
        caller.change_rights(Rights::default()).unwrap();
        gone(&shop).await;
        no_requests(&caller).await;
        // The call that left it goes on.
        echoed(&sender, &mut body, b"on").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_handed_on_goes_on_until_nobody_reads_it() {
    for (guest, to) in FORWARDS {
        let shop = shop().await;
        let inside = Inside::of([("shop", &shop)]);
        let caller = caller(guest, &["services:shop"], &inside, kept).await;
        let and = if guest == "http-hello" { "%26" } else { "&" };
        let drip = |chunks: u32| format!("{to}{SHOP}/drip?chunks={chunks}{and}ms=2");
        let (status, said) = within("the whole answer", got(&caller, &drip(200))).await;
        assert!(status == 200 && said.ends_with("chunk 199\n"), "{guest}: {said}");
        gone(&shop).await;
        at_rest(&caller).await;
        let mut body = get(&caller, &drip(100_000_000)).await.unwrap().into_body();
        assert!(within("its beginning", body.frame()).await.unwrap().is_ok());
        drop(body);
        gone(&shop).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_under_way_is_cut_when_its_grant_is_revoked() {
    for (guest, to) in FORWARDS {
        let shop = shop().await;
        let inside = Inside::of([("shop", &shop)]);
        let caller = caller(guest, &["services:shop"], &inside, |_| ()).await;
        let and = if guest == "http-hello" { "%26" } else { "&" };
        let path = format!("{to}{SHOP}/drip?chunks=100000000{and}ms=5");
        let mut body = get(&caller, &path).await.unwrap().into_body();
        assert!(body.frame().await.unwrap().is_ok());
        caller.change_rights(Rights::default()).unwrap();
        let cut = within("its end", text(body)).await;
        assert!(cut.is_err(), "{guest}: a cut answer passed for a whole one");
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
        let path = format!("{to}{SHOP}/sleep?ms=100000000");
        let waiting = caller(guest, &["services:shop"], &inside, patient).await;
        let revoked = async {
            begun(&shop).await;
            waiting.change_rights(Rights::default()).unwrap();
        };
        let both = async { tokio::join!(got(&waiting, &path), revoked) };
        let (said, ()) = within("the end of a call that waits", both).await;
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
async fn a_call_that_waits_for_a_place_ends_when_its_grant_is_revoked() {
    let (shop, other) = (shop().await, shop().await);
    let inside = Inside::of([("shop", &shop), ("other", &other)]);
    let grants = ["services:shop", "services:other"];
    // Two calls of one instance, which may have one request under way.
    let caller = caller("http-p3", &grants, &inside, |spec| {
        patient(spec);
        one_instance(spec);
        (spec.instances.in_flight, spec.limits.requests) = (2, 1);
    })
    .await;
    let first = caller.clone();
    let first = tokio::spawn(async move {
        get(&first, "/forward?other.airssys.internal/sleep?ms=100000000").await
    });
    begun(&other).await;
    let path = format!("/forward?{SHOP}/");
    let (began, waits) = (Instant::now(), async {
        until("a request without a place", || {
            let requests = caller.limits().into_iter().find(|of| of.limit == Limit::Requests);
            requests.is_some_and(|of| of.hits > 0)
        })
        .await;
        caller.change_rights(Rights::clone(&rights(&["services:other"]))).unwrap();
    });
    let (said, ()) = tokio::join!(got(&caller, &path), waits);
    assert_eq!(said, (403, "HttpRequestDenied".into()));
    assert!(began.elapsed() < FOR_A_PLACE, "it waited for as long as for a place");
    assert!(!first.is_finished(), "the place was taken all the while");
    first.abort();
}
