//! What a client makes of nodes that do not answer as they should.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::command::{List, Named};

/// A listener and a client of it.
async fn peers() -> (TcpListener, Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::new(Place { node, token: "t".into(), trust: Trust::Public }).unwrap();
    (listener, client)
}

/// Takes a connection and reads the head of its request.
async fn take(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut part = [0; 1024];
        let read = stream.read(&mut part).await.unwrap();
        assert_ne!(read, 0, "the request ended early");
        head.extend_from_slice(&part[..read]);
    }
    stream
}

fn remove() -> Command {
    Command::Remove(Named { service: "greeter".parse().unwrap() })
}

#[tokio::test]
async fn nobody_there_is_told_apart_from_a_connection_that_broke() {
    let (listener, client) = peers().await;
    let breaks = async { drop(take(&listener).await) };
    let (broke, ()) = tokio::join!(client.act(Command::List(List {})), breaks);
    let broke = broke.unwrap_err();
    assert_eq!(broke.code, Code::Unreachable);
    assert!(broke.message.contains("broke") && broke.help.unwrap().contains("status"));
    drop(listener);
    let nobody = client.act(Command::List(List {})).await.unwrap_err();
    assert_eq!(nobody.code, Code::Unreachable);
    assert!(nobody.help.unwrap().contains("airssys-wasm serve"));
}

#[tokio::test]
async fn a_node_that_falls_silent_is_not_waited_for_for_ever() {
    let (listener, mut client) = peers().await;
    client.silence_max = Duration::from_millis(500);
    // One says nothing at all, the other begins and says no more.
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n\n"] {
        let serves = async {
            let mut stream = take(&listener).await;
            stream.write_all(begun.as_bytes()).await.unwrap();
            stream
        };
        let (failed, _open) = tokio::join!(client.act(remove()), serves);
        let failed = failed.unwrap_err();
        assert_eq!(failed.code, Code::Unreachable);
        assert!(failed.message.contains("said nothing"), "{failed}");
    }
}

#[tokio::test]
async fn a_removal_is_followed_so_that_it_may_take_its_time() {
    let (listener, client) = peers().await;
    let serves = async {
        let mut stream = take(&listener).await;
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n\n\
            {\"event\":\"phase\",\"phase\":\"draining\"}\n{\"reply\":{\"service\":\"greeter\"}}\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
    };
    let mut phases = Vec::new();
    let acting = client.act_watched(remove(), |event| phases.push(event));
    let (reply, ()) = tokio::join!(acting, serves);
    assert!(matches!(reply.unwrap(), Reply::Removed(_)));
    assert_eq!(phases, [Event::Phase { phase: "draining".into() }]);
}

#[tokio::test]
async fn events_are_read_whatever_their_parts_and_one_that_is_unknown_is_left_out() {
    let (listener, client) = peers().await;
    let serves = async {
        let mut stream = take(&listener).await;
        for part in [
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n:\n\n",
            "event: invented\ndata: {\"event\":\"invented\"}\n\nevent: resumed\nda",
            "ta: {\"event\":\"resumed\",\"rollout\":7}\n\n",
        ] {
            stream.write_all(part.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let reads = async {
        let mut events = client.events(&"greeter".parse().unwrap()).await?;
        Ok::<_, Failure>((events.next().await?, events.next().await?))
    };
    let (read, ()) = tokio::join!(reads, serves);
    assert_eq!(read.unwrap(), (Some(crate::reply::ServiceEvent::Resumed { rollout: 7 }), None));
}
