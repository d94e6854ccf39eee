//! Rights that change while instances run, through real guests of WASI 0.2 and 0.3: what is revoked is denied on the
//! next use of what is open, beside what is not revoked and goes on. Sockets have a file of their own.

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use airssys_wasm_host::{
    ActorKey, Backends, CallCtx, Input, KeyValueStore as _, MemoryBuckets, MemoryKeeper,
    SecretError, SecretSource, SecretValue, Watch,
};
use airssys_wasm_model::{InstanceModel, Kind, Rights};
use common::turning::{Change, check, try_run, turning};
use common::waiting::{until, within};
use common::{at_rest, call, got, in_turn, model, one_instance, pool, rights};
use futures::FutureExt as _;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const FILES: [&str; 2] = ["files", "files-p3"];

fn tree() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for dir in ["gone", "kept"] {
        fs::create_dir(tree.path().join(dir)).unwrap();
        fs::write(tree.path().join(dir).join("f"), "0123456789").unwrap();
        fs::write(tree.path().join(dir).join("now"), "").unwrap();
    }
    tree
}

fn granted(tree: &Path, dir: &str, access: &str) -> String {
    format!("files:{}=/{dir}:{access}", tree.join(dir).display())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_file_of_a_revoked_directory_is_denied_and_that_of_another_is_not() {
    for guest in FILES {
        let tree = tree();
        let all = |dir| granted(tree.path(), dir, "read,write");
        let (gone, kept) = (all("gone"), all("kept"));
        let now = (Kind::Files, "/gone/now");
        let (pool, change) = turning(guest, &[&gone, &kept], now, &[&kept], |_| ()).await;
        let denied = "not-permitted";
        check(
            guest,
            &pool,
            &[
                ("open /gone f rw g", "ok"),
                ("open /kept f rw k", "ok"),
                ("open /gone . rd d", "ok"),
                ("stream g", "ok"),
                ("stream k", "ok"),
                ("more g", "0123"),
                ("more k", "0123"),
                ("stat /gone now", "RegularFile 0"),
                ("get g", denied),
                ("get k", "0123456789"),
                ("put g x", denied),
                ("put k 01", "ok"),
                ("resize g 1", denied),
                ("resize k 9", "ok"),
                ("touch-open g", denied),
                ("touch-open k", "ok"),
                ("more g", denied),
                ("more k", "4567"),
                ("read /gone f", denied),
                ("read d f", denied),
                ("list /gone .", denied),
                ("read /kept f", "012345678"),
                ("list /kept .", "[f now]"),
            ],
        )
        .await;
        assert!(change.denials().contains(&"read /gone/f".to_owned()), "{:?}", change.denials());
        assert_eq!(fs::read(tree.path().join("gone/f")).unwrap(), b"0123456789");
        // An instance that begins afterwards finds no such directory.
        check(guest, &pool, &[("preopens", "/kept")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_file_that_may_be_changed_no_more_what_is_read_is_still_read() {
    for guest in FILES {
        let tree = tree();
        let before = granted(tree.path(), "kept", "read,write");
        let after = granted(tree.path(), "kept", "read");
        let now = (Kind::Files, "/kept/now");
        let (pool, _) = turning(guest, &[&before], now, &[&after], |_| ()).await;
        let denied = "not-permitted";
        check(
            guest,
            &pool,
            &[
                ("open /kept f rw k", "ok"),
                ("put k ab", "ok"),
                ("stat /kept now", "RegularFile 0"),
                ("put k cd", denied),
                ("touch-open k", denied),
                ("unlink /kept f", denied),
                ("get k", "ab23456789"),
            ],
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_granted_in_an_open_directory_may_be_done_at_once() {
    for guest in FILES {
        let tree = tree();
        let before = granted(tree.path(), "kept", "read");
        let after = granted(tree.path(), "kept", "read,write");
        let now = (Kind::Files, "/kept/now");
        let (pool, _) = turning(guest, &[&before], now, &[&after], |_| ()).await;
        let cases = [
            ("write /kept new x", "not-permitted"),
            ("stat /kept now", "RegularFile 0"),
            ("write /kept new x", "ok"),
        ];
        check(guest, &pool, &cases).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_bucket_goes_by_the_rights_of_now() {
    let buckets = MemoryBuckets::default();
    let seed = buckets.bucket("gone", 1 << 20).await.unwrap();
    seed.set_many(vec![("k".into(), b"1".to_vec())]).await.unwrap();
    let before =
        ["keyvalue:gone:read,write", "keyvalue:less:read,write", "keyvalue:kept:read,write"];
    let after = ["keyvalue:less:read", "keyvalue:kept:read,write"];
    let backends = Backends { keyvalue: Some(Arc::new(buckets)), ..Backends::default() };
    let at = (Kind::Keyvalue, "kept");
    let (pool, change) =
        turning("keyvalue", &before, at, &after, |spec| spec.backends = backends).await;
    let denied = "access-denied";
    check(
        "keyvalue",
        &pool,
        &[
            ("open gone", "ok"),
            ("open less", "ok"),
            ("open kept", "ok"),
            ("get gone k", "1"),
            ("cas gone k held", "ok"),
            ("set less k 1", "ok"),
            ("set kept k 1", "ok"),
            ("get gone k", denied),
            ("current held", denied),
            ("swap held 2", denied),
            ("set less k 2", denied),
            ("get less k", "1"),
            ("set kept k 2", "ok"),
            ("get kept k", "2"),
            ("open gone", denied),
        ],
    )
    .await;
    assert!(change.denials().contains(&"read in the bucket gone".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_on_its_way_from_a_revoked_host_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let change = Arc::<Change>::default();
    let watch = Arc::clone(&change) as Arc<dyn Watch>;
    let granted = rights(&[&format!("http:{address}")]);
    let pool = pool("http-hello", |spec| (spec.rights, spec.watch) = (granted, watch)).await;
    let revoking = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut heard = [0; 1024];
        let _head = client.read(&mut heard).await.unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart").await.unwrap();
        pool.change_rights(Rights::default()).unwrap();
        // It hears that nobody is there any more, and sends nothing to end the wait by.
        let _cut = client.read(&mut heard).await;
    };
    let target = format!("/outbound?url=http://{address}/x");
    let both = async { tokio::join!(got(&pool, &target), revoking).0 };
    let (status, body) = within("the end of the cut answer", both).await;
    // The head had come or not; the whole body has not.
    assert!(status == 403 || (status == 200 && body.len() < 9), "{status} {body}");
    assert_eq!(change.denials(), [format!("send GET to {address}/x")]);
    assert_eq!(got(&pool, &target).await.0, 403);
}

/// A secret that is there.
struct Db;

impl SecretValue for Db {
    fn expose(&self) -> &[u8] {
        b"correct-horse"
    }
}

impl SecretSource for Db {
    fn current(&self, _name: &str) -> Result<Option<Arc<dyn SecretValue>>, SecretError> {
        Ok(Some(Arc::new(Self)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_placeholder_of_a_revoked_secret_is_worth_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let grants = [format!("secrets:db={to}"), format!("http:{to}")];
    let before = grants.each_ref().map(|grant| &**grant);
    let backends = Backends { secrets: Some(Arc::new(Db)), ..Backends::default() };
    // Between the check of the request and the putting in of the value.
    let at = (Kind::Http, &*format!("{to}/"));
    let (pool, change) =
        turning("keyvalue", &before, at, &before[1..], |spec| spec.backends = backends).await;
    let send = format!("send http://{to}/ authorization {{}} secrets/db");
    let config = "config secrets/db";
    let answers = try_run(&pool, &[config, &*send, config]).await.unwrap();
    assert!(answers[0].starts_with("airssys-secret-"), "{answers:?}");
    assert_eq!(answers[1], "HttpRequestDenied");
    assert_eq!(answers[2], "Error::Upstream(\"the secret `db` is not granted\")");
    assert!(change.denials()[0].starts_with("send the secret db="), "{:?}", change.denials());
    assert!(listener.accept().now_or_never().is_none(), "nobody came");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_began_under_other_rights_serves_no_further_call() {
    let pool = pool("http-hello", |spec| {
        one_instance(spec);
        spec.rights = rights(&["env:A=before"]);
    })
    .await;
    assert_eq!(in_turn(&pool, &["/count", "/count", "/env?name=A"]).await, ["1", "2", "before"]);
    pool.change_rights(Rights::clone(&rights(&["env:A=after"]))).unwrap();
    assert_eq!(pool.stats().idle, 0, "it waits for no call");
    assert_eq!(in_turn(&pool, &["/env?name=A", "/count"]).await, ["after", "1"]);
    pool.change_rights(Rights::default()).unwrap();
    assert_eq!(got(&pool, "/env?name=A").await, (404, "not set".into()));
    // The same rights again are no change.
    at_rest(&pool).await;
    let idle = pool.stats().idle;
    assert_eq!(idle, 1);
    pool.change_rights(Rights::default()).unwrap();
    assert_eq!(pool.stats().idle, idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_of_several_calls_takes_none_that_came_after_the_change() {
    let pool = pool("http-p3", |spec| {
        one_instance(spec);
    })
    .await;
    assert_eq!(got(&pool, "/count").await.1, "1");
    assert_eq!(got(&pool, "/count").await.1, "2");
    let under_way = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { got(&pool, "/sleep?3000").await.1 }
    });
    until("a call under way", || pool.stats().idle == 0).await;
    pool.change_rights(Rights::clone(&rights(&["env:A=b"]))).unwrap();
    assert_eq!(got(&pool, "/count").await.1, "1", "a new instance has it");
    assert_eq!(under_way.await.unwrap(), "slept", "what was under way ends by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_calls_go_by_the_rights_of_now() {
    let tree = tree();
    let grant = granted(tree.path(), "kept", "read");
    let live = pool("files", |spec| spec.rights = rights(&[&grant])).await;
    let shadow = live.shadow(1).unwrap();
    check("files", &shadow, &[("read /kept f", "0123456789")]).await;
    live.change_rights(Rights::default()).unwrap();
    check("files", &shadow, &[("preopens", "")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_goes_on_with_its_state_under_the_rights_of_now() {
    for key in [None, Some("key".parse().unwrap())] {
        let actor = key.is_some().then(|| ActorKey::of(b"a").unwrap());
        let pool = pool("counter", |spec| {
            model(spec, InstanceModel::Actor);
            spec.instances.key = key;
            spec.state = Some(Arc::new(MemoryKeeper::default()));
        })
        .await;
        for (count, changed) in [("1", false), ("2", false), ("3", true), ("4", false)] {
            if changed {
                assert_eq!(pool.stats().idle, 1);
                pool.change_rights(Rights::clone(&rights(&["env:A=b"]))).unwrap();
                assert_eq!(pool.stats().idle, 0, "its instance waits no more");
            }
            let call = CallCtx { actor, ..call() };
            let answered = pool.claim(call).await.unwrap().execute(Input::default()).await.unwrap();
            assert_eq!(answered.body, count);
            at_rest(&pool).await;
        }
    }
}
