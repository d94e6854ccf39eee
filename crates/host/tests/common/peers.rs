//! Whom guests connect to.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

/// A server that answers everybody alike, for as long as the test runs.
pub(crate) async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 64];
                if client.read(&mut heard).await.is_ok_and(|count| count > 0) {
                    let _unless_gone = client.write_all(b"hello").await;
                }
            });
        }
    });
    address
}

/// One that nobody may reach.
pub(crate) async fn untouched() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port that is free, for TCP and UDP, and that nobody is given who asks the system for any: those come from 32768
/// upwards, unless a machine is set otherwise (ip(7)).
pub(crate) async fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: LazyLock<AtomicU32> =
        LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(97)));
    for _ in 0..COUNT {
        let port = (FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) as u16;
        let here = ("127.0.0.1", port);
        if TcpListener::bind(here).await.is_ok() && UdpSocket::bind(here).await.is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
