//! Whose call it is that calls out, of an instance that several share: by `async` functions and by those that are none.

mod common;

use std::sync::Arc;

use airssys_wasm_host::{Pool, Processes};
use airssys_wasm_model::InstanceModel;
use bytes::Bytes;
use common::inside::{Inside, caller};
use common::told::Told;
use common::waiting::within;
use common::{call, got, model, pool, sent_by_pieces, text};

/// Ways to call out once a request has been read to its end, what the guest needs for it, and how many requests come to
/// a service by it.
const WAYS: [(&str, &str, usize); 5] = [
    ("http-p3", "/after?shop.airssys.internal/", 1),
    ("calls-p3", "/get?shop.airssys.internal/", 1),
    ("calls-p3", "/call?words/x", 1),
    ("calls-p3", "/invoke?numbers/none", 1),
    ("calls-p3", "/run?upper", 0),
];

const GRANTS: [&str; 4] = ["services:shop", "services:words", "services:numbers", "process:upper"];

/// One instance, of several calls at once, which is told of.
async fn shared(guest: &str, inside: &Arc<Inside>, told: &Arc<Told>) -> Arc<Pool> {
    let list = "[upper]\nprogram = \"/bin/true\"\n".parse().unwrap();
    let programs = Processes::new(list).for_service();
    let watch = Arc::clone(told);
    caller(guest, &GRANTS, inside, |spec| {
        model(spec, InstanceModel::Pooled);
        (spec.instances.max, spec.instances.in_flight) = (1, 8);
        spec.backends.processes = Some(programs);
        spec.watch = watch;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_shared_instance_goes_on_from_the_one_that_made_it() {
    let shop = pool("http-hello", |_| ()).await;
    let words = pool("echo-handler", |_| ()).await;
    let numbers = pool("functions", |_| ()).await;
    for (guest, path, comes) in WAYS {
        let services = [("shop", &shop), ("words", &words), ("numbers", &numbers)];
        let (inside, told) = (Inside::of(services), Arc::new(Told::default()));
        let caller = shared(guest, &inside, &told).await;
        // One call is under way when others begin, and goes on after them.
        let (sender, sent) = sent_by_pieces();
        let request = http::Request::post(path).header("host", "tested.localhost");
        let request = request.body(sent).unwrap();
        let first = call();
        let name = first.request_id.to_string();
        let lease = caller.claim(first).await.unwrap();
        let waiting = tokio::spawn(lease.http(request));
        sender.send(Bytes::from_static(b"begun")).await.unwrap();
        let begun = within("its guest's first reading", sender.reserve()).await;
        drop(begun.expect("its guest reads"));
        for count in 2..40 {
            let counted = got(&caller, "/count").await.1;
            assert_eq!(counted, count.to_string(), "{guest} {path}: one instance serves all");
        }
        drop(sender);
        let answer = within("its answer", waiting).await.unwrap().unwrap();
        let said = text(answer.into_body()).await.unwrap();
        let used = told.used();
        assert_eq!(used.len(), 1, "{guest} {path}: {said} {used:?}");
        assert_eq!(used[0].call, name, "{guest} {path}: {said}");
        let calls = inside.calls();
        assert_eq!(calls.len(), comes, "{guest} {path}: {said}");
        for call in calls {
            assert_eq!(call.request_id.to_string(), name, "{guest} {path}: {said}");
        }
    }
}
