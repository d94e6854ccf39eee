//! The control port behind TLS, over real connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::command::List;
use airssys_wasm_api::{Client, Code, Command, Place, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;
use crate::tls::{Encryption, Handshakes, ShakeError};

/// A certificate of a data directory, made for this machine.
fn identity(data: &std::path::Path) -> Arc<Identity> {
    let encryption = Encryption::Own { names: vec!["node.test".to_owned()] };
    Arc::new(encryption.own(data, ([127, 0, 0, 1], 0).into()).unwrap().unwrap())
}

fn authority(data: &std::path::Path) -> Trust {
    Trust::Authorities(std::fs::read(data.join("control-ca.pem")).unwrap())
}

struct Door {
    address: SocketAddr,
    dir: tempfile::TempDir,
    identity: Arc<Identity>,
    /// Dropping it stops the port.
    _stopping: watch::Sender<bool>,
}

async fn door() -> Door {
    let dir = tempfile::tempdir().unwrap();
    let node = crate::testing::node(dir.path()).await;
    let token = Token::of_dir(dir.path()).unwrap();
    let identity = identity(dir.path());
    let control = Control::new(node, token, Some(Arc::clone(&identity)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(control.serve(listener, stopping));
    Door { address, dir, identity, _stopping: stop }
}

impl Door {
    fn client(&self, trust: Trust) -> Client {
        let token = std::fs::read_to_string(self.dir.path().join("token")).unwrap();
        let node = format!("https://{}", self.address);
        Client::new(Place { node, token: token.trim().to_owned(), trust }).unwrap()
    }
}

async fn code(client: Client) -> Option<Code> {
    client.act(Command::List(List {})).await.err().map(|failure| failure.code)
}

#[tokio::test]
async fn who_knows_the_authority_or_the_very_certificate_is_served() {
    let (door, other) = (door().await, tempfile::tempdir().unwrap());
    assert_eq!(code(door.client(authority(door.dir.path()))).await, None);
    assert_eq!(code(door.client(Trust::Certificate(door.identity.fingerprint()))).await, None);
    let others = identity(other.path());
    for trust in [Trust::Public, authority(other.path()), Trust::Certificate(others.fingerprint())]
    {
        assert_eq!(code(door.client(trust.clone())).await, Some(Code::Unreachable), "{trust:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_node_that_is_not_believed() {
    let (known, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    identity(known.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = format!("https://{}", listener.local_addr().unwrap());
    let pretender = Handshakes::new(identity(other.path()));
    let place = Place { node, token: "secret".to_owned(), trust: authority(known.path()) };
    let asking = async { code(Client::new(place).unwrap()).await };
    let pretending = async {
        let (stream, _) = listener.accept().await.unwrap();
        pretender.shake(stream, Duration::from_secs(5)).await
    };
    let (asked, shaken) = tokio::join!(asking, pretending);
    assert_eq!(asked, Some(Code::Unreachable));
    // The client ends the handshake: there was never anything that a request could have been in.
    assert!(matches!(shaken, Err(ShakeError::Io(_))));
}

#[tokio::test]
async fn who_speaks_without_encryption_is_told_how_and_gets_nothing_else() {
    let door = door().await;
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("https://"), "{answer}");
}

#[tokio::test]
async fn who_never_finishes_a_handshake_blocks_nobody_else() {
    let door = door().await;
    let mut stalled = Vec::new();
    for said in [&b""[..], &[22], &[22, 3, 1, 2, 0, 1], &[22, 3, 3, 255, 255]].repeat(8) {
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        stalled.push(stream);
    }
    assert_eq!(code(door.client(authority(door.dir.path()))).await, None);
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_go_on_ends() {
    let dir = tempfile::tempdir().unwrap();
    let handshakes = Handshakes::new(identity(dir.path()));
    for said in [&b""[..], &[22, 3, 1, 2, 0]] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.write_all(said).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let shaken = handshakes.shake(stream, Duration::from_secs(60)).await;
        assert!(matches!(shaken, Err(ShakeError::Slow)));
    }
}
