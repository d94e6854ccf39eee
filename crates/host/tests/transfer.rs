//! Limits on what leaves and comes: requests and sockets of real guests, counted and cut, beside those that stay below.

mod common;

use airssys_wasm_host::Limit;
use airssys_wasm_model::{ByteSize, Limits};
use bytes::Bytes;
use common::peers;
use common::reaching::{reached, watched};
use common::turning::try_run;
use common::{got, rights};
use http_body_util::{BodyExt, Full};
use tokio::net::UdpSocket;

/// A server that takes any request and answers with so many bytes.
async fn server(bytes: usize) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let service = hyper::service::service_fn(
                move |request: http::Request<hyper::body::Incoming>| async move {
                    // What is left of a body that breaks off is nobody's.
                    let _ = request.into_body().collect().await;
                    let body = Full::<Bytes>::from(vec![b'y'; bytes]);
                    Ok::<_, std::convert::Infallible>(http::Response::new(body))
                },
            );
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(stream, service),
            );
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_sends_and_receives_is_bounded() {
    let port = server(20_000).await;
    let (pool, kept) = watched("http-hostile", |spec| {
        spec.rights = rights(&[&format!("http:127.0.0.1:{port}")]);
        spec.limits.transfer = ByteSize(100_000);
    })
    .await;
    let fetch = |bytes: u32| format!("/fetch?url=http://127.0.0.1:{port}/&bytes={bytes}");
    assert_eq!(got(&pool, &fetch(80_000)).await.1.len(), 20_000, "both ways together");
    assert_eq!(reached(&pool, &kept, Limit::Transfer).0, 0);
    let said = got(&pool, &fetch(80_001)).await.1;
    assert!(said.contains("broken off"), "received: {said}");
    assert_ne!(got(&pool, &fetch(100_001)).await.0, 200, "sent");
    let (hits, named) = reached(&pool, &kept, Limit::Transfer);
    assert!(named && hits >= 2, "{hits}");
    assert_eq!(got(&pool, &fetch(10)).await.1.len(), 20_000, "each call has its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_by_sockets_counts_as_what_goes_by_requests() {
    for (guest, broken, too_much) in [
        ("sockets", "LastOperationFailed", "out-of-memory"),
        ("sockets-p3", "transfer", "the limit `transfer` is reached"),
    ] {
        let (tcp, udp) = (peers::server().await, UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let friend = udp.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((_, from)) = udp.recv_from(&mut [0; 1_000]).await {
                udp.send_to(&[b'y'; 60], from).await.unwrap();
            }
        });
        let (pool, kept) = watched(guest, |spec| {
            spec.rights = rights(&[&format!("net:{tcp}"), &format!("net:{friend}/udp")]);
            spec.limits.transfer = ByteSize(100);
        })
        .await;
        let say = |bytes| format!("say {tcp} {}", "x".repeat(bytes));
        let send = |bytes| format!("send {friend} {}", "x".repeat(bytes));
        let run = async |lines: &[&str]| try_run(&pool, lines).await.unwrap();
        let (udp, answer) = ("udp 127.0.0.1:0", "y".repeat(60));
        assert_eq!(run(&[&say(60)]).await, ["hello"], "{guest}");
        assert_eq!(run(&[udp, &send(40), "receive"]).await, ["ok", "ok", &*answer], "{guest}");
        assert_eq!(reached(&pool, &kept, Limit::Transfer).0, 0, "{guest}");

        let said = run(&[&say(101)]).await;
        assert!(said[0].contains(broken), "{guest}: {said:?}");
        assert_eq!(run(&[udp, &send(101)]).await, ["ok", too_much], "{guest}");
        assert_eq!(run(&[udp, &send(41), "receive"]).await, ["ok", "ok", too_much], "{guest}");
        // Connections, datagrams and both ways together.
        assert_eq!(run(&[&say(60), udp, &send(41)]).await[2], too_much, "{guest}");
        let (hits, named) = reached(&pool, &kept, Limit::Transfer);
        assert!(named && hits >= 4, "{guest}: {hits}");
        if guest == "sockets" {
            // What comes by a connection of 0.3 is counted by nobody.
            let said = run(&[&say(60), &say(31)]).await;
            assert!(said[0] == "hello" && said[1].contains(broken), "{said:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded_by_their_number_and_their_rate() {
    let port = server(1).await;
    let url = format!("/fetch?url=http://127.0.0.1:{port}/");
    let sends = async |change: fn(&mut Limits)| {
        let grant = rights(&[&format!("http:127.0.0.1:{port}")]);
        let (pool, kept) = watched("http-hostile", |spec| {
            spec.rights = grant;
            change(&mut spec.limits);
        })
        .await;
        (got(&pool, &url).await, pool, kept)
    };
    assert_eq!(sends(|limits| (limits.requests, limits.request_rate) = (1, 1)).await.0.0, 200);
    for (change, limit) in [
        ((|limits| limits.requests = 0) as fn(&mut Limits), Limit::Requests),
        ((|limits| limits.request_rate = 0) as fn(&mut Limits), Limit::RequestRate),
    ] {
        let (answer, pool, kept) = sends(change).await;
        assert_eq!(answer, (502, "ErrorCode::ConnectionLimitReached".to_owned()), "{limit}");
        assert_eq!(reached(&pool, &kept, limit), (1, true), "{limit}");
    }
}
