//! Calls of handlers and functions by `airssys:component/services`: within their limits, with their grant, and of live
//! calls alone.

mod common;

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{
    CallCtx, Input, Limit, Output, Pool, RevisionSpec, ServiceBody, ServiceFault, Services,
    Unreached,
};
use airssys_wasm_model::{ByteSize, Name, Rights, Span};
use common::inside::{FORWARDS, Inside, SHOP, caller};
use common::waiting::until;
use common::{config, got, pool, said};
use futures::future::BoxFuture;
use http::{Request, Response};

/// A guest that calls as it is told, by its grants of `shop` and `words`.
async fn desk(
    services: &Arc<impl Services + 'static>,
    more: impl FnOnce(&mut RevisionSpec),
) -> Arc<Pool> {
    caller("relay", &["services:shop", "services:words"], services, more).await
}

/// A service that repeats what it is told after this greeting.
async fn words(greeting: &str) -> Arc<Pool> {
    let greeting = config(serde_json::json!({ "greeting": greeting }));
    pool("echo-handler", |spec| spec.config = greeting).await
}

/// No limit on time ends anything here.
fn patient(spec: &mut RevisionSpec) {
    (spec.limits.time, spec.limits.cpu) = (DAY, DAY);
}

const DAY: Span = Span(Duration::from_secs(24 * 60 * 60));

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_handler_count_as_requests() {
    let words = words("good day").await;
    let inside = Inside::of([("words", &words)]);
    let limited = async |change: fn(&mut RevisionSpec)| desk(&inside, change).await;
    let none = limited(|spec| spec.limits.requests = 0).await;
    let busy = |said: String| said.starts_with("Busy(");
    assert!(busy(said(&none, "call words x").await));
    let slow = limited(|spec| spec.limits.request_rate = 1).await;
    let mut refused = false;
    // Two of them begin in one second, however slow the machine is.
    for _ in 0..100 {
        refused |= busy(said(&slow, "call words x").await);
    }
    assert!(refused);
    let requests = slow.limits().into_iter().find(|of| of.limit == Limit::Requests).unwrap();
    assert_eq!(requests.used, Some(0.0), "each has given its place back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_is_told_and_answers_is_transferred() {
    let (words, talker) = (words("good day").await, words(&"x".repeat(2_000)).await);
    let inside = Inside::of([("words", &words), ("shop", &talker)]);
    let small = desk(&inside, |spec| spec.limits.transfer = ByteSize(1 << 10)).await;
    assert_eq!(said(&small, "call words x").await, "good day, x");
    let reached = "Failed(\"the component's limit `transfer` is reached\")";
    let long = format!("call words {}", "x".repeat(2_000));
    assert_eq!(said(&small, &long).await, reached);
    assert_eq!(inside.calls().len(), 1, "what is too much is not sent");
    assert_eq!(said(&small, "call shop x").await, reached);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_computes_ends_when_the_grant_of_its_call_is_revoked() {
    let shop = pool("functions", patient).await;
    let inside = Inside::of([("shop", &shop)]);
    let desk = desk(&inside, patient).await;
    let (answer, ()) = tokio::join!(said(&desk, "invoke shop spin"), async {
        until("an instance that is called", || shop.stats().instances > 0).await;
        desk.change_rights(Rights::default()).unwrap();
    });
    assert_eq!(answer, "Denied");
    until("the end of the call", || shop.stats().instances == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_call_calls_no_handler_and_no_function() {
    let words = words("good day").await;
    let inside = Inside::of([("words", &words)]);
    let live = desk(&inside, |_| ()).await;
    let copies = live.shadow(4).unwrap();
    for (command, refused) in [("call words x", 1), ("invoke words greet", 2)] {
        let said = said(&copies, command).await;
        assert_eq!(said, "Failed(\"the copy of a call calls nobody\")", "{command}");
        assert_eq!((copies.stats().refused, inside.calls().len()), (refused, 0), "{command}");
    }
    assert_eq!(said(&live, "call words x").await, "good day, x");
}

/// Services of a node that fails.
struct Failing;

impl Services for Failing {
    fn http(
        &self,
        _to: &Name,
        _request: Request<ServiceBody>,
        _call: CallCtx,
    ) -> BoxFuture<'static, Result<Response<ServiceBody>, Unreached>> {
        Box::pin(async { panic!("a request") })
    }

    fn execute(
        &self,
        _to: &Name,
        _input: Input,
        _call: CallCtx,
    ) -> BoxFuture<'static, Result<Output, ServiceFault>> {
        Box::pin(async { panic!("a handler") })
    }

    fn invoke(
        &self,
        _to: &Name,
        _function: String,
        _arguments: Vec<String>,
        _call: CallCtx,
    ) -> BoxFuture<'static, Result<String, ServiceFault>> {
        Box::pin(async { panic!("a function") })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_in_the_node_is_an_error_and_takes_nobody_with_it() {
    let failing = Arc::new(Failing);
    let desk = desk(&failing, |_| ()).await;
    let failed = "Failed(\"the node did not carry the call to its end\")";
    assert_eq!(said(&desk, "call shop x").await, failed);
    assert_eq!(said(&desk, "invoke shop spin").await, failed);
    for (guest, to) in FORWARDS {
        let caller = caller(guest, &["services:shop"], &failing, |_| ()).await;
        let (status, said) = got(&caller, &format!("{to}{SHOP}/")).await;
        assert!(status == 502 && said.contains("InternalError"), "{guest}: {said}");
    }
}
