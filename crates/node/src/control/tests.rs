//! The control port over real connections, with the client that everybody uses.

use std::net::SocketAddr;
use std::time::Duration;

use airssys_wasm_api::command::{Audit, List, Named};
use airssys_wasm_api::reply::{AuditEntries, Services};
use airssys_wasm_api::{
    Client, Code, Command, MAX_ARTIFACT_BYTES, MAX_COMMAND_BYTES, Place, Problem, Trust,
};
use airssys_wasm_model::Digest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;

struct Door {
    address: SocketAddr,
    token: String,
    dir: tempfile::TempDir,
    /// Dropping it stops the port.
    _stopping: watch::Sender<bool>,
}

/// A control port on a node without services.
async fn door() -> Door {
    door_at(Pace::SLOWEST).await
}

/// The same, where bodies may not be slower than this.
async fn door_at(pace: Pace) -> Door {
    let dir = tempfile::tempdir().unwrap();
    let node = crate::testing::node(dir.path()).await;
    let token = Token::of_dir(dir.path()).unwrap();
    let control = Control { pace, ..Control::new(node, token, None) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(control.serve(listener, stopping));
    let token = std::fs::read_to_string(dir.path().join("token")).unwrap().trim().to_owned();
    Door { address, token, dir, _stopping: stop }
}

impl Door {
    fn client(&self) -> Client {
        self.client_with(&self.token)
    }

    fn client_with(&self, token: &str) -> Client {
        let place = Place {
            node: format!("http://{}", self.address),
            token: token.to_owned(),
            trust: Trust::Public,
        };
        Client::new(place).unwrap()
    }

    /// Sends these bytes with the token and reads what comes back until the connection ends.
    async fn raw(&self, head: &str, rest: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{head} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\n{rest}",
            self.address, self.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // A connection that the node resets has answered all it will.
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }
}

fn named(name: &str) -> Named {
    Named { service: name.parse().unwrap() }
}

#[tokio::test]
async fn a_command_is_answered_and_a_wrong_token_is_not() {
    let door = door().await;
    let services: Services = door.client().ask(Command::List(List {})).await.unwrap();
    assert_eq!(services, Services::default());
    let refused = door.client_with("wrong").act(Command::List(List {})).await.unwrap_err();
    assert_eq!(refused.code, Code::Unauthorized);
}

#[tokio::test]
async fn a_failure_keeps_its_code_and_the_name_of_its_request_watched_or_not() {
    let door = door().await;
    for command in [Command::Status(named("nobody")), Command::Promote(named("nobody"))] {
        let failure = door.client().act(command).await.unwrap_err();
        assert_eq!(failure.code, Code::NotFound);
        assert_eq!(failure.request_id.map(|id| id.len()), Some(32));
    }
}

#[tokio::test]
async fn an_uploaded_artifact_is_named_by_its_digest() {
    let door = door().await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| at as u8).collect();
    let digest = Digest::of(&bytes);
    let stored = door.client().upload(bytes.into(), |_| {}).await.unwrap();
    assert_eq!((stored.digest, stored.size_bytes), (digest, 300_000));
    let failure = door.client().upload("".into(), |_| {}).await.unwrap_err();
    assert_eq!(failure.code, Code::Invalid);
}

#[tokio::test]
async fn what_is_too_large_is_turned_away_before_it_is_read() {
    let door = door().await;
    for (path, length) in [
        ("/v1/artifacts", MAX_ARTIFACT_BYTES + 1),
        ("/v1/services", MAX_COMMAND_BYTES + 1),
        ("/v1/services/greeter/rollout/pause", MAX_COMMAND_BYTES + 1),
    ] {
        let (head, rest) = (format!("POST {path}"), format!("content-length: {length}\r\n\r\n"));
        let answer = door.raw(&head, &rest).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_body_that_hides_its_size_is_cut_at_the_bound() {
    let door = door().await;
    let chunk = format!(
        "{:x}\r\n{}\r\n0\r\n\r\n",
        MAX_COMMAND_BYTES + 1,
        " ".repeat(MAX_COMMAND_BYTES + 1)
    );
    let rest = format!("transfer-encoding: chunked\r\n\r\n{chunk}");
    let answer = door.raw("POST /v1/services", &rest).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_ends_whatever_it_is_of() {
    let pace = Pace { grace: Duration::from_millis(100), bytes_per_second: 1 << 20 };
    let door = door_at(pace).await;
    for path in ["/v1/services", "/v1/artifacts", "/v1/services/greeter/invoke"] {
        let head = format!("POST {path}");
        // One byte of a thousand, and the connection stays open: what ends it is the node.
        let answer = door.raw(&head, "content-length: 1000\r\n\r\n{").await;
        assert!(answer.starts_with("HTTP/1.1 504 "), "{path}: {answer}");
        assert!(answer.contains("too slowly"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_turned_away() {
    let door = door().await;
    let with = |bytes: usize| format!("x-much: {}\r\n\r\n", "x".repeat(bytes));
    let answer = door.raw("GET /v1/services", &with(16 << 10)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let answer = door.raw("GET /v1/services", &with(64 << 10)).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.is_empty(), "{answer}");
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    let answer = door.raw("GET /v1/services", &format!("{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn the_trail_is_followed_from_an_entry_on_and_from_now_on() {
    let door = door().await;
    let client = door.client();
    let remove = async || {
        let failed = client.act(Command::Remove(named("nobody"))).await.unwrap_err();
        assert_eq!(failed.code, Code::NotFound);
    };
    remove().await;
    let known: AuditEntries = client.ask(Command::Audit(Audit::default())).await.unwrap();
    let all = Audit { after_seq: Some(0), ..Audit::default() };
    let removals = Audit { kind: Some("remove".to_owned()), ..Audit::default() };
    let mut all = client.follow_audit(all).await.unwrap();
    let mut from_now = client.follow_audit(removals).await.unwrap();
    for entry in &known.entries {
        assert_eq!(all.next().await.unwrap().as_ref(), Some(entry));
    }
    remove().await;
    for following in [&mut all, &mut from_now] {
        for number in 1..=2 {
            let entry = following.next().await.unwrap().unwrap();
            assert_eq!((entry.seq, &*entry.kind), (known.next + number, "remove"));
        }
    }
}

#[tokio::test]
async fn who_comes_back_to_the_trail_says_the_last_number_as_browsers_do() {
    let door = door().await;
    door.client().act(Command::Remove(named("nobody"))).await.unwrap_err();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let follow = http.get(format!("http://{}/v1/audit/events", door.address));
    let follow = follow.bearer_auth(&door.token).header("last-event-id", "1");
    let mut answer = follow.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("data: ") {
        text.push_str(&String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap()));
    }
    assert!(text.contains("\nid: 2\nevent: entry\ndata: {\"seq\":2,"), "{text}");
    let odd = http.get(format!("http://{}/v1/audit/events", door.address));
    let odd = odd.bearer_auth(&door.token).header("last-event-id", "two").send().await.unwrap();
    assert_eq!(odd.status().as_u16(), 400);
}

#[tokio::test]
async fn those_who_follow_the_trail_are_bounded_and_give_their_places_back() {
    let door = door().await;
    let client = door.client();
    let mut following = Vec::new();
    let refused = loop {
        match client.follow_audit(Audit::default()).await {
            Ok(entries) => following.push(entries),
            Err(failure) => break failure,
        }
    };
    assert_eq!((refused.code, following.len()), (Code::Saturated, 16));
    following.clear();
    let free = async {
        while client.follow_audit(Audit::default()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), free).await.expect("a place comes back");
    let limited = Audit { limit: Some(1), ..Audit::default() };
    assert_eq!(client.follow_audit(limited).await.err().unwrap().code, Code::Usage);
}

#[tokio::test]
async fn what_is_no_route_is_a_problem_with_the_way_to_the_routes() {
    let door = door().await;
    for head in ["GET /nowhere", "GET /v1/services/a/b/c"] {
        let answer = door.raw(head, "\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{head}: {answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let problem: Problem = serde_json::from_str(body).unwrap();
        assert_eq!((problem.status, problem.error.code), (404, Code::NotFound));
    }
}

#[tokio::test]
async fn a_known_path_says_which_methods_it_takes() {
    let door = door().await;
    for (head, methods) in [
        ("PUT /v1/services", &["GET", "POST"][..]),
        ("POST /v1/services/greeter", &["GET", "DELETE"]),
        ("DELETE /healthz", &["GET"]),
    ] {
        let answer = door.raw(head, "\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{head}: {answer}");
        let (answered, body) = answer.split_once("\r\n\r\n").unwrap();
        let allow = answered.lines().find_map(|line| line.strip_prefix("allow: ")).unwrap();
        assert!(methods.iter().all(|method| allow.contains(method)), "{head}: {allow}");
        let problem: Problem = serde_json::from_str(body).unwrap();
        assert_eq!((problem.status, problem.error.code), (405, Code::Usage));
    }
}

#[tokio::test]
async fn a_name_that_is_a_path_is_a_mistake_and_not_a_file() {
    let door = door().await;
    for name in ["..%2F..%2Fetc", "%2e%2e", "a%00b", "UPPER"] {
        let answer = door.raw(&format!("GET /v1/services/{name}"), "\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer}");
    }
}

#[tokio::test]
async fn probes_need_no_token_and_the_rest_does() {
    let door = door().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = async |path: &str| {
        let url = format!("http://{}{path}", door.address);
        http.get(url).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("/healthz").await, 200);
    assert_eq!(status("/readyz").await, 200);
    for path in ["/metrics", "/v1/openapi.json", "/v1/services", "/nowhere"] {
        assert_eq!(status(path).await, 401, "{path}");
    }
    let page = http.get(format!("http://{}/healthz", door.address));
    let page = page.header("origin", "http://evil.example").send().await.unwrap();
    assert_eq!(page.status().as_u16(), 403);
    assert!(!page.headers().contains_key("access-control-allow-origin"));
    assert!(door.dir.path().join("token").exists());
}

#[tokio::test]
async fn the_document_is_served_as_it_is_generated() {
    let door = door().await;
    let answer = door.raw("GET /v1/openapi.json", "\r\n").await;
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    let document: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(document, airssys_wasm_api::openapi());
}
