//! Blob containers, tried through a real guest: each denied use beside the one that is allowed.

mod common;

use std::sync::Arc;
use std::time::SystemTime;

use airssys_wasm_host::{Backends, BlobStore, CallError, MemoryBlobs, Pool, Value};
use airssys_wasm_model::Kind;
use common::told::{Told, Used};
use common::{Kept, call, pool, rights};

async fn guest(grants: &[&str], blobs: &MemoryBlobs) -> Arc<Pool> {
    let (rights, blobs) = (rights(grants), Arc::new(blobs.clone()));
    pool("blobstore", |spec| {
        spec.rights = rights;
        spec.limits.files = 4;
        spec.backends = Backends { blobs: Some(blobs), ..Backends::default() };
    })
    .await
}

/// Runs these commands in one call, written with spaces for tabs.
async fn run(pool: &Arc<Pool>, lines: &[&str]) -> Result<Vec<String>, CallError> {
    let script = Value::String(lines.join("\n").replace(' ', "\t"));
    let answer = pool.claim(call()).await.unwrap().call("run", vec![script]).await?;
    let Some(Value::String(answers)) = answer else { panic!("{answer:?}") };
    Ok(answers.split('\n').map(ToOwned::to_owned).collect())
}

/// The same, each command with its answer.
async fn check(pool: &Arc<Pool>, cases: &[(&str, &str)]) {
    let lines: Vec<_> = cases.iter().map(|(line, _)| *line).collect();
    let answers = run(pool, &lines).await.unwrap();
    assert_eq!(answers.len(), cases.len(), "{answers:?}");
    for ((line, expected), answer) in cases.iter().zip(answers) {
        assert_eq!(answer, *expected, "{line:?}");
    }
}

/// Containers with an object `o` that holds `text`.
fn stocked(containers: &[&str]) -> MemoryBlobs {
    let blobs = MemoryBlobs::default();
    for name in containers {
        let container = blobs.create(name, SystemTime::now()).unwrap();
        let mut writer = container.write("o").unwrap();
        writer.append(b"text").unwrap();
        writer.finish(SystemTime::now()).unwrap();
    }
    blobs
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_the_interfaces_promise_is_done() {
    let pool = guest(&["blobstore:*:read,write"], &MemoryBlobs::default()).await;
    check(
        &pool,
        &[
            ("open images", "there is no container `images`"),
            ("exists images", "false"),
            ("create images", "ok"),
            ("create images", "there is a container `images` already"),
            ("exists images", "true"),
            ("name images", "images"),
            ("info images", "images true"),
            ("put images a/1 one", "ok"),
            ("put images b two", "ok"),
            ("empty images c", "ok"),
            ("read images a/1", "one"),
            ("read images c", ""),
            ("read images d", "there is no object `d` in container `images`"),
            ("size images b", "images/b 3"),
            ("has images b", "true"),
            ("has images d", "false"),
            ("list images", "[a/1 b c] true"),
            ("page images 1 1", "1 [b] false"),
            ("page images 9 1", "3 [] true"),
            ("range images a/1 1 1", "n"),
            ("range images a/1 1 99", "ne"),
            ("range images a/1 7 9", ""),
            ("range images a/1 2 1", "the range ends before it begins"),
            ("put images b three", "ok"),
            ("read images b", "three"),
            ("create other", "ok"),
            ("copy images b other b", "ok"),
            ("move images a/1 other a", "ok"),
            ("copy images b nowhere b", "there is no container `nowhere`"),
            ("list other", "[a b] true"),
            ("list images", "[b c] true"),
            ("delete images b", "ok"),
            ("delete images b", "ok"),
            ("delete-many other a nothing", "ok"),
            ("list other", "[b] true"),
            ("clear other", "ok"),
            ("list other", "[] true"),
            ("remove images", "ok"),
            ("remove images", "ok"),
            ("list images", "there is no container `images`"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_takes_the_right_that_it_was_granted_and_no_other() {
    let blobs = stocked(&["reads", "writes", "user-ada", "other"]);
    let grants = ["blobstore:reads:read", "blobstore:writes:write", "blobstore:user-*:read,write"];
    let denied = |name: &str| format!("access to the container `{name}` is denied");
    let (reads, writes, other) = (&*denied("reads"), &*denied("writes"), &*denied("other"));
    let no_name = "a container's name is 1 to 128 of letters, digits, `.`, `_`, `-` and `/`";
    check(
        &guest(&grants, &blobs).await,
        &[
            ("open reads", "ok"),
            ("exists reads", "true"),
            ("info reads", "reads true"),
            ("read reads o", "text"),
            ("sum reads o", "4 36452d"),
            ("size reads o", "reads/o 4"),
            ("has reads o", "true"),
            ("list reads", "[o] true"),
            ("create reads", reads),
            ("remove reads", reads),
            ("put reads p text", reads),
            ("delete reads o", reads),
            ("delete-many reads o", reads),
            ("clear reads", reads),
            ("open writes", "ok"),
            ("put writes p text", "ok"),
            ("delete writes p", "ok"),
            ("delete-many writes p q", "ok"),
            ("exists writes", writes),
            ("info writes", writes),
            ("read writes o", writes),
            ("range writes o 0 0", writes),
            ("size writes o", writes),
            ("has writes o", writes),
            ("list writes", writes),
            // A copy takes the right to read here and to write there; a move writes in both places.
            ("copy reads o writes p", "ok"),
            ("copy writes o user-ada p", writes),
            ("copy user-ada o reads p", reads),
            ("move user-ada o writes p", "ok"),
            ("move reads o user-ada p", reads),
            ("move writes o user-ada p", writes),
            ("copy reads o other p", other),
            ("clear writes", "ok"),
            ("remove writes", "ok"),
            ("create writes", "ok"),
            ("create user-bob", "ok"),
            ("open user", &denied("user")),
            ("open other", other),
            ("open Reads", &denied("Reads")),
            ("open ../reads", &denied("../reads")),
            ("open user-*", no_name),
            ("create user-ö", no_name),
        ],
    )
    .await;
    check(&guest(&[], &blobs).await, &[("open reads", reads), ("exists reads", reads)]).await;
    assert_eq!(blobs.container("reads").unwrap().list(None, 9).unwrap().names, ["o"]);
    assert_eq!(blobs.container("other").unwrap().list(None, 9).unwrap().names, ["o"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_use_and_each_denial_is_told_with_the_grant_to_add() {
    let (seen, log) = (Arc::<Told>::default(), Arc::new(Kept::default()));
    let (watch, sink, rights) = (seen.clone(), log.clone(), rights(&["blobstore:s:read"]));
    let blobs = Arc::new(stocked(&["s"]));
    let pool = pool("blobstore", |spec| {
        spec.rights = rights;
        spec.backends = Backends { blobs: Some(blobs), ..Backends::default() };
        spec.watch = watch;
        spec.sink = sink;
    })
    .await;
    run(&pool, &["open s", "read s o", "put s o x", "move s o s p", "open t"]).await.unwrap();
    let told = ["read s", "blobstore:s:write", "read s", "blobstore:s:write", "blobstore:t:read"];
    assert_eq!(seen.lines(|it| format!("{} {}", it.access, it.target)), told);
    let ours = |used: &Used| (used.kind, &*used.service) == (Kind::Blobstore, "tested");
    assert!(seen.used().iter().all(ours));
    let log = log.0.lock().unwrap().join("\n");
    assert!(log.contains("may not write to the container `s`; grant `blobstore:s:write`"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_reads_containers_and_writes_to_none() {
    let blobs = stocked(&["s"]);
    let pool = guest(&["blobstore:*:read,write"], &blobs).await;
    let copies = pool.shadow(4).unwrap();
    let refused = "the copy of a call writes nothing";
    check(
        &copies,
        &[
            ("open s", "ok"),
            ("read s o", "text"),
            ("list s", "[o] true"),
            ("put s o other", refused),
            ("empty s p", refused),
            ("delete s o", refused),
            ("delete-many s o", refused),
            ("clear s", refused),
            ("copy s o s p", refused),
            ("move s o s p", refused),
            ("create t", refused),
            ("remove s", refused),
            ("list s", "[o] true"),
        ],
    )
    .await;
    assert_eq!(copies.stats().refused, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_not_finished_leaves_nothing() {
    let blobs = stocked(&["s"]);
    let pool = guest(&["blobstore:s:read,write"], &blobs).await;
    let begun = ["open s", "begin s o other", "begin s p new", "drop-writes", "list s", "read s o"];
    let said = run(&pool, &begun).await.unwrap();
    assert_eq!(said[3..], ["ok", "[o] true", "text"]);
    // By its end, and by a trap.
    assert_eq!(run(&pool, &begun[..3]).await.unwrap(), ["ok"; 3]);
    assert!(run(&pool, &["open s", "begin s o other", "trap"]).await.is_err());
    check(&pool, &[("open s", "ok"), ("list s", "[o] true"), ("read s o", "text")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_one_object_and_waits_for_its_name_within_a_bound() {
    let pool = guest(&["blobstore:s:read,write"], &stocked(&["s"])).await;
    let cases = [
        ("open s", "ok"),
        ("early s p 262144", "ok"),
        ("size s p", "s/p 262144"),
        ("twice s q", "the value is written to an object already"),
        ("nowhere", "no object is named: call `write-data` before `finish`"),
        ("has s q", "false"),
    ];
    check(&pool, &cases).await;
    let said = run(&pool, &["open s", "early s r 262145", "has s r"]).await.unwrap();
    assert!(said[1].starts_with("262144 bytes wait for an object at most"), "{said:?}");
    assert_eq!(said[2], "false");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_objects_count_among_the_open_files_and_are_given_back() {
    let pool = guest(&["blobstore:s:read,write"], &stocked(&["s"])).await;
    let full = "4 files and objects are open, and that is the limit `files`";
    check(
        &pool,
        &[
            ("open s", "ok"),
            ("hold s o", "ok"),
            ("hold s o", "ok"),
            ("begin s p x", "ok"),
            ("begin s q x", "ok"),
            ("hold s o", full),
            ("empty s r", full),
            ("begin s r x", full),
            ("drop-writes", "ok"),
            ("hold s o", "ok"),
            ("begin s r x", "ok"),
            ("hold s o", full),
            ("drop-reads", "ok"),
            ("read s o", "text"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_stays_what_it_was() {
    let pool = guest(&["blobstore:s:read,write"], &stocked(&["s"])).await;
    let lines = ["open s", "hold s o", "hold s o", "put s o other", "held", "clear s", "held"];
    let said = run(&pool, &lines).await.unwrap();
    assert_eq!(said, ["ok", "ok", "ok", "ok", "text", "ok", "text"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_piece_waits_for_the_one_before() {
    let pool = guest(&["blobstore:s:read,write"], &stocked(&["s"])).await;
    check(&pool, &[("open s", "ok"), ("busy s p", "0 65536")]).await;
}
