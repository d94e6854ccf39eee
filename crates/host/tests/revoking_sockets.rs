//! Rights to sockets that are revoked while guests of WASI 0.2 and 0.3 use them, beside those that are not.

mod common;

use airssys_wasm_host::CallError;
use airssys_wasm_model::{Kind, Rights};
use common::peers::{free_port, server};
use common::turning::{check, try_run, turning};
use common::waiting::within;
use common::{pool, rights};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};

const SOCKETS: [&str; 2] = ["sockets", "sockets-p3"];

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_address_is_reached_no_more_and_another_still_is() {
    for guest in SOCKETS {
        let (gone, kept, now) = (server().await, server().await, server().await);
        let grants = [gone, kept, now].map(|to| format!("net:{to}"));
        let before = grants.each_ref().map(|grant| &**grant);
        let at = (Kind::Net, &*now.to_string());
        let (pool, change) = turning(guest, &before, at, &before[1..], |_| ()).await;
        let [connect, again, other, turn] =
            [gone, gone, kept, now].map(|to| format!("connect {to}"));
        let cases = [
            (&*connect, "ok"),
            (&*turn, "ok"),
            ("drop", "ok"),
            (&*again, "access-denied"),
            (&*other, "ok"),
        ];
        check(guest, &pool, &cases).await;
        // Another connection goes on.
        let at = (Kind::Net, &*now.to_string());
        let (pool, _) = turning(guest, &before, at, &before[1..], |_| ()).await;
        let lines = [&*turn, &*other, "exchange hi", "drop", &*connect];
        let answers = try_run(&pool, &lines).await.unwrap();
        assert_eq!(answers, ["ok", "ok", "hello", "ok", "access-denied"], "{guest}");
        assert!(change.denials().iter().any(|denial| denial.starts_with("reach")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_on_a_connection_whose_right_was_revoked_does_not_leave() {
    for guest in SOCKETS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone = listener.local_addr().unwrap();
        let heard = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut heard = Vec::new();
            let _however = client.read_to_end(&mut heard).await;
            heard
        });
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let friend = udp.local_addr().unwrap();
        let (gone_grant, udp_grant) = (format!("net:{gone}"), format!("net:{friend}/udp"));
        let at = (Kind::Net, &*format!("{friend}/udp"));
        let before = [&*gone_grant, &*udp_grant];
        let (pool, change) = turning(guest, &before, at, &[&*udp_grant], |_| ()).await;
        let (connect, send) = (format!("connect {gone}"), format!("send {friend} x"));
        let lines = [&*connect, "udp 127.0.0.1:0", &*send, "exchange secret", &*send];
        let answers = try_run(&pool, &lines).await.unwrap();
        assert_eq!(answers[..3], ["ok", "ok", "ok"], "{guest}");
        assert_eq!(answers[4], "ok", "{guest}: what is not revoked goes on");
        assert!(
            answers[3].to_lowercase().replace('-', "").contains("denied")
                || answers[3].contains("LastOperationFailed"),
            "{guest}: {answers:?}"
        );
        assert_eq!(change.denials(), [format!("reach {gone}")], "{guest}");
        assert_eq!(heard.await.unwrap(), b"", "{guest}: nothing left");
    }
}

/// Revokes the right by which a guest is at its port, which has been opened by what `begin` says, while it
/// does what `wait` says. A datagram of the guest tells that the port is open.
async fn revoked_while_waiting(
    guest: &str,
    grant: &str,
    begin: &[&str],
    wait: &str,
) -> Result<String, CallError> {
    let friend = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = friend.local_addr().unwrap();
    let (kept, send) = (format!("net:{to}/udp"), format!("send {to} open"));
    let rights_before = rights(&[grant, &kept]);
    let pool = pool(guest, |spec| spec.rights = rights_before).await;
    let revoking = async {
        let mut heard = [0; 4];
        friend.recv_from(&mut heard).await.unwrap();
        // The guest waits by now, or is about to: it must end either way.
        pool.change_rights((*rights(&[&kept])).clone()).unwrap();
    };
    let lines: Vec<_> = begin.iter().copied().chain([&*send, wait]).collect();
    let (ended, ()) = tokio::join!(try_run(&pool, &lines), within("a datagram", revoking));
    ended.map(|mut answers| {
        assert!(answers[..begin.len()].iter().all(|answer| answer == "ok"), "{guest}: {answers:?}");
        answers.pop().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_connection_at_a_revoked_port_waits_no_longer() {
    // Also with the handle of the socket let go of, where its connections come without it.
    for (guest, listen) in SOCKETS.into_iter().flat_map(|it| [(it, "listen"), (it, "port")]) {
        let port = free_port().await;
        let listen = format!("{listen} 127.0.0.1:{port}");
        let grant = format!("listen:127.0.0.1:{port}");
        let begin = [&*listen, "udp 127.0.0.1:0"];
        match revoked_while_waiting(guest, &grant, &begin, "accept").await {
            Ok(answer) => assert_eq!(answer, "access-denied", "{guest}"),
            // Of 0.3 nobody but the runtime can end the stream: its instance is ended.
            Err(error) => {
                assert_eq!(guest, "sockets-p3");
                assert!(format!("{error:?} {error}").contains("revoked"), "{error:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_datagram_at_a_revoked_port_waits_no_longer() {
    for guest in SOCKETS {
        let port = free_port().await;
        let bind = format!("udp 127.0.0.1:{port}");
        let grant = format!("listen:127.0.0.1:{port}/udp");
        let answer = revoked_while_waiting(guest, &grant, &[&bind], "receive").await.unwrap();
        assert_eq!(answer, "access-denied", "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_peer_of_a_revoked_address_waits_no_longer() {
    for guest in SOCKETS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = listener.local_addr().unwrap();
        let rights = rights(&[&format!("net:{peer}")]);
        let pool = pool(guest, |spec| spec.rights = rights).await;
        let revoking = async {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut heard = [0; 2];
            client.read_exact(&mut heard).await.unwrap();
            pool.change_rights(Rights::default()).unwrap();
            client
        };
        let connect = format!("connect {peer}");
        let lines = [&*connect, "exchange hi"];
        let (ended, client) = tokio::join!(try_run(&pool, &lines), revoking);
        match ended {
            Ok(answers) if guest == "sockets" => {
                assert!(answers[1].contains("LastOperationFailed"), "{answers:?}");
            }
            // It is told how its sending ended, or it waits for what comes, and its instance is ended.
            Ok(answers) => assert_eq!(answers[1], "access-denied"),
            Err(error) => assert!(format!("{error:?}").contains("revoked"), "{guest}: {error:?}"),
        }
        drop(client);
    }
}
