//! A host, the guests that `cargo xtask guests` builds, and what the tests call them with.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod inside;
pub(crate) mod peers;
pub(crate) mod reaching;
pub(crate) mod told;
pub(crate) mod turning;
pub(crate) mod waiting;

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use airssys_wasm_host::{
    Backends, CallCtx, CallError, Host, HostSettings, HttpBody, HttpError, Input, Line, LogSink,
    NoWatch, Output, Pool, PrepareError, RequestId, RevisionSpec,
};
use airssys_wasm_model::{
    Asked, Determinism, Digest, Grants, InstanceModel, Instances, Limits, RevisionNumber, Rights,
    Span, Version,
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::sync::mpsc;

static HOST: LazyLock<Host> = LazyLock::new(|| {
    let settings = HostSettings { instances_max: 100, ..HostSettings::default() };
    Host::new(&settings).expect("a host for the tests")
});

/// The host that the tests of one file share.
pub(crate) fn host() -> Host {
    HOST.clone()
}

/// The bytes of a guest.
pub(crate) fn guest(name: &str) -> Bytes {
    let file = format!("../../guests/target/wasm32-wasip2/release/{}.wasm", name.replace('-', "_"));
    let paths = [file.clone(), file.replace('_', "-")];
    let found = paths
        .iter()
        .find_map(|path| std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).ok());
    found.unwrap_or_else(|| panic!("there is no {file}: run `cargo xtask guests` first")).into()
}

/// A revision that may do nothing, with little patience.
pub(crate) fn spec(artifact: &Bytes) -> RevisionSpec {
    RevisionSpec {
        service: "tested".parse().unwrap(),
        revision: RevisionNumber(1),
        version: Version::new(1, 0, 0),
        digest: Digest::of(artifact),
        config: serde_json::Map::new(),
        asked: Arc::new(Asked::unstated()),
        rights: Arc::default(),
        limits: Limits {
            time: Span(Duration::from_secs(10)),
            cpu: Span(Duration::from_secs(5)),
            ..Limits::default()
        },
        instances: Instances::default(),
        determinism: Determinism::default(),
        sink: Arc::new(Kept::default()),
        watch: Arc::new(NoWatch),
        state: None,
        backends: Backends::default(),
    }
}

/// A pool of this guest.
pub(crate) async fn pool(name: &str, change: impl FnOnce(&mut RevisionSpec)) -> Arc<Pool> {
    try_pool(name, change).await.expect("the guest can be prepared")
}

/// The same, where preparing may fail.
pub(crate) async fn try_pool(
    name: &str,
    change: impl FnOnce(&mut RevisionSpec),
) -> Result<Arc<Pool>, PrepareError> {
    let artifact = guest(name);
    let mut spec = spec(&artifact);
    change(&mut spec);
    Ok(Pool::new(host().prepare(spec, artifact).await?))
}

/// The rights that these grants give to a file without a manifest.
pub(crate) fn rights(grants: &[&str]) -> Arc<Rights> {
    let grants = Grants(grants.iter().map(|text| text.parse().unwrap()).collect());
    Arc::new(Rights::intersect(&Asked::unstated(), &grants).unwrap())
}

/// Sets a revision's model.
pub(crate) fn model(spec: &mut RevisionSpec, model: InstanceModel) {
    spec.instances.model = model;
}

/// A configuration.
pub(crate) fn config(json: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    match json {
        serde_json::Value::Object(map) => map,
        other => panic!("{other} is no configuration"),
    }
}

/// A call.
pub(crate) fn call() -> CallCtx {
    CallCtx::new(RequestId::draw())
}

/// Calls the handler with this text.
pub(crate) async fn execute(pool: &Arc<Pool>, text: &str) -> Result<Output, CallError> {
    let input = Input { body: Bytes::from(text.to_owned()), ..Input::default() };
    pool.claim(call()).await?.execute(input).await
}

/// The same, for its answer as text.
pub(crate) async fn said(pool: &Arc<Pool>, text: &str) -> String {
    let output = execute(pool, text).await.expect("the guest answers");
    String::from_utf8(output.body.into()).unwrap()
}

/// Calls a function.
pub(crate) async fn invoke(
    pool: &Arc<Pool>,
    name: &str,
    args: &[&str],
) -> Result<String, CallError> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    pool.claim(call()).await?.invoke(name, &args).await
}

/// Sends a GET request.
pub(crate) async fn get(
    pool: &Arc<Pool>,
    target: &str,
) -> Result<http::Response<HttpBody>, CallError> {
    let request = http::Request::get(target).header("host", "tested.localhost");
    let request = request.body(Full::<Bytes>::default()).unwrap();
    pool.claim(call()).await?.http(request).await
}

/// The same, for status and text.
pub(crate) async fn got(pool: &Arc<Pool>, target: &str) -> (u16, String) {
    let answer = get(pool, target).await.expect("the guest answers");
    let status = answer.status().as_u16();
    (status, text(answer.into_body()).await.expect("its body comes whole"))
}

/// A body whose pieces are sent one by one, and which ends when the sender is let go of.
pub(crate) fn sent_by_pieces()
-> (mpsc::Sender<Bytes>, impl http_body::Body<Data = Bytes, Error = HttpError> + Send + 'static) {
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let pieces = futures::stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, HttpError>(http_body::Frame::data(piece)), receiver))
    });
    (sender, StreamBody::new(pieces))
}

/// Sends a body to a guest that sends it back, and the second piece when the first has come.
pub(crate) async fn comes_back(pool: &Arc<Pool>, target: &str) {
    let (sender, sent) = sent_by_pieces();
    let request = http::Request::post(target).header("host", "tested.localhost");
    let request = request.body(sent).unwrap();
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    let answer = pool.claim(call()).await.unwrap().http(request).await;
    let mut body = answer.unwrap().into_body();
    let mut came = Vec::new();
    while came.len() < 5 {
        came.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
    }
    assert_eq!(came, b"first", "the first piece comes back before the second is sent");
    sender.send(Bytes::from(vec![b'x'; 300_000])).await.unwrap();
    drop(sender);
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), 300_000);
}

/// Until every instance waits for a call: one is back a little later than its caller has the answer.
pub(crate) async fn at_rest(pool: &Pool) {
    waiting::until("every instance is back", || {
        let stats = pool.stats();
        stats.idle == stats.instances
    })
    .await;
}

/// Keeps one instance, and one only: whichever call is next has the same.
pub(crate) fn one_instance(spec: &mut RevisionSpec) {
    model(spec, InstanceModel::Pooled);
    spec.instances.max = 1;
}

/// Sends GET requests one after the other, each when the instance of the one before is back.
pub(crate) async fn in_turn(pool: &Arc<Pool>, targets: &[&str]) -> Vec<String> {
    let mut said = Vec::new();
    for target in targets {
        said.push(got(pool, target).await.1);
        at_rest(pool).await;
    }
    said
}

/// A body's text.
pub(crate) async fn text(body: HttpBody) -> Result<String, HttpError> {
    Ok(String::from_utf8(body.collect().await?.to_bytes().into()).unwrap())
}

/// Keeps every line.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<Vec<String>>);

impl LogSink for Kept {
    fn line(&self, line: Line<'_>) {
        let said = format!("{:?} {}", line.source, line.text);
        self.0.lock().unwrap().push(said);
    }
}
