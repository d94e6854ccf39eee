//! Sockets and names, tried through real guests of WASI 0.2 and 0.3: each way around a right beside the way it
//! allows.

mod common;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex};

use airssys_wasm_host::{Host, HostSettings, Limit, Pool, Pooling, Resolver, RevisionSpec, Value};
use airssys_wasm_model::{Asked, Grants, NetAsk, Rights};
use common::peers::{free_port, server, untouched};
use common::told::Told;
use common::waiting::{until, within};
use common::{Kept, call, guest, rights, spec};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const GUESTS: [&str; 2] = ["sockets", "sockets-p3"];

/// An address that nobody has (RFC 5737) and that is not of this network.
const OUTSIDE: &str = "192.0.2.1";

/// A resolver that says what a test told it, in turn, and then goes on with the last of it.
#[derive(Default)]
struct Book {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
    /// Names whose next answer comes when every socket of a pool is given back.
    last: Mutex<HashMap<String, Arc<Pool>>>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Book")
    }
}

impl Resolver for Book {
    fn look_up(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let mut answers = self.answers.lock().unwrap();
        let found = answers.get_mut(name).map(|turns| match turns.len() {
            1 => turns[0].clone(),
            _ => turns.pop_front().unwrap(),
        });
        let found = found.ok_or_else(|| io::Error::other("nobody has this name"));
        let Some(pool) = self.last.lock().unwrap().remove(name) else {
            return ready(found).boxed();
        };
        let given_back = async move {
            until("every socket is given back", || open_sockets(&pool) == 0.0).await;
            found
        };
        given_back.boxed()
    }
}

static BOOK: LazyLock<Arc<Book>> = LazyLock::new(Arc::default);

static HOST: LazyLock<Host> = LazyLock::new(|| {
    let resolver = Arc::clone(&*BOOK) as Arc<dyn Resolver>;
    let settings = HostSettings { pooling: Pooling::Never, resolver, ..HostSettings::default() };
    Host::new(&settings).unwrap()
});

/// Says where a name leads, each time that it is looked up.
fn tell(name: &str, turns: &[&[&str]]) {
    let addresses = |turn: &&[&str]| turn.iter().map(|text| text.parse().unwrap()).collect();
    let turns = turns.iter().map(addresses).collect();
    BOOK.answers.lock().unwrap().insert(name.to_owned(), turns);
}

/// The next answer for this name comes when every socket of the pool is given back: a guest that looks it up waits for
/// what it is not told, the end of its streams.
fn comes_last(name: &str, pool: &Arc<Pool>) {
    BOOK.last.lock().unwrap().insert(name.to_owned(), Arc::clone(pool));
}

fn open_sockets(pool: &Pool) -> f64 {
    let sockets = pool.limits().into_iter().find(|of| of.limit == Limit::Sockets).unwrap();
    sockets.used.unwrap()
}

fn was_asked(name: &str) -> bool {
    BOOK.asked.lock().unwrap().iter().any(|asked| asked == name)
}

async fn pool(name: &str, change: impl FnOnce(&mut RevisionSpec)) -> Arc<Pool> {
    let artifact = guest(name);
    let mut spec = spec(&artifact);
    change(&mut spec);
    Pool::new(HOST.prepare(spec, artifact).await.expect("the guest can be prepared"))
}

async fn granted(name: &str, grants: &[&str]) -> Arc<Pool> {
    pool(name, |spec| spec.rights = rights(grants)).await
}

/// Runs these commands in one call, written with spaces for tabs; an answer for each.
async fn run(pool: &Arc<Pool>, lines: &[&str]) -> Vec<String> {
    let script = Value::String(lines.join("\n").replace(' ', "\t"));
    let answer = pool.claim(call()).await.unwrap().call("run", vec![script]).await.unwrap();
    let Some(Value::String(answers)) = answer else { panic!("{answer:?}") };
    answers.split('\n').map(ToOwned::to_owned).collect()
}

/// The same, each command with its answer.
async fn check(guest: &str, pool: &Arc<Pool>, cases: &[(&str, &str)]) {
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    let answers = run(pool, &lines).await;
    assert_eq!(answers.len(), cases.len(), "{guest}: {answers:?}");
    for ((line, expected), answer) in cases.iter().zip(answers) {
        assert_eq!(answer, *expected, "{guest}: {line:?}");
    }
}

fn text(kept: &Kept) -> String {
    kept.0.lock().unwrap().join("\n")
}

fn nobody_came(listener: &TcpListener) -> bool {
    listener.accept().now_or_never().is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_to_the_granted_address_and_port_alone() {
    for guest in GUESTS {
        let (open, (closed, other)) = (server().await, untouched().await);
        let pool = granted(guest, &[&format!("net:{open}")]).await;
        let port = open.port();
        check(
            guest,
            &pool,
            &[
                (&format!("say {open} hi"), "hello"),
                (&format!("connect {other}"), "access-denied"),
                (&format!("connect 127.0.0.2:{port}"), "access-denied"),
                (&format!("connect [::1]:{port}"), "access-denied"),
                // No spelling of the granted address is another way to it, nor to another.
                (&format!("connect [::ffff:127.0.0.1]:{port}"), "invalid-argument"),
                (&format!("connect [::ffff:127.0.0.1]:{}", other.port()), "invalid-argument"),
                (&format!("connect [::127.0.0.1]:{port}"), "invalid-argument"),
                (&format!("connect 0.0.0.0:{port}"), "invalid-argument"),
                ("udp 0.0.0.0:0", "access-denied"),
                (&format!("say {open} hi"), "hello"),
            ],
        )
        .await;
        assert!(nobody_came(&closed), "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wide_grant_leads_nowhere_inside() {
    for guest in GUESTS {
        let (closed, address) = untouched().await;
        let port = address.port();
        let pool = granted(guest, &[&format!("net:0.0.0.0/0:{port}"), "net:*:*"]).await;
        let lines = [&*format!("connect {address}"), "connect 169.254.169.254:80"];
        check(guest, &pool, &lines.map(|line| (line, "access-denied"))).await;
        assert!(nobody_came(&closed), "{guest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_right_there_is_no_socket_and_no_lookup() {
    for guest in GUESTS {
        let (kept, name) = (Arc::new(Kept::default()), format!("{guest}.nothing.test"));
        tell(&name, &[&[OUTSIDE]]);
        let sink = Arc::clone(&kept);
        let nothing = pool(guest, |spec| spec.sink = sink).await;
        check(
            guest,
            &nothing,
            &[
                ("connect 192.0.2.1:80", "access-denied"),
                ("udp 0.0.0.0:0", "access-denied"),
                ("listen 127.0.0.1:8080", "access-denied"),
                (&format!("resolve {name}"), "access-denied"),
                // What is no name is no lookup.
                ("resolve 192.0.2.7", "192.0.2.7"),
                ("resolve ::1", "::1"),
                ("resolve 127.1", "invalid-argument"),
            ],
        )
        .await;
        assert!(!was_asked(&name), "{guest}");
        let said = text(&kept);
        assert!(said.contains("may not open `a TCP socket`; grant `net:HOST:PORT`"), "{said}");
        assert!(said.contains(&format!("look up `{name}`; grant `dns:{name}`")), "{said}");

        let dns = granted(guest, &[&format!("dns:{name}")]).await;
        check(guest, &dns, &[(&format!("resolve {name}"), OUTSIDE)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_leads_where_it_was_looked_up_to_and_nowhere_inside() {
    for guest in GUESTS {
        let [mixed, inside, other] =
            ["mixed", "inside", "other"].map(|name| format!("{name}.{guest}.test"));
        tell(&mixed, &[&["10.0.0.1", OUTSIDE, "::ffff:169.254.169.254"]]);
        tell(&inside, &[&["127.0.0.1", "::1", "64:ff9b::a00:1"]]);
        tell(&other, &[&["192.0.2.2"]]);
        let grants = [&*format!("net:{mixed}:9/udp"), &format!("net:{inside}:9/udp")];
        let pool = granted(guest, &grants).await;
        let lines = [
            "udp 0.0.0.0:0",
            "send 192.0.2.1:9 x",
            &format!("resolve {}", mixed.to_uppercase()),
            "send 192.0.2.1:9 x",
            "send 192.0.2.1:10 x",
            "send 10.0.0.1:9 x",
            &format!("resolve {inside}"),
            &format!("resolve {other}"),
            &format!("resolve x.{mixed}"),
        ];
        let answers = run(&pool, &lines).await;
        let denied = "access-denied";
        assert_eq!(answers[..3], ["ok", denied, OUTSIDE], "{guest}");
        // It left, or found no way: whether there is a network is not what is tried here.
        assert!(["ok", "remote-unreachable"].contains(&&*answers[3]), "{guest}: {}", answers[3]);
        assert_eq!(answers[4..], [denied; 5], "{guest}");
        assert!(was_asked(&mixed) && !was_asked(&other), "{guest}");
        // What one instance was told is no other's.
        check(guest, &pool, &[("udp 0.0.0.0:0", "ok"), ("send 192.0.2.1:9 x", denied)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_turns_to_an_address_inside_is_not_followed() {
    for guest in GUESTS {
        let (closed, address) = untouched().await;
        let (name, port) = (format!("{guest}.rebinding.test"), address.port());
        tell(&name, &[&[OUTSIDE], &["127.0.0.1"]]);
        let pool = granted(guest, &[&format!("net:{name}:{port}")]).await;
        let (resolve, connect) = (format!("resolve {name}"), format!("connect {address}"));
        let denied = "access-denied";
        let cases = [(&*resolve, OUTSIDE), (&*resolve, denied), (&*connect, denied)];
        check(guest, &pool, &cases).await;
        assert!(nobody_came(&closed), "{guest}");

        // The same where the operator granted the address itself.
        let open = server().await;
        let to = format!("{name}:{}", open.port()).parse().unwrap();
        let ask = NetAsk { to, protocol: Default::default(), reason: "tests".into() };
        let asked = Asked { net: vec![ask], ..Asked::default() };
        let grants = Grants(vec![format!("net:127.0.0.0/8:{}", open.port()).parse().unwrap()]);
        let rights = Arc::new(Rights::intersect(&asked, &grants).unwrap());
        let literal = self::pool(guest, |spec| spec.rights = rights).await;
        let say = format!("say {open} hi");
        check(
            guest,
            &literal,
            &[(&*say, "access-denied"), (&*resolve, "127.0.0.1"), (&*say, "hello")],
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_listens_on_granted_ports_alone() {
    for guest in GUESTS {
        let (open, closed) = (free_port().await, free_port().await);
        let pool = granted(guest, &[&format!("listen:{open}")]).await;
        let lines = [
            &*format!("listen 127.0.0.1:{closed}"),
            "listen 127.0.0.1:0",
            &format!("udp 127.0.0.1:{open}"),
            "connect 192.0.2.1:80",
            &format!("listen 127.0.0.1:{open}"),
            "accept",
        ];
        let client = tokio::spawn(connect(open));
        let answers = run(&pool, &lines).await;
        let denied = "access-denied";
        assert_eq!(answers, [denied, denied, denied, denied, "ok", "ok"], "{guest}");
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_listens_at_the_granted_addresses_alone() {
    for guest in GUESTS {
        let port = free_port().await;
        let (one, denied) = (format!("127.0.0.1:{port}"), "access-denied");
        let pool = granted(guest, &[&format!("listen:{one}"), &format!("listen:{one}/udp")]).await;
        let client = tokio::spawn(connect(port));
        check(
            guest,
            &pool,
            &[
                (&format!("listen 127.0.0.2:{port}"), denied),
                // All addresses are not this one, in whichever spelling.
                (&format!("listen 0.0.0.0:{port}"), denied),
                (&format!("listen [::]:{port}"), denied),
                (&format!("listen [::1]:{port}"), denied),
                (&format!("listen [::ffff:127.0.0.1]:{port}"), "invalid-argument"),
                (&format!("listen [::ffff:0.0.0.0]:{port}"), "invalid-argument"),
                (&format!("udp 127.0.0.2:{port}"), denied),
                (&format!("udp 0.0.0.0:{port}"), denied),
                (&format!("udp {one}"), "ok"),
                (&format!("listen {one}"), "ok"),
                ("accept", "ok"),
            ],
        )
        .await;
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_addresses_are_granted_as_such_and_what_comes_by_them_is_had() {
    for guest in GUESTS {
        let port = free_port().await;
        let all = granted(guest, &[&format!("listen:0.0.0.0:{port}")]).await;
        let (one, every) = (format!("listen 127.0.0.1:{port}"), format!("listen 0.0.0.0:{port}"));
        let client = tokio::spawn(async move {
            let mut client = connect(port).await;
            client.write_all(b"hello").await.unwrap();
            client.shutdown().await.unwrap();
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).await.unwrap();
            heard
        });
        let cases =
            [(&*one, "access-denied"), (&every, "ok"), ("accept", "ok"), ("exchange hi", "hello")];
        check(guest, &all, &cases).await;
        assert_eq!(client.await.unwrap(), b"hi", "{guest}");

        // A block of addresses is none that stands for all of them.
        let port = free_port().await;
        let block = granted(guest, &[&format!("listen:127.0.0.0/8:{port}")]).await;
        let [every, one, other] =
            ["0.0.0.0", "10.0.0.1", "127.0.0.1"].map(|address| format!("listen {address}:{port}"));
        let denied = "access-denied";
        check(guest, &block, &[(&*every, denied), (&one, denied), (&other, "ok")]).await;
    }
}

/// Connects as soon as somebody listens there.
async fn connect(port: u16) -> TcpStream {
    let connecting = async {
        loop {
            if let Ok(client) = TcpStream::connect(("127.0.0.1", port)).await {
                return client;
            }
            tokio::task::yield_now().await;
        }
    };
    within("somebody who listens", connecting).await
}

#[tokio::test(flavor = "multi_thread")]
async fn open_sockets_are_bounded_and_given_back() {
    for (guest, limit) in GUESTS.iter().zip(["new-socket-limit", "the limit `sockets` is reached"])
    {
        let (open, name) = (server().await, format!("{guest}.bounded.test"));
        tell(&name, &[&[OUTSIDE]]);
        let kept = Arc::new(Kept::default());
        let sink = Arc::clone(&kept);
        let pool = pool(guest, |spec| {
            spec.limits.sockets = 2;
            spec.rights = rights(&[&format!("net:{open}"), &format!("dns:{name}")]);
            spec.sink = sink;
        })
        .await;
        let connect = format!("connect {open}");
        let stream = format!("stream {open}");
        // A denied socket is not kept either.
        let elsewhere = format!("connect 127.0.0.2:{}", open.port());
        comes_last(&name, &pool);
        let wait = format!("resolve {name}");
        let steps = [
            (&*connect, "ok"),
            (&elsewhere, "access-denied"),
            (&connect, "ok"),
            (&connect, limit),
            ("drop", "ok"),
            (&stream, "ok"),
            (&connect, "ok"),
            (&connect, limit),
            ("drop", "ok"),
            (&wait, OUTSIDE),
            (&connect, "ok"),
            (&connect, "ok"),
        ];
        check(guest, &pool, &steps).await;
        assert!(text(&kept).contains("limit `sockets`"), "{}", text(&kept));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_connection_counts() {
    for guest in GUESTS {
        for (limit, is_taken) in [(1, false), (2, true)] {
            let port = free_port().await;
            let kept = Arc::new(Kept::default());
            let sink = Arc::clone(&kept);
            let pool = pool(guest, |spec| {
                spec.limits.sockets = limit;
                spec.rights = rights(&[&format!("listen:{port}")]);
                spec.sink = sink;
            })
            .await;
            let listen = format!("listen 127.0.0.1:{port}");
            let serving = tokio::spawn(async move { run(&pool, &[&listen, "accept"]).await });
            let mut client = connect(port).await;
            // Reset at once, or closed at the call's end.
            let _ended = client.read(&mut [0; 1]).await;
            if is_taken {
                assert_eq!(serving.await.unwrap(), ["ok", "ok"], "{guest}");
            } else {
                assert!(text(&kept).contains("limit `sockets`"), "{guest}: {}", text(&kept));
                serving.abort();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_counts_until_nothing_comes_by_it_any_more() {
    for (guest, limit) in GUESTS.iter().zip(["new-socket-limit", "the limit `sockets` is reached"])
    {
        let (open, port, name) = (server().await, free_port().await, format!("{guest}.port.test"));
        tell(&name, &[&[OUTSIDE]]);
        let pool = pool(guest, |spec| {
            spec.limits.sockets = 2;
            spec.rights = rights(&[
                &format!("net:{open}"),
                &format!("listen:{port}"),
                &format!("dns:{name}"),
            ]);
        })
        .await;
        comes_last(&name, &pool);
        let (listen, connect) = (format!("port 127.0.0.1:{port}"), format!("connect {open}"));
        let wait = format!("resolve {name}");
        // Of 0.3 the socket's handle is gone, and the stream of its connections is not.
        let steps = [
            (&*listen, "ok"),
            (&connect, "ok"),
            (&connect, limit),
            ("drop", "ok"),
            (&wait, OUTSIDE),
            (&connect, "ok"),
            (&connect, "ok"),
        ];
        check(guest, &pool, &steps).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_copy_would_send_or_look_up_is_refused_and_counted() {
    for guest in GUESTS {
        let ((closed, address), name) = (untouched().await, format!("{guest}.copied.test"));
        tell(&name, &[&[OUTSIDE]]);
        let grants = [&*format!("net:{address}"), &format!("dns:{name}"), "listen:1-65535"];
        let live = granted(guest, &grants).await;
        let copies = live.shadow(2).unwrap();
        let listen = format!("listen 127.0.0.1:{}", free_port().await);
        let denied = "access-denied";
        let cases = [
            (&*format!("connect {address}"), denied),
            (&*format!("resolve {name}"), denied),
            (&*listen, denied),
            ("connect 127.0.0.2:1", denied),
        ];
        check(guest, &copies, &cases).await;
        // What was never granted did not have to be kept from leaving.
        assert_eq!((copies.stats().refused, live.stats().refused), (3, 0), "{guest}");
        assert!(nobody_came(&closed) && !was_asked(&name), "{guest}");
        check(guest, &live, &[(cases[0].0, "ok"), (cases[1].0, OUTSIDE), (&listen, "ok")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_and_denials_are_told_as_the_grants_that_they_take() {
    for guest in GUESTS {
        let [name, inside, free] =
            ["name", "inside", "free"].map(|name| format!("{name}.{guest}.told"));
        tell(&name, &[&[OUTSIDE]]);
        tell(&inside, &[&["10.0.0.1"]]);
        tell(&free, &[&["192.0.2.3"]]);
        let (open, port) = (server().await, free_port().await);
        let told = Arc::new(Told::default());
        let watch = Arc::clone(&told);
        let pool = pool(guest, |spec| {
            spec.rights = rights(&[
                &format!("net:{open}"),
                &format!("net:*.{guest}.told:9/udp"),
                &format!("dns:{free}"),
                &format!("listen:{port}"),
            ]);
            spec.watch = watch;
        })
        .await;
        let lines = [
            &*format!("connect {open}"),
            &format!("connect 127.0.0.1:{port}"),
            &format!("resolve {name}"),
            "udp 0.0.0.0:0",
            "send 192.0.2.1:9 x",
            "send 192.0.2.1:10 x",
            &format!("resolve {inside}"),
            &format!("resolve {free}"),
            &format!("listen 127.0.0.1:{port}"),
            "udp 0.0.0.0:99",
        ];
        run(&pool, &lines).await;
        let used = told.used().into_iter();
        let used: Vec<_> =
            used.map(|it| format!("{}:{}{}", it.kind, it.target, it.access)).collect();
        let expected = [
            format!("net:{open}"),
            format!("net:{name}:9/udp"),
            format!("dns:{free}"),
            format!("listen:127.0.0.1:{port}"),
        ];
        assert_eq!(used, expected, "{guest}");
        let denied = told.denied();
        let grants: Vec<&str> = denied.iter().map(|denial| &*denial.grant).collect();
        let expected = [
            format!("net:127.0.0.1:{port}"),
            format!("net:{name}:10/udp"),
            "net:10.0.0.1:PORT".to_owned(),
            "listen:0.0.0.0:99/udp".to_owned(),
        ];
        assert_eq!(grants, expected, "{guest}");
    }
}
