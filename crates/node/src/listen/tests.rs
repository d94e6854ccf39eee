//! Connections that do not do as clients should.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

#[derive(Clone)]
struct Hello;

impl Answerer for Hello {
    type Body = Full<Bytes>;

    async fn answer(self, _: Request<Incoming>, _: SocketAddr) -> Response<Self::Body> {
        Response::new(Full::from("hello"))
    }
}

/// Answers after a while.
#[derive(Clone)]
struct Slow(Duration);

impl Answerer for Slow {
    type Body = Full<Bytes>;

    async fn answer(self, _: Request<Incoming>, _: SocketAddr) -> Response<Self::Body> {
        tokio::time::sleep(self.0).await;
        Response::new(Full::from("slow"))
    }
}

/// Answers with more than any socket buffers, and tells when the answer is dropped.
#[derive(Clone)]
struct Flood(tokio::sync::mpsc::Sender<()>);

impl Answerer for Flood {
    type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

    async fn answer(self, _: Request<Incoming>, _: SocketAddr) -> Response<Self::Body> {
        let held = self.0.clone();
        let body = Full::from(vec![7; 64 << 20]).map_frame(move |frame| {
            let _until_the_body_is_dropped = &held;
            frame
        });
        Response::new(body.boxed_unsync())
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_let_go() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopping) = watch::channel(false);
    let (held, mut gone) = tokio::sync::mpsc::channel(1);
    let serving = tokio::spawn(QUICK.serve(listener, None, Flood(held), stopping));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut some = [0; 1000];
    stream.read_exact(&mut some).await.unwrap();
    // Not another byte is read, and still the connection ends on the server's side: it is reset or
    // closed in the middle of the answer.
    serving.abort();
    let _ = serving.await;
    let dropped = tokio::time::timeout(Duration::from_secs(60), gone.recv()).await;
    assert_eq!(dropped.expect("the answer is let go"), None);
}

#[tokio::test]
async fn a_request_under_way_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopping) = watch::channel(false);
    tokio::spawn(QUICK.serve(listener, None, Slow(QUICK.silence * 3), stopping));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("slow"), "{answer}");
}

const QUICK: Listening = Listening {
    connections_max: 2,
    per_address_max: None,
    streams_max: 256,
    head_bytes_max: None,
    silence: Duration::from_millis(500),
    unread: Duration::from_millis(500),
    farewell: Duration::from_secs(1),
};

async fn listening() -> (SocketAddr, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    tokio::spawn(QUICK.serve(listener, None, Hello, stopping));
    (address, stop)
}

#[tokio::test]
async fn clients_that_send_nothing_give_their_places_back() {
    let (address, _stop) = listening().await;
    let mut silent = Vec::new();
    for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HT"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        silent.push(stream);
    }
    for mut stream in silent {
        // Closed by the server: its end comes, and no answer. What it was sent and did not read may make
        // that a reset.
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest).await;
        let reset = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(ended.is_ok() || ended.is_err_and(reset));
        assert!(rest.is_empty(), "{rest:?}");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
}
