//! Rights to sockets that are revoked while guests of WASI 0.2 and 0.3 use them, beside those that are not.

mod common;

use std::sync::Arc;

use airssys_wasm_host::{CallError, Watch};
use airssys_wasm_model::{Kind, Rights};
use common::peers::{free_port, server};
use common::turning::{Change, check, try_run, turning};
use common::{pool, rights};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Notify;

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

/// Revokes every right as soon as the guest listens, from outside of it.
async fn revoked_while_waiting(
    guest: &str,
    grant: &str,
    lines: &[&str],
) -> Result<Vec<String>, CallError> {
    let (listens, change) = (Arc::new(Notify::new()), Arc::<Change>::default());
    let told = Arc::clone(&listens);
    let port = grant.strip_prefix("listen:").unwrap().to_owned();
    *change.at.lock().unwrap() = Some((Kind::Listen, port, Box::new(move || told.notify_one())));
    let (watch, rights) = (Arc::clone(&change) as Arc<dyn Watch>, rights(&[grant]));
    let pool = pool(guest, |spec| (spec.rights, spec.watch) = (rights, watch)).await;
    let revoking = async {
        listens.notified().await;
        // The guest waits by now, or is about to: it must end either way.
        tokio::task::yield_now().await;
        pool.change_rights(Rights::default()).unwrap();
    };
    tokio::join!(try_run(&pool, lines), revoking).0
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_connection_at_a_revoked_port_waits_no_longer() {
    // Also with the handle of the socket let go of, where its connections come without it.
    for (guest, listen) in SOCKETS.into_iter().flat_map(|it| [(it, "listen"), (it, "port")]) {
        let port = free_port().await;
        let listen = format!("{listen} 127.0.0.1:{port}");
        let grant = format!("listen:127.0.0.1:{port}");
        let ended = revoked_while_waiting(guest, &grant, &[&listen, "accept"]).await;
        match ended {
            // It is told so, also where it did not come to wait.
            Ok(answers) => assert_eq!(answers[1], "access-denied", "{guest}"),
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
        let answers = revoked_while_waiting(guest, &grant, &[&bind, "receive"]).await.unwrap();
        assert_eq!(answers[1], "access-denied", "{guest}");
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
