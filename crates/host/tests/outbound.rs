//! Requests that a guest sends and should not: behind a redirect, past its grant by another spelling, or hidden in
//! another request.

mod common;

use std::sync::{Arc, Mutex};

use airssys_wasm_host::Pool;
use bytes::Bytes;
use common::told::Told;
use common::{call, got, pool, rights, text};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::sync::mpsc;

/// A server that keeps what it is asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    /// Told when a connection has ended.
    ended: mpsc::Receiver<()>,
}

impl Server {
    /// One that answers with this status, and leads there.
    async fn that_leads(status: u16, location: Option<String>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (end, ended) = mpsc::channel(100);
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, location, end) = (Arc::clone(&seen), location.clone(), end.clone());
                let service =
                    hyper::service::service_fn(move |request: http::Request<Incoming>| {
                        let (seen, location) = (Arc::clone(&seen), location.clone());
                        async move {
                            let (head, body) = request.into_parts();
                            let body = body.collect().await.map(|body| body.to_bytes().len());
                            let said = format!("{} {} {body:?}", head.method, head.uri);
                            seen.lock().unwrap().push(said);
                            let mut answer = http::Response::builder().status(status);
                            if let Some(location) = location {
                                answer = answer.header("location", location);
                            }
                            answer.body(Full::<Bytes>::from("from outside"))
                        }
                    });
                let stream = hyper_util::rt::TokioIo::new(stream);
                let builder = hyper::server::conn::http1::Builder::new();
                let connection = builder.serve_connection(stream, service);
                tokio::spawn(async move {
                    let _ = connection.await;
                    let _ = end.send(()).await;
                });
            }
        });
        Self { port, asked, ended }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    fn grant(&self) -> String {
        format!("http:127.0.0.1:{}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn guest(grants: &[&str]) -> Arc<Pool> {
    let rights = rights(grants);
    pool("http-hostile", |spec| spec.rights = rights).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_followed_by_the_guest_alone_and_only_to_where_it_may_go() {
    let end = Server::that_leads(200, None).await;
    let start = Server::that_leads(302, Some(end.url())).await;
    let url = format!("/fetch?url={}", start.url());
    let one = guest(&[&start.grant()]).await;
    assert_eq!(got(&one, &url).await, (302, "from outside".to_owned()), "the host follows nothing");
    let followed = format!("{url}&follow=1");
    assert_eq!(got(&one, &followed).await, (403, "ErrorCode::HttpRequestDenied".to_owned()));
    assert!(end.asked().is_empty());
    let both = guest(&[&start.grant(), &end.grant()]).await;
    assert_eq!(got(&both, &followed).await, (200, "from outside".to_owned()));
    assert_eq!(end.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_a_host_is_another_host() {
    let server = Server::that_leads(200, None).await;
    let port = server.port;
    let pool = guest(&[&server.grant()]).await;
    for (authority, wanted) in [
        (format!("127.0.0.1:{port}@evil.example"), [403, 502]),
        (format!("evil.example@127.0.0.1:{port}"), [502, 502]),
        (format!("evil.example:80@127.0.0.1:{port}"), [502, 502]),
        (format!("evil.example:{port}"), [403, 403]),
        (format!("127.0.0.1.evil.example:{port}"), [403, 403]),
        (format!("127.0.0.1:{port}%252f.evil.example"), [403, 502]),
        (format!("127.1:{port}"), [403, 502]),
        (format!("2130706433:{port}"), [403, 403]),
        (format!("0x7f.0.0.1:{port}"), [403, 403]),
        (format!("localhost:{port}"), [403, 403]),
        ("127.0.0.1".to_owned(), [403, 403]),
    ] {
        let status = got(&pool, &format!("/fetch?url=http://{authority}/")).await.0;
        assert!(wanted.contains(&status), "{authority}: {status}");
    }
    assert!(server.asked().is_empty(), "{:?}", server.asked());
    // The same address, as IPv6 has it.
    for authority in [format!("127.0.0.1:{port}"), format!("[::ffff:127.0.0.1]:{port}")] {
        assert_eq!(got(&pool, &format!("/fetch?url=http://{authority}/")).await.0, 200);
    }
}

/// What a guest of WASI 0.3 that hands this request on is answered.
async fn handed_on(pool: &Arc<Pool>, method: &str, to: &str) -> (u16, String) {
    let request = http::Request::builder().method(method).uri(format!("/forward?{to}"));
    let request = request.header("host", "tested.localhost").body(Full::<Bytes>::default());
    let answer = pool.claim(call()).await.unwrap().http(request.unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    (status, text(answer.into_body()).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_wasi_0_3_leaves_by_its_method_host_and_path_alone() {
    let server = Server::that_leads(200, None).await;
    let told = Arc::new(Told::seeing_uses(false));
    let watch = Arc::clone(&told);
    let (host, port) = ("127.0.0.1", server.port);
    let one = pool("http-p3", |spec| {
        spec.rights = rights(&[&format!("http:{host}:{port}/v1/**:GET,HEAD")]);
        spec.watch = watch;
    })
    .await;
    let named = pool("http-p3", |spec| spec.rights = rights(&[&format!("http:*:{port}")])).await;
    let nothing = pool("http-p3", |_| ()).await;
    let allowed = format!("{host}:{port}/v1/x");
    for (pool, method, to) in [
        (&one, "POST", &*allowed),
        (&one, "GET", &format!("{host}:{port}/v2/x")),
        (&one, "GET", &format!("{host}:{port}/v1/%2e%2e/v2/x")),
        (&one, "GET", &format!("localhost:{port}/v1/x")),
        (&one, "GET", &format!("{host}/v1/x")),
        (&one, "GET", "elsewhere.example/v1/x"),
        (&named, "GET", &allowed),
        (&nothing, "GET", &allowed),
    ] {
        let denied = (403, "HttpRequestDenied".to_owned());
        assert_eq!(handed_on(pool, method, to).await, denied, "{method} {to}");
    }
    // The name is granted, and leads inside; the address is not.
    let inside = handed_on(&named, "GET", &format!("localhost:{port}/v1/x")).await;
    assert_eq!(inside, (502, "ErrorCode::DestinationIpProhibited".to_owned()));
    assert!(server.asked().is_empty(), "{:?}", server.asked());
    let denied = told.denied();
    assert_eq!(denied.len(), 6, "{denied:?}");
    assert_eq!((&*denied[0].act, &*denied[0].target), ("send POST to", &*allowed));

    let answered = (200, "from outside".to_owned());
    assert_eq!(handed_on(&one, "GET", &allowed).await, answered);
    assert_eq!(server.asked(), ["GET /v1/x Ok(0)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_end_and_its_connection_headers_are_the_hosts() {
    let mut server = Server::that_leads(200, None).await;
    let pool = guest(&[&server.grant()]).await;
    let fetch = |rest: &str| format!("/fetch?url={}{rest}", server.url());
    for header in
        ["host", "connection", "transfer-encoding", "keep-alive", "upgrade", "a%0d%0ab", "a:b"]
    {
        let said = got(&pool, &fetch(&format!("&header={header}&value=x"))).await;
        assert_eq!(said.0, 418, "{header}: {said:?}");
    }
    for value in ["a%0d%0ax: y", "a%0d%0a%0d%0aGET%20/hidden HTTP/1.1", "a%0ab", "a%00b"] {
        let value = value.replace(' ', "%20");
        let said = got(&pool, &fetch(&format!("&header=x-a&value={value}"))).await;
        assert_eq!(said.0, 418, "{value}: {said:?}");
    }
    for path in ["%0d%0ahidden", "x%20HTTP/1.1%0d%0ahidden: 1"] {
        let said = got(&pool, &fetch(&path.replace(' ', "%20"))).await;
        assert_eq!(said.0, 502, "{path}: {said:?}");
    }
    assert!(server.asked().is_empty(), "{:?}", server.asked());

    // A length that is not the body's: however the request ends, nothing of it is another one.
    for (length, bytes) in [(4, 100), (100, 4)] {
        got(&pool, &fetch(&format!("&header=content-length&value={length}&bytes={bytes}"))).await;
    }
    // Every connection has ended: those of requests that were never whole have none, or one.
    let (status, _) = got(&pool, &fetch("&header=content-length&value=4&bytes=4")).await;
    assert_eq!(status, 200);
    server.ended.recv().await.unwrap();
    let asked = server.asked();
    let whole = |said: &&String| said.contains("Ok(4)");
    assert!(asked.iter().filter(whole).count() >= 1, "{asked:?}");
    assert!(
        asked.iter().all(|said| said.starts_with("POST / ") && !said.contains("Ok(100)")),
        "{asked:?}"
    );
    assert!(asked.len() <= 3, "{asked:?}");
}
