//! Whom guests connect to.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

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

/// A port that is free.
pub(crate) async fn free_port() -> u16 {
    untouched().await.1.port()
}
