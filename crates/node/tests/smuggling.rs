//! Requests and answers that mean one thing to one reader and another to the next, through the HTTP door, byte by
//! byte, and a real guest that tries the same with its answers.

mod common;

use airssys_wasm::Server;
use airssys_wasm_api::command::{Deploy, Source};
use airssys_wasm_api::{By, Command};
use common::{V1, guest, name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A node with the guests `hello` and `hostile`.
struct Door {
    server: Server,
    _dir: tempfile::TempDir,
}

impl Door {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let door = Self { server: common::server(dir.path()).await, _dir: dir };
        for (service, file) in [("hello", "http-hello"), ("hostile", "http-hostile")] {
            let digest = door.server.node().store().blobs().put(&guest(file)).unwrap();
            let deploy = Deploy {
                name: Some(name(service)),
                version: Some(V1),
                grant_asked: true,
                ..Deploy::of(Source::Artifact(digest))
            };
            let by = By::unwatched("tester", "a-request");
            door.server.node().act(Command::Deploy(deploy), by).await.unwrap();
        }
        door
    }

    /// All that comes back for these bytes until the node closes the connection: because it refuses them, or because
    /// their last request says so.
    async fn said(&self, bytes: &[u8]) -> String {
        let address = self.server.http();
        let address = address.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A server that closes before it has read all resets the connection: what came before counts.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The statuses of the answers.
fn statuses(said: &str) -> Vec<u16> {
    said.split("HTTP/1.1 ").skip(1).map(|rest| rest[..3].parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_two_meanings_is_refused_and_nothing_of_it_is_a_request_of_its_own() {
    let door = Door::open().await;
    let hidden = "GET /hello/status/299 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let post = |headers: &str, body: &str| {
        format!("POST /hello/echo HTTP/1.1\r\nhost: h\r\n{headers}\r\n{body}")
    };
    let refused = [
        (
            "two lengths",
            post("content-length: 3\r\ncontent-length: 5\r\n", &format!("abc{hidden}")),
        ),
        ("two lengths in one", post("content-length: 3, 5\r\n", &format!("abc{hidden}"))),
        ("a length with a sign", post("content-length: +3\r\n", &format!("abc{hidden}"))),
        ("a length that is none", post("content-length: 0x3\r\n", &format!("abc{hidden}"))),
        (
            "a coding that is none",
            post("transfer-encoding: xchunked\r\n", &format!("0\r\n\r\n{hidden}")),
        ),
        (
            "chunked that is not the last coding",
            post("transfer-encoding: chunked, identity\r\n", &format!("0\r\n\r\n{hidden}")),
        ),
        (
            "a coding in HTTP/1.0",
            format!(
                "POST /hello/echo HTTP/1.0\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
            ),
        ),
        ("a folded line", post("x-a: b\r\n content-length: 3\r\n", hidden)),
        ("a space before the colon", post("content-length : 3\r\n", &format!("abc{hidden}"))),
        ("a carriage return alone", post("x-a: b\rcontent-length: 3\r\n", hidden)),
        ("a NUL", post("x-a: b\0c\r\n", hidden)),
        ("a name that is none", post("x a: b\r\n", hidden)),
    ];
    for (what, bytes) in refused {
        let said = door.said(bytes.as_bytes()).await;
        assert_eq!(statuses(&said), [400], "{what}: {said}");
    }
    let twin = post("content-length: 3\r\n", &format!("abc{hidden}"));
    assert_eq!(statuses(&door.said(twin.as_bytes()).await), [200, 299], "what follows is the next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_chunks_counts_for_nobody() {
    let door = Door::open().await;
    for headers in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
    ] {
        // By the length the body would be `5\r\nh`, and what follows another request.
        let head = |path: &str| {
            format!("POST /hello/{path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{headers}")
        };
        let chunks = "5\r\nhello\r\n0\r\n\r\n";
        let said = door.said(format!("{}\r\n{chunks}", head("echo")).as_bytes()).await;
        assert_eq!(statuses(&said), [200], "{said}");
        assert!(said.contains("hello"), "{said}");
        let said =
            door.said(format!("{}x-last: 1\r\n\r\n{chunks}", head("headers")).as_bytes()).await;
        assert!(said.contains("x-last: 1"), "{said}");
        assert!(!said.contains("content-length: 4"), "the guest was told a length: {said}");
    }
    for body in [
        "-5\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "5\r\nhelloX0\r\n\r\n",
    ] {
        let request = format!(
            "POST /hello/echo HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{body}"
        );
        let said = door.said(request.as_bytes()).await;
        assert!(statuses(&said).len() <= 1, "{body:?} was read on after: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_host() {
    let door = Door::open().await;
    for (what, request) in [
        (
            "two hosts",
            "GET / HTTP/1.1\r\nhost: hello.localhost\r\nhost: hostile.localhost\r\nconnection: close\r\n\r\n",
        ),
        (
            "the same twice",
            "GET / HTTP/1.1\r\nhost: hello.localhost\r\nhost: hello.localhost\r\nconnection: close\r\n\r\n",
        ),
        ("no host", "GET /hello/ HTTP/1.1\r\nx: y\r\nconnection: close\r\n\r\n"),
        (
            "one in the target and another",
            "GET http://hello.localhost/ HTTP/1.1\r\nhost: hostile.localhost\r\nconnection: close\r\n\r\n",
        ),
        (
            "bytes that are no host",
            "GET /hello/ HTTP/1.1\r\nhost: h\u{e4}\r\nconnection: close\r\n\r\n",
        ),
    ] {
        let said = door.said(request.as_bytes()).await;
        assert_eq!(statuses(&said), [400], "{what}: {said}");
    }
    for request in [
        "GET /target HTTP/1.1\r\nhost: hello.localhost\r\nconnection: close\r\n\r\n",
        "GET http://hello.localhost/target HTTP/1.1\r\nhost: hello.localhost\r\nconnection: close\r\n\r\n",
        "GET http://hello.localhost/target HTTP/1.1\r\nhost: HELLO.localhost\r\nconnection: close\r\n\r\n",
    ] {
        let said = door.said(request.as_bytes()).await;
        assert_eq!(statuses(&said), [200], "{said}");
        assert!(said.contains("hello.localhost"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_upgrade_is_made_and_a_guest_sees_nothing_of_the_connection() {
    let door = Door::open().await;
    let said = door
        .said(
            b"GET /hello/headers HTTP/1.1\r\nhost: h\r\nconnection: Upgrade, HTTP2-Settings, x-hop\r\nupgrade: h2c\r\n\
              http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\nte: trailers\r\nkeep-alive: 5\r\nproxy-connection: close\r\n\
              x-end: 1\r\n\r\nGET /hello/status/299 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
        )
        .await;
    assert_eq!(statuses(&said), [200, 299], "{said}");
    assert!(said.contains("x-end: 1"), "{said}");
    let body = said.split("\r\n\r\n").nth(1).unwrap().split("HTTP/1.1").next().unwrap();
    for header in ["connection:", "upgrade:", "http2-settings:", "keep-alive:", "host:"] {
        assert!(!body.lines().any(|line| line.starts_with(header)), "{header} in {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_cannot_say_where_its_answer_ends_or_begin_another() {
    let door = Door::open().await;
    let get = async |path: &str| {
        let request = format!(
            "GET /hostile/{path} HTTP/1.1\r\nhost: h\r\n\r\n\
             GET /hello/status/299 HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
        );
        door.said(request.as_bytes()).await
    };
    for header in [
        "connection",
        "transfer-encoding",
        "keep-alive",
        "upgrade",
        "proxy-connection",
        "host",
        "Transfer-Encoding",
        "x%0d%0ax",
        "x:y",
        "",
        "x%20y",
    ] {
        let said = get(&format!("say?header={header}&value=chunked")).await;
        assert_eq!(statuses(&said), [418, 299], "{header}: {said}");
    }
    for value in
        ["a%0d%0ax-forged: 1", "a%0ax-forged: 1", "a%0dx", "a%00b", "a%0d%0a%0d%0aHTTP/1.1 299 x"]
    {
        let said = get(&format!("say?header=x-a&value={}", value.replace(' ', "%20"))).await;
        assert_eq!(statuses(&said), [418, 299], "{value}: {said}");
        assert!(!said.contains("x-forged"), "{said}");
    }
    let said = get("say?header=x-a&value=fine").await;
    assert_eq!(statuses(&said), [200, 299]);
    assert!(said.contains("x-a: fine"), "{said}");

    // A length that is not met ends the connection, and nothing is taken for the rest; one that is exceeded is met.
    let said = get("lengths?said=100&sent=10").await;
    assert!(!said.contains("299"), "the next answer was taken for the rest of this one: {said}");
    let said = get("lengths?said=10&sent=100").await;
    assert!(!said.contains(&"x".repeat(11)), "{said}");
    let said = get("lengths?said=10&sent=10").await;
    assert_eq!(statuses(&said), [200, 299]);
    assert!(said.contains(&"x".repeat(10)), "{said}");
}
