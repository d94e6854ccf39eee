//! Files, tried through real guests of WASI 0.2 and 0.3: each way around a right beside the way it allows.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airssys_wasm_host::{Pool, RevisionSpec, Value};
use airssys_wasm_model::{Asked, FilesAsk, Grants, Kind, Rights};
use common::told::Told;
use common::{Kept, call, pool};
use serde_json::json;
use tempfile::TempDir;

const GUESTS: [&str; 2] = ["files", "files-p3"];

/// What is asked below `/data`, with its access. All of `/data` is granted.
const ASKED: [(&str, &[&str]); 8] = [
    ("/data/open/**", &["read", "write"]),
    ("/data/again/**", &["read", "write"]),
    ("/data/top-*.txt", &["read"]),
    ("/data/reads/**", &["read"]),
    ("/data/drop/*", &["create"]),
    ("/data/look/**", &["list"]),
    ("/data/gone/**", &["delete"]),
    ("/data/caf\u{e9}/*", &["read"]),
];

/// A directory to grant, and what lies beside it.
fn tree() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    let data = tree.path().join("data");
    for dir in [
        "open/sub",
        "open-secret",
        "again",
        "closed",
        "reads",
        "drop",
        "look",
        "gone",
        "caf\u{e9}",
        "cafe\u{301}",
    ] {
        fs::create_dir_all(data.join(dir)).unwrap();
    }
    for (file, text) in [
        ("open/a.txt", "a"),
        ("open/sub/b.txt", "b"),
        ("open/\u{e9}.txt", "composed"),
        ("open-secret/x", "secret"),
        ("closed/secret.txt", "secret"),
        ("top-1.txt", "top"),
        ("top-1.txt.bak", "secret"),
        ("reads/r.txt", "r"),
        ("drop/there", "secret"),
        ("look/l.txt", "secret"),
        ("gone/g.txt", "secret"),
        ("gone/h.txt", "secret"),
        ("caf\u{e9}/x", "composed"),
        ("cafe\u{301}/x", "secret"),
    ] {
        fs::write(data.join(file), text).unwrap();
    }
    fs::write(tree.path().join("outside.txt"), "secret").unwrap();
    for (target, link) in [
        ("a.txt", "open/to-a"),
        ("sub", "open/to-sub"),
        ("..", "open/to-up"),
        ("../closed/secret.txt", "open/to-closed"),
        ("../closed", "open/to-closed-dir"),
        ("../../outside.txt", "open/to-outside"),
        ("/etc/hostname", "open/to-absolute"),
        ("loop", "open/loop"),
        ("../open/a.txt", "reads/to-open"),
    ] {
        symlink(target, data.join(link)).unwrap();
    }
    tree
}

fn rights(tree: &Path) -> Arc<Rights> {
    let ask = |(path, access): &(&str, &[&str])| FilesAsk {
        path: (*path).to_owned(),
        access: serde_json::from_value(json!(access)).unwrap(),
        reason: "tests".into(),
    };
    let asked = Asked { files: ASKED.iter().map(ask).collect(), ..Asked::default() };
    let grant = format!("files:{}=/data:read,write", tree.join("data").display());
    Arc::new(Rights::intersect(&asked, &Grants(vec![grant.parse().unwrap()])).unwrap())
}

async fn guest_of(name: &str, tree: &TempDir, change: impl FnOnce(&mut RevisionSpec)) -> Arc<Pool> {
    let rights = rights(tree.path());
    pool(name, |spec| {
        spec.rights = rights;
        change(spec);
    })
    .await
}

/// Runs these commands in one call; an answer for each.
async fn run(pool: &Arc<Pool>, lines: &[&str]) -> Vec<String> {
    let script = Value::String(lines.join("\n"));
    let answer = pool.claim(call()).await.unwrap().call("run", vec![script]).await.unwrap();
    let Some(Value::String(answers)) = answer else { panic!("{answer:?}") };
    answers.split('\n').map(ToOwned::to_owned).collect()
}

/// Runs commands, written with spaces for tabs, each with its answer, in both guests on a tree of its own.
async fn check(cases: &[(&str, &str)]) -> Vec<TempDir> {
    let mut trees = Vec::new();
    for guest in GUESTS {
        let tree = tree();
        let pool = guest_of(guest, &tree, |_| ()).await;
        let lines: Vec<String> = cases.iter().map(|(line, _)| line.replace(' ', "\t")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let answers = run(&pool, &lines).await;
        assert_eq!(answers.len(), cases.len(), "{guest}: {answers:?}");
        for ((line, expected), answer) in cases.iter().zip(answers) {
            assert_eq!(answer, *expected, "{guest}: {line:?}");
        }
        trees.push(tree);
    }
    trees
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_leads_past_its_right() {
    let (long, longer) = ("x".repeat(256), "d/".repeat(2048));
    let (long, longer) = (format!("read /data open/{long}"), format!("read /data open/{longer}x"));
    check(&[
        ("read /data open/a.txt", "a"),
        ("read /data open/../open/./a.txt", "a"),
        ("read /data open//sub/b.txt", "b"),
        ("read /data closed/secret.txt", "not-permitted"),
        ("read /data closed/none", "not-permitted"),
        ("read /data none/at/all", "not-permitted"),
        ("read /data open/../closed/secret.txt", "not-permitted"),
        ("read /data open/sub/../../closed/secret.txt", "not-permitted"),
        ("read /data closed/../open/a.txt", "not-permitted"),
        ("read /data ../outside.txt", "not-permitted"),
        ("read /data open/../../outside.txt", "not-permitted"),
        ("read /data /etc/hostname", "not-permitted"),
        ("read /data //etc/hostname", "not-permitted"),
        // Globs: neither a longer name nor one level more.
        ("read /data top-1.txt", "top"),
        ("read /data top-1.txt.bak", "not-permitted"),
        ("read /data top-1.txt/x", "not-directory"),
        ("read /data open-secret/x", "not-permitted"),
        // Bytes are what they are.
        ("read /data Open/a.txt", "not-permitted"),
        ("read /data open/A.txt", "no-entry"),
        ("read /data open/\u{e9}.txt", "composed"),
        ("read /data open/e\u{301}.txt", "no-entry"),
        ("read /data caf\u{e9}/x", "composed"),
        ("read /data cafe\u{301}/x", "not-permitted"),
        ("read /data open\\..\\closed\\secret.txt", "not-permitted"),
        ("read /data open/a.txt/", "not-directory"),
        ("read /data open/a.txt/.", "not-directory"),
        ("read /data open/a\0.txt", "invalid"),
        ("read /data ", "no-entry"),
        (&long, "name-too-long"),
        (&longer, "name-too-long"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_as_good_as_what_it_leads_to() {
    check(&[
        ("read /data open/to-a", "a"),
        ("read /data open/to-sub/b.txt", "b"),
        ("read /data open/to-sub/../a.txt", "a"),
        ("read /data open/to-up/open/a.txt", "a"),
        ("read /data reads/to-open", "a"),
        ("read /data open/to-closed", "not-permitted"),
        ("read /data open/to-closed-dir/secret.txt", "not-permitted"),
        ("read /data open/to-up/closed/secret.txt", "not-permitted"),
        ("read /data open/to-up/../outside.txt", "not-permitted"),
        ("read /data open/to-outside", "not-permitted"),
        ("read /data open/to-absolute", "not-permitted"),
        ("read /data open/loop", "loop"),
        ("open /data open/to-a rn x", "loop"),
        ("stat /data open/to-a", "RegularFile 1"),
        ("lstat /data open/to-a", "SymbolicLink 5"),
        ("stat /data open/to-closed", "not-permitted"),
        ("hash /data open/to-a", "true"),
        ("hash /data open/to-closed", "not-permitted"),
        ("touch /data open/to-a", "ok"),
        ("touch /data open/to-closed", "not-permitted"),
        ("write /data open/to-closed x", "not-permitted"),
        ("write /data open/to-outside x", "not-permitted"),
        ("list /data open/to-closed-dir", "not-permitted"),
        // Opened by a right name, a directory is where it really is.
        ("open /data open/to-sub rd sub", "ok"),
        ("read sub b.txt", "b"),
        ("read sub ../a.txt", "a"),
        ("read sub ../../closed/secret.txt", "not-permitted"),
        ("read sub ../../../outside.txt", "not-permitted"),
        // Made by the guest: below the directory, whatever it is, and then checked like any other.
        ("symlink /data ../closed/secret.txt open/mine", "ok"),
        ("read /data open/mine", "not-permitted"),
        ("symlink /data a.txt open/other", "ok"),
        ("read /data open/other", "a"),
        ("readlink /data open/other", "a.txt"),
        ("readlink /data open/to-absolute", "not-permitted"),
        ("symlink /data /etc/passwd open/absolute", "not-permitted"),
        ("symlink /data ../../outside.txt open/out", "not-permitted"),
        ("symlink /data sub/../../../x open/out", "not-permitted"),
        ("symlink /data a.txt reads/link", "not-permitted"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_access_is_one_of_its_own() {
    let trees = check(&[
        // To read, not to change.
        ("read /data reads/r.txt", "r"),
        ("stat /data reads/r.txt", "RegularFile 1"),
        ("list /data reads", "[r.txt to-open]"),
        ("open /data reads/r.txt r r", "ok"),
        ("touch-open r", "not-permitted"),
        ("resize r 0", "not-permitted"),
        ("open /data reads/r.txt w x", "not-permitted"),
        ("open /data reads/r.txt rt x", "not-permitted"),
        ("write /data reads/new x", "not-permitted"),
        ("touch /data reads/r.txt", "not-permitted"),
        ("unlink /data reads/r.txt", "not-permitted"),
        ("mkdir /data reads/dir", "not-permitted"),
        ("rmdir /data reads", "not-permitted"),
        // To make, and to fill what one has made.
        ("write /data drop/new mine", "ok"),
        ("write /data drop/new again", "not-permitted"),
        ("write /data drop/there x", "not-permitted"),
        ("read /data drop/new", "not-permitted"),
        ("stat /data drop/new", "not-permitted"),
        ("list /data drop", "not-permitted"),
        ("unlink /data drop/new", "not-permitted"),
        ("mkdir /data drop/dir", "ok"),
        // To see, not to read.
        ("list /data look", "[l.txt]"),
        ("stat /data look/l.txt", "RegularFile 6"),
        ("read /data look/l.txt", "not-permitted"),
        // To take away.
        ("unlink /data gone/g.txt", "ok"),
        ("unlink /data gone/g.txt", "no-entry"),
        ("read /data gone/h.txt", "not-permitted"),
        ("list /data gone", "not-permitted"),
        // All of it.
        ("write /data open/new words", "ok"),
        ("open /data open/new rw n", "ok"),
        ("put n W", "ok"),
        ("get n", "Words"),
        ("resize n 2", "ok"),
        ("touch-open n", "ok"),
        ("read /data open/new", "Wo"),
        ("open /data open/new cxw x", "exist"),
        ("mkdir /data open/dir/", "ok"),
        ("rmdir /data open/dir", "ok"),
        ("unlink /data open/new", "ok"),
        ("unlink /data closed/secret.txt", "not-permitted"),
        ("mkdir /data closed/dir", "not-permitted"),
        // What was not granted is not even listed; the way to what was can be seen.
        ("list /data .", "[again caf\u{e9} look open reads top-1.txt]"),
        ("stat /data .", "Directory"),
        ("stat /data closed", "not-permitted"),
        ("open /data closed rd x", "not-permitted"),
    ])
    .await;
    for tree in trees {
        let there = fs::read_to_string(tree.path().join("data/drop/there")).unwrap();
        assert_eq!(there, "secret");
        assert_eq!(fs::read_to_string(tree.path().join("data/drop/new")).unwrap(), "mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_moved_or_doubled_only_where_that_gives_nothing_more() {
    check(&[
        ("rename /data open/a.txt /data again/a.txt", "ok"),
        ("read /data again/a.txt", "a"),
        ("rename /data again/a.txt /data/open a.txt", "ok"),
        // From where one may not read or delete, to where one may not make.
        ("rename /data closed/secret.txt /data open/s", "not-permitted"),
        ("rename /data gone/h.txt /data open/s", "not-permitted"),
        ("rename /data look/l.txt /data open/s", "not-permitted"),
        ("rename /data reads/r.txt /data open/r", "not-permitted"),
        ("rename /data open/a.txt /data closed/a.txt", "not-permitted"),
        ("rename /data open/a.txt /data ../a.txt", "not-permitted"),
        ("rename /data open/a.txt /data open/to-closed-dir/a.txt", "not-permitted"),
        // Onto what is there is to take it away.
        ("rename /data open/a.txt /data drop/there", "not-permitted"),
        ("rename /data open/a.txt /data drop/a.txt", "ok"),
        ("write /data open/a.txt a", "ok"),
        ("write /data open/c.txt c", "ok"),
        ("rename /data open/c.txt /data open/a.txt", "ok"),
        ("read /data open/a.txt", "c"),
        // A directory carries all below it along.
        ("rename /data open/sub /data again/sub", "ok"),
        ("read /data again/sub/b.txt", "b"),
        ("rename /data again/sub /data drop/sub", "not-permitted"),
        ("rename /data gone /data open/gone", "not-permitted"),
        ("rename /data again/sub/b.txt /data again/sub/c.txt/", "not-directory"),
        // A second name is both names' rights: it takes reading and changing by the first.
        ("link /data open/a.txt /data open/second", "ok"),
        ("read /data open/second", "c"),
        ("link /data closed/secret.txt /data open/s", "not-permitted"),
        ("link /data reads/r.txt /data open/r", "not-permitted"),
        ("link /data look/l.txt /data open/l", "not-permitted"),
        ("link /data open/to-closed /data open/linked", "ok"),
        ("read /data open/linked", "not-permitted"),
        ("link /data open/a.txt /data closed/a", "not-permitted"),
        ("link /data open/a.txt /data ../a", "not-permitted"),
    ])
    .await;
}

/// A handle to a directory carries no right to another place along when the directory is moved.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_was_moved_is_no_longer_where_its_handle_says() {
    check(&[
        ("open /data open/sub rd sub", "ok"),
        ("read sub b.txt", "b"),
        ("rename /data open/sub /data again/sub", "ok"),
        ("read sub b.txt", "no-entry"),
        ("read /data again/sub/b.txt", "b"),
    ])
    .await;
}

/// What is granted is a directory and not its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_stays_the_one_that_was_granted() {
    for guest in GUESTS {
        let tree = tree();
        let pool = guest_of(guest, &tree, |_| ()).await;
        let (data, moved) = (tree.path().join("data"), tree.path().join("moved"));
        fs::rename(&data, &moved).unwrap();
        fs::create_dir_all(data.join("open")).unwrap();
        fs::write(data.join("open/a.txt"), "another").unwrap();
        let answers = run(&pool, &["read\t/data\topen/a.txt", "write\t/data\topen/new\tx"]).await;
        assert_eq!(answers, ["a", "ok"], "{guest}");
        assert!(moved.join("open/new").exists() && !data.join("open/new").exists());
    }
}

/// Swaps a file and a directory on the way for links that lead to what is denied, as fast as it can.
fn swap(data: &Path, until: &AtomicBool) {
    let open = data.join("open");
    fs::create_dir(open.join("real")).unwrap();
    fs::write(open.join("real/secret.txt"), "a").unwrap();
    while !until.load(Ordering::Relaxed) {
        fs::write(open.join("next"), "a").unwrap();
        fs::rename(open.join("next"), open.join("swapped")).unwrap();
        fs::rename(open.join("real"), open.join("way")).unwrap();
        symlink("../closed/secret.txt", open.join("next")).unwrap();
        fs::rename(open.join("next"), open.join("swapped")).unwrap();
        fs::rename(open.join("way"), open.join("real")).unwrap();
        symlink("../closed", open.join("way")).unwrap();
        fs::remove_file(open.join("way")).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_swapped_in_meanwhile_never_leads_out() {
    const STORMS_MAX: usize = 40;
    for guest in GUESTS {
        let tree = tree();
        let pool = guest_of(guest, &tree, |_| ()).await;
        let (data, over) = (tree.path().join("data"), Arc::new(AtomicBool::new(false)));
        let until = Arc::clone(&over);
        let swapping = std::thread::spawn(move || swap(&data, &until));
        let mut seen = BTreeSet::new();
        let storms = ["storm\t/data\topen/swapped\t200", "storm\t/data\topen/way/secret.txt\t200"];
        for _ in 0..STORMS_MAX {
            for answer in run(&pool, &storms).await {
                seen.extend(answer.split(' ').map(ToOwned::to_owned));
            }
            if seen.contains("a") && seen.contains("not-permitted") {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        swapping.join().unwrap();
        assert!(!seen.contains("secret"), "{guest}: {seen:?}");
        assert!(seen.contains("a") && seen.contains("not-permitted"), "{guest}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_files_are_bounded_and_given_back() {
    for guest in GUESTS {
        let tree = tree();
        let kept = Arc::new(Kept::default());
        let sink = Arc::clone(&kept);
        let pool = guest_of(guest, &tree, |spec| {
            spec.limits.files = 5;
            spec.sink = sink;
        })
        .await;
        let lines = [
            "hoard\t/data\topen/a.txt\t10",
            "read\t/data\topen/a.txt",
            "close\thoard 0",
            "read\t/data\topen/a.txt",
            "read\t/data\topen/a.txt",
            "close\thoard 1",
            "list\t/data\tlook",
            "list\t/data\tlook",
        ];
        let answers = run(&pool, &lines).await;
        assert_eq!(answers[..5], ["5 quota", "quota", "ok", "a", "a"], "{guest}");
        assert_eq!(answers[5..], ["ok", "[l.txt]", "[l.txt]"], "{guest}");
        assert!(text(&kept).contains("limit `files`"), "{}", text(&kept));
    }
}

fn text(kept: &Kept) -> String {
    kept.0.lock().unwrap().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_told_with_its_grant_and_a_use_where_that_is_wanted() {
    let lines = [
        "read\t/data\topen/to-a",
        "read\t/data\topen/to-closed",
        "write\t/data/open\tnew\tx",
        "list\t/data\treads",
    ];
    for guest in GUESTS {
        for sees_uses in [false, true] {
            let tree = tree();
            let told = Arc::new(Told::seeing_uses(sees_uses));
            let (kept, watch) = (Arc::new(Kept::default()), Arc::clone(&told));
            let sink = Arc::clone(&kept);
            let pool = guest_of(guest, &tree, |spec| {
                spec.sink = sink;
                spec.watch = watch;
            })
            .await;
            run(&pool, &lines).await;
            let denied = told.denied();
            let [denial] = &denied[..] else { panic!("{guest}: {denied:?}") };
            assert_eq!((denial.kind, &*denial.target), (Kind::Files, "/data/closed/secret.txt"));
            assert_eq!(denial.grant, "files:HOST_DIRECTORY=/data/closed/secret.txt:read");
            assert!(text(&kept).contains(&denial.to_string()), "{}", text(&kept));
            let used = told
                .used()
                .into_iter()
                .map(|it| format!("{} {} {} {}", it.service, it.kind, it.access, it.target));
            let used: Vec<_> = used.collect();
            let expected = [
                "tested files read /data/open/a.txt",
                "tested files create /data/open/new",
                "tested files list /data/reads",
            ];
            assert_eq!(used, if sees_uses { expected.to_vec() } else { Vec::new() }, "{guest}");
        }
    }
}
