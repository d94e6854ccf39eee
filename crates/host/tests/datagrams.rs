//! Datagrams of real guests of WASI 0.2 and 0.3: whom they go to, and whom a socket hears.

mod common;

use std::sync::Arc;

use airssys_wasm_host::Pool;
use common::peers::free_port;
use common::rights;
use common::turning::check;
use futures::FutureExt;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

const GUESTS: [&str; 2] = ["sockets", "sockets-p3"];

async fn granted(name: &str, grants: &[&str]) -> Arc<Pool> {
    common::pool(name, |spec| spec.rights = rights(grants)).await
}

/// When the guest has said something to the friend, the stranger answers, and then the friend.
fn answering(friend: UdpSocket, stranger: UdpSocket) -> JoinHandle<UdpSocket> {
    tokio::spawn(async move {
        let mut heard = [0; 64];
        let (count, from) = friend.recv_from(&mut heard).await.unwrap();
        assert_eq!(&heard[..count], b"hi");
        stranger.send_to(b"stranger", from).await.unwrap();
        friend.send_to(b"friend", from).await.unwrap();
        stranger
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_go_to_and_come_from_granted_addresses() {
    for guest in GUESTS {
        let friend = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (to, other) = (friend.local_addr().unwrap(), stranger.local_addr().unwrap());
        let pool = granted(guest, &[&format!("net:{to}/udp")]).await;
        let answering = answering(friend, stranger);
        let taken = free_port().await;
        check(
            guest,
            &pool,
            &[
                (&format!("udp 127.0.0.1:{taken}"), "access-denied"),
                ("udp 127.0.0.1:0", "ok"),
                (&format!("send {other} hi"), "access-denied"),
                (&format!("send {to} hi"), "ok"),
                ("receive", "friend"),
            ],
        )
        .await;
        let stranger = answering.await.unwrap();
        assert!(stranger.recv_from(&mut [0; 64]).now_or_never().is_none(), "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_hears_strangers_where_it_listens_by_its_right_and_nowhere_else() {
    // What is bound, the last of it used, and who is heard by that.
    let cases: [(&[&str], &[&str]); 4] = [
        (&["0.0.0.0:0"], &["friend"]),
        // A port of the system's choice is not the granted one, at the granted address neither,
        (&["127.0.0.1:0"], &["friend"]),
        // and what another socket is bound to is nothing to this one.
        (&["GRANTED", "0.0.0.0:0"], &["friend"]),
        (&["GRANTED"], &["stranger", "friend"]),
    ];
    for (guest, (bound, heard)) in GUESTS.into_iter().flat_map(|guest| cases.map(|it| (guest, it)))
    {
        let friend = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let to = friend.local_addr().unwrap();
        let listens = format!("127.0.0.1:{}", free_port().await);
        let grants = [&*format!("net:{to}/udp"), &format!("listen:{listens}/udp")];
        let pool = granted(guest, &grants).await;
        let answering = answering(friend, stranger);
        let binds = bound.iter().map(|at| format!("udp {}", at.replace("GRANTED", &listens)));
        let lines: Vec<_> = binds.chain([format!("send {to} hi")]).collect();
        let mut script: Vec<_> = lines.iter().map(|line| (&**line, "ok")).collect();
        script.extend(heard.iter().map(|said| ("receive", *said)));
        check(guest, &pool, &script).await;
        answering.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_listen_for_datagrams_may_not_answer_them_by_that() {
    for guest in GUESTS {
        let port = free_port().await;
        let pool = granted(guest, &[&format!("listen:{port}/udp")]).await;
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let from = client.local_addr().unwrap();
        let sending = tokio::spawn(async move {
            loop {
                // Until somebody has the port, the system refuses it.
                let _refused = client.send_to(b"hi", ("127.0.0.1", port)).await;
                tokio::task::yield_now().await;
            }
        });
        let (listen, answer) = (format!("udp 127.0.0.1:{port}"), format!("send {from} x"));
        let cases = [(&*listen, "ok"), ("receive", "hi"), (&*answer, "access-denied")];
        check(guest, &pool, &cases).await;
        sending.abort();
    }
}
