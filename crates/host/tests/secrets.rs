//! Secrets, tried through a real guest: seen, sent by handle, denied, and set anew.

mod common;

use std::sync::{Arc, Mutex};

use airssys_wasm_host::{
    Backends, Pool, RevisionSpec, SecretError, SecretSource, SecretValue, Value,
};
use airssys_wasm_model::Kind;
use bytes::Bytes;
use common::told::Told;
use common::{Kept, call, pool, rights};
use http_body_util::Full;

const OLD: &str = "correct-horse";
const NEW: &str = "battery-staple";

/// One secret, `db`, whose value can be set anew.
struct Source(Mutex<Vec<u8>>);

struct Held(Vec<u8>);

impl SecretValue for Held {
    fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Source {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(OLD.into())))
    }

    fn set(&self, value: &str) {
        *self.0.lock().unwrap() = value.into();
    }
}

impl SecretSource for Source {
    fn current(&self, name: &str) -> Result<Option<Arc<dyn SecretValue>>, SecretError> {
        match name {
            "db" => Ok(Some(Arc::new(Held(self.0.lock().unwrap().clone())))),
            "broken" => Err(SecretError("it was sealed with another key".into())),
            _ => Ok(None),
        }
    }
}

async fn guest(grants: &[&str], more: impl FnOnce(&mut RevisionSpec)) -> (Arc<Pool>, Arc<Source>) {
    let (source, rights) = (Source::new(), rights(grants));
    let secrets = Some(source.clone() as Arc<dyn SecretSource>);
    let pool = pool("keyvalue", |spec| {
        spec.rights = rights;
        spec.backends = Backends { secrets, ..Backends::default() };
        more(spec);
    });
    (pool.await, source)
}

/// Runs these commands in one call, written with spaces for tabs; an answer for each.
async fn run(pool: &Arc<Pool>, lines: &[&str]) -> Vec<String> {
    let script = Value::String(lines.join("\n").replace(' ', "\t"));
    let answer = pool.claim(call()).await.unwrap().call("run", vec![script]).await.unwrap();
    let Some(Value::String(answers)) = answer else { panic!("{answer:?}") };
    answers.split('\n').map(ToOwned::to_owned).collect()
}

/// A server that keeps the path and the header `authorization` of each request that it gets.
async fn server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let got = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&got);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let keep = Arc::clone(&keep);
            let service = hyper::service::service_fn(move |request: http::Request<_>| {
                let _: &hyper::body::Incoming = request.body();
                let header = |name| {
                    let value = request.headers().get(name).map(|value| value.to_str().unwrap());
                    value.unwrap_or("-").to_owned()
                };
                let said = format!("{} {}", request.uri().path(), header("authorization"));
                keep.lock().unwrap().push(said);
                async {
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::from(
                        "got",
                    )))
                }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(stream, service),
            );
        }
    });
    (port, got)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_seen_by_who_may_see_it_and_nobody_else() {
    let (sees, source) = guest(&["secrets:db:revealed", "secrets:broken:revealed"], |_| ()).await;
    assert_eq!(run(&sees, &["config secrets/db"]).await, [OLD]);
    source.set(NEW);
    let said = run(&sees, &["config secrets/db", "config secrets/none", "all-config"]).await;
    assert_eq!(said, [NEW, "Error::Upstream(\"the secret `none` is not granted\")", ""]);
    let said =
        run(&sees, &["config secrets/broken", "config secrets/", "config secrets/a/b"]).await;
    let broken = "Error::Upstream(\"the secret `broken` cannot be read\")";
    assert_eq!(said, [broken, "none", "none"]);

    let (sends, _) = guest(&["secrets:db=api.example.com"], |_| ()).await;
    let said = run(&sends, &["config secrets/db", "config secrets/db"]).await;
    assert!(said[0].starts_with("airssys-secret-") && said[0] == said[1], "{said:?}");
    assert_ne!(run(&sends, &["config secrets/db"]).await, said[..1], "of another instance");
    let (none, _) = guest(&[], |_| ()).await;
    let said = run(&none, &["config secrets/db"]).await;
    assert_eq!(said, ["Error::Upstream(\"the secret `db` is not granted\")"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_becomes_the_value_in_headers_to_the_granted_host_alone() {
    let ((port, got), (other, elsewhere)) = (server().await, server().await);
    let grants = [
        format!("secrets:db=127.0.0.1:{port}"),
        format!("http:127.0.0.1:{port}"),
        format!("http:127.0.0.1:{other}"),
    ];
    let grants = grants.each_ref().map(String::as_str);
    let (pool, source) = guest(&grants, |_| ()).await;
    let send = |port, path, value| {
        format!("send http://127.0.0.1:{port}/{path} authorization {value} secrets/db")
    };
    assert_eq!(run(&pool, &[&send(port, "a", "Bearer-{}!")]).await, ["200 got"]);
    source.set(NEW);
    assert_eq!(run(&pool, &[&send(port, "b", "{}{}")]).await, ["200 got"]);
    assert_eq!(*got.lock().unwrap(), [format!("/a Bearer-{OLD}!"), format!("/b {NEW}{NEW}")]);
    // For another host, with a made-up or a broken one: it does not leave.
    let made_up = format!("airssys-secret-{}", "0".repeat(32));
    for (port, value) in [(other, "{}"), (port, &*made_up), (port, "airssys-secret-")] {
        assert_eq!(run(&pool, &[&send(port, "c", value)]).await, ["HttpRequestDenied"], "{value}");
    }
    assert_eq!((elsewhere.lock().unwrap().len(), got.lock().unwrap().len()), (0, 2));
    // A path is left as it is: the server gets the placeholder and no more.
    assert_eq!(run(&pool, &[&send(port, "{}", "x")]).await, ["200 got"]);
    assert!(got.lock().unwrap()[2].starts_with("/airssys-secret-"));
    // What no header can have is not sent either.
    source.set("two\nlines");
    assert_eq!(run(&pool, &[&send(port, "d", "{}")]).await, ["HttpRequestDenied"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_a_value_goes_to_a_port_that_was_named_and_to_no_other() {
    let grants = [
        "secrets:db=localhost",
        "secrets:db=localhost:443",
        "http:localhost:80",
        "http:localhost:443",
    ];
    let log = Arc::new(Kept::default());
    let sink = log.clone();
    let (pool, _) = guest(&grants, |spec| spec.sink = sink).await;
    for url in ["http://localhost/", "http://localhost:80/", "http://localhost:443/"] {
        let send = format!("send {url} authorization {{}} secrets/db");
        assert_eq!(run(&pool, &[&send]).await, ["HttpRequestDenied"], "{url}");
    }
    let log = log.0.lock().unwrap().join("\n");
    assert!(log.contains("may not send the secret `db=localhost:80`"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_use_is_told_and_no_value_is_in_what_is_told_or_logged() {
    let (port, _got) = server().await;
    let (seen, log) = (Arc::<Told>::default(), Arc::new(Kept::default()));
    let (watch, sink) = (seen.clone(), log.clone());
    let grants = [
        "secrets:db:revealed".to_owned(),
        format!("secrets:db=127.0.0.1:{port}"),
        format!("http:127.0.0.1:{port}"),
    ];
    let (pool, _) = guest(&grants.each_ref().map(String::as_str), |spec| {
        spec.watch = watch;
        spec.sink = sink;
    })
    .await;
    let send = format!("send http://127.0.0.1:{port}/ authorization {{}} secrets/db");
    let print = format!("print it is {OLD}: and {OLD}");
    run(&pool, &["config secrets/db", &print, &send, "config secrets/other"]).await;
    let used = seen.used().into_iter().filter(|it| it.kind == Kind::Secrets);
    let used = used.map(|it| format!("used {}", it.target));
    let denied = seen.denied().into_iter().map(|it| it.to_string());
    let seen = used.chain(denied).collect::<Vec<_>>().join("\n");
    let log = log.0.lock().unwrap().join("\n");
    assert!(
        seen.contains("used db:revealed") && seen.contains("grant `secrets:other=HOST`"),
        "{seen}"
    );
    assert!(log.contains("it is [secret db]: and [secret db]"), "{log}");
    assert!(!seen.contains("horse") && !log.contains("horse"), "{seen}\n{log}");
}
