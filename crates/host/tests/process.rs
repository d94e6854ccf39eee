//! Programs of the host, run through a real guest: each that is denied beside the one that is allowed, and what
//! becomes of those that do not end by themselves.

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_host::{Backends, CallError, Limit, Pool, Processes, RevisionSpec};
use airssys_wasm_model::{Programs, Rights, Span};
use common::told::Told;
use common::waiting::{PATIENCE, found, until, within};
use common::{Kept, execute, pool, rights, said};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A list of programs, each run by a shell, with a directory for what they leave.
struct Listed {
    programs: Processes,
    dir: TempDir,
}

impl Listed {
    /// Of these names and commands; `DIR` in a command is the directory.
    fn new(commands: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        let entry = |(name, command): &(&str, &str)| {
            let command = command.replace("DIR", path);
            format!("[{name}]\nprogram = \"/bin/sh\"\narguments = [\"-c\", '''{command}''']\n")
        };
        let list: String = commands.iter().map(entry).collect();
        Self { programs: Processes::new(list.parse().unwrap()), dir }
    }

    async fn guest(&self, grants: &[&str], change: impl FnOnce(&mut RevisionSpec)) -> Arc<Pool> {
        guest(&self.programs, grants, change).await
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

async fn guest(
    programs: &Processes,
    grants: &[&str],
    change: impl FnOnce(&mut RevisionSpec),
) -> Arc<Pool> {
    let (rights, programs) = (rights(grants), programs.for_service());
    pool("process", |spec| {
        spec.rights = rights;
        spec.backends = Backends { processes: Some(programs), ..Backends::default() };
        change(spec);
    })
    .await
}

/// The number that a program writes to a file once it runs.
async fn number(file: &Path) -> i32 {
    found(&format!("a number in {}", file.display()), || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.strip_suffix('\n')?.parse().ok()
    })
    .await
}

/// Waits until no such process runs: one that was killed may be there until its parent has looked.
async fn gone(process: i32) {
    until(&format!("the end of process {process}"), || {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        matches!(state, None | Some('Z' | 'X'))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_program_runs_as_the_list_says_and_by_no_other_right_than_its_own() {
    let listed = Listed::new(&[
        ("upper", "tr a-z A-Z"),
        ("fails", "echo why >&2; exit 3"),
        ("killed", "kill -9 $$"),
    ]);
    let grants = ["process:upper", "process:fails", "process:killed", "process:unlisted"];
    let pool = listed.guest(&grants, |_| {}).await;
    assert_eq!(said(&pool, "upper\nhello").await, "0 out[HELLO] err[]");
    assert_eq!(said(&pool, "upper").await, "0 out[] err[]");
    assert_eq!(said(&pool, "fails\nnot read").await, "3 out[] err[why]");
    assert_eq!(said(&pool, "killed").await, "137 out[] err[]");
    assert_eq!(said(&pool, "unlisted").await, "the operator's list has no such program");
    assert_eq!(said(&pool, "Upper; ls\n").await, "the operator's list has no such program");

    let pool = listed.guest(&["process:fails"], |_| {}).await;
    assert_eq!(said(&pool, "upper\nhello").await, "the program is not granted");
    assert_eq!(said(&pool, "unlisted").await, "the program is not granted");
    let pool = listed.guest(&[], |_| {}).await;
    assert_eq!(said(&pool, "fails").await, "the program is not granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_fails_without_saying_where_it_should_be() {
    let list = "[x]\nprogram = \"/no/such/program\"".parse().unwrap();
    let pool = guest(&Processes::new(list), &["process:x"], |_| {}).await;
    assert_eq!(said(&pool, "x").await, "the program cannot be run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_the_variables_directory_and_descriptors_of_its_entry_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().canonicalize().unwrap();
    // As what started this process may have left it: open in children, too.
    let inherited = rustix::io::dup(std::fs::File::open("/dev/null").unwrap()).unwrap();
    let list = format!(
        "[env]\nprogram = \"/usr/bin/env\"\nenvironment = {{ LANG = \"C\", A = \"b=c\" }}\n\
         [here]\nprogram = \"/bin/pwd\"\ndirectory = {here:?}\n\
         [own]\nprogram = \"/bin/sh\"\narguments = [\"-c\", \"ls -A; touch x; stat -c %a .; pwd -P\"]\n\
         [open]\nprogram = \"/bin/ls\"\narguments = [\"/proc/self/fd\"]\n"
    );
    let programs = Processes::new(list.parse::<Programs>().unwrap());
    let grants = ["process:env", "process:here", "process:own", "process:open"];
    let pool = guest(&programs, &grants, |_| {}).await;
    assert_eq!(said(&pool, "env").await, "0 out[A=b=c\nLANG=C] err[]");
    assert_eq!(said(&pool, "here").await, format!("0 out[{}] err[]", here.display()));
    let own = said(&pool, "own").await;
    let own = own.strip_prefix("0 out[700\n").and_then(|own| own.strip_suffix("] err[]"));
    let own = Path::new(own.expect("an empty directory that is its own"));
    assert!(own.is_absolute() && !own.exists(), "{own:?} goes with the program");
    // The fourth is the directory that it reads.
    assert_eq!(said(&pool, "open").await, "0 out[0\n1\n2\n3] err[]");
    drop(inherited);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_go_in_and_out_at_once_and_within_bounds() {
    let listed = Listed::new(&[
        ("cat", "exec cat"),
        ("deaf", "exec true"),
        ("flood", "echo $$ > DIR/flood; exec cat /dev/zero"),
        ("complain", "echo $$ > DIR/complain; exec cat /dev/zero >&2"),
    ]);
    let grants = ["process:cat", "process:deaf", "process:flood", "process:complain"];
    let pool = listed.guest(&grants, |_| {}).await;
    let most = 8 << 20;
    assert_eq!(
        said(&pool, &format!("cat\nzeroes {most}")).await,
        format!("0 out[{most} bytes] err[]")
    );
    assert_eq!(said(&pool, &format!("deaf\nzeroes {most}")).await, "0 out[] err[]");
    let too_much = format!("the input of a program is {most} bytes at most");
    assert_eq!(said(&pool, &format!("cat\nzeroes {}", most + 1)).await, too_much);
    let too_much = format!("the output of a program is {most} bytes at most");
    assert_eq!(said(&pool, "flood").await, too_much);
    assert_eq!(
        said(&pool, "complain").await,
        "the error output of a program is 262144 bytes at most"
    );
    gone(number(&listed.file("flood")).await).await;
    gone(number(&listed.file("complain")).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_leaves_running_is_killed_with_it() {
    // It holds the output open, so that its end would never come.
    let listed = Listed::new(&[("forks", "sleep 1000 & echo $! > DIR/left")]);
    let pool = listed.guest(&["process:forks"], |_| {}).await;
    assert_eq!(said(&pool, "forks").await, "0 out[] err[]");
    gone(number(&listed.file("left")).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_left_the_group_is_not_waited_for() {
    let listed = Listed::new(&[(
        "leaves",
        "setsid sh -c \"echo \\$\\$ > DIR/left; exec sleep 1000\" & until [ -s DIR/left ]; do :; done",
    )]);
    let pool = listed.guest(&["process:leaves"], |_| {}).await;
    assert_eq!(said(&pool, "leaves").await, "0 out[] err[]");
    let left = Pid::from_raw(number(&listed.file("left")).await).unwrap();
    kill_process(left, Signal::KILL).expect("it runs on");
}

/// A program that never ends, with a child, and the number of each.
const ENDLESS: &str = "sleep 1000 & echo $! > DIR/child; echo $$ > DIR/leader; wait";

fn endless() -> Listed {
    Listed::new(&[("sleeps", ENDLESS)])
}

async fn all_gone(listed: &Listed) {
    for file in ["leader", "child"] {
        gone(number(&listed.file(file)).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_never_ends_is_killed_at_the_calls_time_limit() {
    let listed = endless();
    let mut limit = Duration::from_secs(1);
    // Until there is time enough for it to begin.
    while !listed.file("leader").exists() {
        let pool = listed.guest(&["process:sleeps"], |spec| spec.limits.time = Span(limit)).await;
        let error = execute(&pool, "sleeps").await.unwrap_err();
        assert!(matches!(error, CallError::Limit(Limit::Time)), "{error:?}");
        assert!(limit < PATIENCE, "it never begins");
        limit *= 2;
    }
    all_gone(&listed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_killed_when_its_call_is_given_up() {
    let listed = endless();
    let pool = listed.guest(&["process:sleeps"], |_| {}).await;
    let calling = tokio::spawn(async move { execute(&pool, "sleeps").await.map(drop) });
    number(&listed.file("leader")).await;
    calling.abort();
    all_gone(&listed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_killed_when_its_revision_is_stopped() {
    let listed = endless();
    let pool = listed.guest(&["process:sleeps"], |_| {}).await;
    let stopped = Arc::clone(&pool);
    let calling = tokio::spawn(async move { execute(&pool, "sleeps").await.map(drop) });
    number(&listed.file("leader")).await;
    stopped.stop().await;
    assert!(within("the call's end", calling).await.unwrap().is_err());
    all_gone(&listed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_killed_when_its_right_is_revoked_and_another_runs_on() {
    let (seen, log) = (Arc::<Told>::default(), Arc::new(Kept::default()));
    let listed = Listed::new(&[
        ("sleeps", ENDLESS),
        ("waits", "echo $$ > DIR/waits; until [ -e DIR/go ]; do sleep 0.05; done; echo done"),
    ]);
    let (watch, sink) = (seen.clone(), log.clone());
    let pool = listed
        .guest(&["process:sleeps", "process:waits", "process:other"], |spec| {
            (spec.watch, spec.sink) = (watch, sink);
            spec.limits.time = Span(Duration::from_secs(120));
        })
        .await;
    let running = |name: &'static str| {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { said(&pool, name).await })
    };
    let (sleeping, waiting) = (running("sleeps"), running("waits"));
    let leader = number(&listed.file("leader")).await;
    number(&listed.file("waits")).await;
    pool.change_rights(Rights::clone(&rights(&["process:sleeps", "process:waits"]))).unwrap();
    pool.change_rights(Rights::clone(&rights(&["process:waits"]))).unwrap();
    let killed = within("the end of the one without a right", sleeping).await;
    assert_eq!(killed.unwrap(), "the program is not granted");
    gone(leader).await;
    gone(number(&listed.file("child")).await).await;
    // What another right is for is still there after both changes, and ends as it would have.
    std::fs::write(listed.file("go"), "").unwrap();
    assert_eq!(within("the end of the other", waiting).await.unwrap(), "0 out[done] err[]");
    let denied = seen.denied();
    assert_eq!(denied.iter().map(|denial| &*denial.grant).collect::<Vec<_>>(), ["process:sleeps"]);
    let log = log.0.lock().unwrap().join("\n");
    assert!(log.contains("the program `sleeps` was killed: its right was revoked"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_programs_run_at_once_and_no_more() {
    let listed = Listed::new(&[("waits", "echo $$ > DIR/$$; exec sleep 1000"), ("ends", "true")]);
    let grants = ["process:waits", "process:ends"];
    let started = async |count: usize| {
        let count_now = || std::fs::read_dir(listed.dir.path()).unwrap().count();
        until(&format!("{count} programs that run"), || count_now() >= count).await;
    };
    let mut calls = Vec::new();
    let mut services = Vec::new();
    for service in 0..4 {
        let pool = listed.guest(&grants, |_| {}).await;
        for _ in 0..4 {
            let pool = Arc::clone(&pool);
            calls.push(tokio::spawn(async move { execute(&pool, "waits").await.map(drop) }));
        }
        started((service + 1) * 4).await;
        let busy = "4 programs of this service run already; try again when one has ended";
        assert_eq!(said(&pool, "ends").await, busy);
        services.push(pool);
    }
    let other = listed.guest(&grants, |_| {}).await;
    let busy = "16 programs of this node run already; try again when one has ended";
    assert_eq!(said(&other, "ends").await, busy);
    for call in &calls {
        call.abort();
    }
    let free = async { while said(&other, "ends").await == busy {} };
    within("a place for another program", free).await;
    assert_eq!(said(&other, "ends").await, "0 out[] err[]");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_run_and_each_denial_is_told_with_the_grant_to_add() {
    let (seen, log) = (Arc::<Told>::default(), Arc::new(Kept::default()));
    let listed = Listed::new(&[("ends", "true"), ("other", "true")]);
    let (watch, sink) = (seen.clone(), log.clone());
    let pool =
        listed.guest(&["process:ends"], |spec| (spec.watch, spec.sink) = (watch, sink)).await;
    said(&pool, "ends").await;
    said(&pool, "other").await;
    assert_eq!(
        seen.lines(|it| format!("{} {}", it.kind, it.target)),
        ["process ends", "process:other"]
    );
    let log = log.0.lock().unwrap().join("\n");
    assert!(log.contains("may not run the program `other`; grant `process:other`"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_runs_no_program() {
    let listed = Listed::new(&[("writes", "echo 1 > DIR/ran")]);
    let pool = listed.guest(&["process:writes"], |_| {}).await;
    let copies = pool.shadow(4).unwrap();
    assert_eq!(said(&copies, "writes").await, "the copy of a call runs nothing");
    assert_eq!(copies.stats().refused, 1);
    assert!(!listed.file("ran").exists());
    assert_eq!(said(&pool, "writes").await, "0 out[] err[]");
    assert!(listed.file("ran").exists());
}
