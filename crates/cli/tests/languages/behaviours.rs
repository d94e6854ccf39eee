//! The behaviours: what a component in any language does, each shown by calls of the conformance guest.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use airssys_wasm_host::{CallCtx, CallError, Caller, Input, Kind, MemoryKeeper, Pool, RequestId};
use airssys_wasm_model::InstanceModel;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::guest::{Guest, Heard, Setting, call, call_with};
use crate::peer::Peer;

/// How one is shown.
type Shown<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// One row of the table.
pub(crate) struct Behaviour {
    /// As the guide says it.
    pub(crate) says: &'static str,
    show: for<'a> fn(&'a Guest) -> Shown<'a>,
}

macro_rules! behaviour {
    ($says:literal, $show:path) => {
        Behaviour { says: $says, show: |guest| Box::pin($show(guest)) }
    };
}

/// Every row, in the guide's order.
pub(crate) const ALL: &[Behaviour] = &[
    behaviour!("bytes of every length around the boundaries come and go as they are", lengths),
    behaviour!("16 MiB in and out in one call", large),
    behaviour!("text of every script; bytes that are no text are the caller's mistake", unicode),
    behaviour!("a list of 100,000 numbers", numbers),
    behaviour!("content type and metadata reach the code, and come back", metadata),
    behaviour!("each kind of error is told apart, with its message", errors),
    behaviour!("a crash costs the call and not the service", crash),
    behaviour!("the configuration as it was given, and refused before any call", configuration),
    behaviour!("a value of wasi:config", value),
    behaviour!("log lines keep their level", logging),
    behaviour!("request id, trace parent, deadline, caller and attempt are seen", context),
    behaviour!("key-value: set, get, delete, list, increment; denied without a grant", keyvalue),
    behaviour!("outbound HTTP, and its refusal", http),
    behaviour!("four instances have a call under way at once", concurrency),
    behaviour!("the state is kept across a restart and into the next version", state),
    behaviour!("100,000 replies of 64 KiB under 256 MiB", replies),
];

/// What each row came to: nothing, or why it doesn't hold.
pub(crate) async fn all(guest: &Guest) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for behaviour in ALL {
        found.push((behaviour.show)(guest).await.err().map(|error| format!("{error:#}")));
    }
    found
}

/// The bytes that `fill` answers.
fn filled(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Calls an operation, for its bytes.
async fn answered(pool: &Arc<Pool>, op: &str, body: impl Into<bytes::Bytes>) -> Result<Vec<u8>> {
    let output = call(pool, op, body).await.with_context(|| format!("`{op}`"))?;
    Ok(output.body.to_vec())
}

/// The same for text.
async fn said(pool: &Arc<Pool>, op: &str, body: &str) -> Result<String> {
    Ok(String::from_utf8(answered(pool, op, body.to_owned()).await?)?)
}

/// Calls an operation that must answer with an error of this kind, for its message.
async fn refused(
    pool: &Arc<Pool>,
    op: &str,
    body: impl Into<bytes::Bytes>,
    kind: Kind,
) -> Result<String> {
    match call(pool, op, body).await {
        Err(CallError::Fault(fault)) if fault.kind == kind => Ok(fault.message),
        other => bail!("`{op}` was to be refused as {kind:?}, and came to {other:?}"),
    }
}

async fn lengths(guest: &Guest) -> Result<()> {
    const LENGTHS: [usize; 18] =
        [0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 255, 256, 257, 4095, 4096, 65_535, 65_536, 65_537];
    let pool = guest.pool(&Setting::default()).await;
    for length in LENGTHS {
        let bytes = filled(length);
        ensure!(answered(&pool, "echo", bytes.clone()).await? == bytes, "{length} bytes echoed");
        let made = answered(&pool, "fill", length.to_string()).await?;
        ensure!(made == bytes, "{length} bytes made");
        let counted = answered(&pool, "length", bytes).await?;
        ensure!(counted == length.to_string().into_bytes(), "{length} bytes counted");
    }
    Ok(())
}

async fn large(guest: &Guest) -> Result<()> {
    let pool = guest.pool(&Setting::default()).await;
    let bytes = filled(16 << 20);
    ensure!(answered(&pool, "echo", bytes.clone()).await? == bytes, "16 MiB came back otherwise");
    Ok(())
}

async fn unicode(guest: &Guest) -> Result<()> {
    let pool = guest.pool(&Setting::default()).await;
    for text in ["", "plain", "grüße", "日本語", "שלום", "👩‍👩‍👧‍👦 e\u{301}", "\u{10ffff}"]
    {
        ensure!(said(&pool, "echo", text).await? == text, "`{text}` came back otherwise");
    }
    let upper = said(&pool, "upper", "ada").await?;
    ensure!(upper == "ADA", "upper case of `ada` is `{upper}`");
    for bytes in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80"] {
        let message = refused(&pool, "upper", bytes.to_vec(), Kind::InvalidInput).await?;
        ensure!(message.contains("not UTF-8"), "{message}");
    }
    Ok(())
}

async fn numbers(guest: &Guest) -> Result<()> {
    let pool = guest.pool(&Setting::default()).await;
    let numbers: Vec<u32> = (0..100_000).collect();
    let sum: u64 = numbers.iter().map(|number| u64::from(*number)).sum();
    let answer = answered(&pool, "sum", serde_json::to_vec(&numbers)?).await?;
    ensure!(answer == sum.to_string().into_bytes(), "{}", String::from_utf8_lossy(&answer));
    ensure!(said(&pool, "sum", "[]").await? == "0", "the sum of nothing");
    Ok(())
}

async fn metadata(guest: &Guest) -> Result<()> {
    let pool = guest.pool(&Setting::default()).await;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let more = vec![pair("colour", "grün"), pair("colour", "red"), pair("empty", "")];
    let metadata = [vec![pair("OP", "echo")], more.clone()].concat();
    let content_type = Some("application/x-thing; v=1".to_owned());
    let input = Input { body: "x".into(), content_type: content_type.clone(), metadata };
    let output = call_with(&pool, CallCtx::new(RequestId::draw()), input).await?;
    ensure!(output.content_type == content_type, "{:?}", output.content_type);
    ensure!(output.metadata == more, "{:?}", output.metadata);
    Ok(())
}

async fn errors(guest: &Guest) -> Result<()> {
    let pool = guest.pool(&Setting::default()).await;
    let kinds = [
        ("invalid-input", Kind::InvalidInput),
        ("invalid-config", Kind::InvalidConfig),
        ("denied", Kind::Denied),
        ("unavailable", Kind::Unavailable),
        ("failed", Kind::Failed),
    ];
    for (word, kind) in kinds {
        let message = refused(&pool, "error", word, kind).await?;
        ensure!(message == format!("as asked: {word}"), "{message}");
    }
    Ok(())
}

async fn crash(guest: &Guest) -> Result<()> {
    let pool = guest.pool(&Setting::default()).await;
    for _ in 0..3 {
        match call(&pool, "crash", "").await {
            Err(CallError::Trapped { .. } | CallError::Exited(_)) => {}
            Err(CallError::Fault(fault)) if fault.kind == Kind::Failed => {}
            other => bail!("a crash came to {other:?}"),
        }
        ensure!(said(&pool, "echo", "after").await? == "after", "the call after a crash");
    }
    Ok(())
}

async fn configuration(guest: &Guest) -> Result<()> {
    let config = json!({ "colour": "green", "list": [1, 2.5, null], "nested": { "ü": true } });
    let pool = guest.pool(&Setting { config: config.clone(), ..Setting::default() }).await;
    let seen: Value = serde_json::from_str(&said(&pool, "config", "").await?)?;
    ensure!(seen == config, "{seen}");
    let config = json!({ "colour": "mauve" });
    let pool = guest.pool(&Setting { config, ..Setting::default() }).await;
    match pool.warm().await {
        Err(CallError::Init(fault)) if fault.kind == Kind::InvalidConfig => {
            ensure!(fault.message.contains("no colour called mauve"), "{}", fault.message);
        }
        other => bail!("a colour that there is not came to {other:?}"),
    }
    Ok(())
}

async fn value(guest: &Guest) -> Result<()> {
    let config = json!({ "region": "north" });
    let pool = guest.pool(&Setting { config, ..Setting::default() }).await;
    ensure!(said(&pool, "env", "region").await? == "north", "a value that is set");
    refused(&pool, "env", "nothing-of-this-name", Kind::InvalidInput).await?;
    Ok(())
}

async fn logging(guest: &Guest) -> Result<()> {
    let sink = Arc::new(Heard::default());
    let pool = guest.pool(&Setting { sink: sink.clone(), ..Setting::default() }).await;
    for level in ["trace", "debug", "info", "warn", "error", "critical"] {
        let text = format!("line at {level} ✓");
        said(&pool, "log", &format!("{level} {text}")).await?;
        ensure!(sink.has(&format!("log({level})"), &text), "no line at {level}");
    }
    Ok(())
}

async fn context(guest: &Guest) -> Result<()> {
    let pool = guest.pool(&Setting::default()).await;
    let id = RequestId::draw();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = CallCtx {
        traceparent: Some(trace.parse()?),
        deadline: Some(Instant::now() + Duration::from_secs(30)),
        caller: Some(Caller::Named("ada".into())),
        attempt: 2,
        ..CallCtx::new(id)
    };
    let metadata = vec![("op".to_owned(), "context".to_owned())];
    let output = call_with(&pool, context, Input { metadata, ..Input::default() }).await?;
    let seen: Value = serde_json::from_slice(&output.body)?;
    ensure!(seen["request_id"] == id.to_string(), "{seen}");
    ensure!(seen["trace_parent"] == trace && seen["caller"] == "ada", "{seen}");
    let left = seen["deadline_ns"].as_u64().context("no deadline")?;
    ensure!((1..=30_000_000_000).contains(&left), "{left} ns are left of 30 s");
    ensure!(seen["attempt"] == 2, "{seen}");
    let plain: Value = serde_json::from_str(&said(&pool, "context", "").await?)?;
    ensure!(plain["trace_parent"].is_null() && plain["caller"].is_null(), "{plain}");
    let left = plain["deadline_ns"].as_u64().context("no deadline by the limit on time")?;
    ensure!((1..=60_000_000_000).contains(&left), "{left} ns are left of 60 s");
    Ok(())
}

async fn keyvalue(guest: &Guest) -> Result<()> {
    let grants = vec!["keyvalue:box:read,write".to_owned()];
    let pool = guest.pool(&Setting { grants, ..Setting::default() }).await;
    for key in ["b", "a"] {
        said(&pool, "kv-set", &format!("box {key} value of {key}")).await?;
    }
    ensure!(said(&pool, "kv-get", "box a").await? == "value of a", "what was set");
    ensure!(said(&pool, "kv-list", "box").await? == "a\nb", "what there is");
    ensure!(said(&pool, "kv-increment", "box n 2").await? == "2", "from nothing");
    ensure!(said(&pool, "kv-increment", "box n 40").await? == "42", "and on");
    said(&pool, "kv-delete", "box a").await?;
    refused(&pool, "kv-get", "box a", Kind::InvalidInput).await?;
    for (op, body) in [("kv-get", "other a"), ("kv-set", "other a b")] {
        refused(&pool, op, body, Kind::Denied).await?;
    }
    Ok(())
}

async fn http(guest: &Guest) -> Result<()> {
    let peer = Peer::start().await?;
    let grants = vec![format!("http:{}", peer.address)];
    let pool = guest.pool(&Setting { grants, ..Setting::default() }).await;
    let url = format!("http://{}/path?q=1", peer.address);
    let answer = said(&pool, "http", &format!("POST {url} hello there")).await?;
    ensure!(answer == "200 POST /path?q=1 hello there", "{answer}");
    let answer = said(&pool, "http", &format!("GET http://{}/missing", peer.address)).await?;
    ensure!(answer == "404 GET /missing ", "{answer}");
    refused(&pool, "http", "GET http://127.0.0.1:1/", Kind::Denied).await?;
    Ok(())
}

async fn concurrency(guest: &Guest) -> Result<()> {
    const TOGETHER: usize = 4;
    let peer = Peer::start_for(TOGETHER).await?;
    let grants = vec![format!("http:{}", peer.address)];
    let pool = guest.pool(&Setting { grants, ..Setting::default() }).await;
    let calls = (0..4 * TOGETHER).map(|at| {
        let (pool, url) = (Arc::clone(&pool), format!("http://{}/{at}", peer.address));
        tokio::spawn(async move { said(&pool, "http", &format!("GET {url}")).await })
    });
    for (at, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = call.await??;
        ensure!(answer == format!("200 GET /{at} "), "call {at}: {answer}");
    }
    Ok(())
}

async fn state(guest: &Guest) -> Result<()> {
    let keeper: Arc<MemoryKeeper> = Arc::default();
    let actor = |release| Setting {
        model: InstanceModel::Actor,
        state: Some(keeper.clone()),
        release,
        ..Setting::default()
    };
    let first = guest.pool(&actor(1)).await;
    for expected in ["1", "2", "3"] {
        ensure!(said(&first, "count", "").await? == expected, "the count in one instance");
    }
    first.stop().await;
    let next = guest.pool(&actor(2)).await;
    ensure!(said(&next, "restored-by", "").await? == "1.0.0", "the version that saved it");
    ensure!(said(&next, "count", "").await? == "4", "the count goes on");
    next.stop().await;
    Ok(())
}

/// A runtime that loses what it answers is met by recycling: the calls go on.
async fn replies(guest: &Guest) -> Result<()> {
    const CALLS: usize = 100_000;
    const BYTES: usize = 64 << 10;
    let pool = guest.pool(&Setting::default()).await;
    let expected = filled(BYTES);
    let callers = (0..4).map(|_| {
        let (pool, expected) = (Arc::clone(&pool), expected.clone());
        tokio::spawn(async move {
            for at in 0..CALLS / 4 {
                let answer = answered(&pool, "fill", BYTES.to_string()).await;
                ensure!(answer.with_context(|| format!("call {at}"))? == expected, "call {at}");
            }
            Ok(())
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await??;
    }
    Ok(())
}
