//! Decisions are made on the path of every call: none of them takes memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use airssys_wasm_model::{
    Access, Asked, DataAccess, DirectoryRight, FileAccess, FilesAsk, Grants, Protocol, Rights,
};

/// Counts what each thread takes.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all is left to the system's allocator. The count is a thread's own, is made without memory, and is left alone
// where the thread has none any more.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = TAKEN.try_with(|taken| taken.set(taken.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises: it came from `alloc`, and so from the system.
        unsafe { System.dealloc(at, layout) }
    }
}

fn rights(grant: impl Fn(usize) -> String) -> Rights {
    let grants = Grants((0..64).map(|at| grant(at).parse().unwrap()).collect());
    Rights::intersect(&Asked::unstated(), &grants).unwrap()
}

/// A directory with these globs.
fn globs(glob: impl Fn(usize) -> String) -> DirectoryRight {
    let ask = |at| FilesAsk { path: glob(at), access: vec![Access::Read], reason: String::new() };
    let asked = Asked { files: (0..64).map(ask).collect(), ..Asked::default() };
    let granted = Grants(vec!["files:/srv=/data:read".parse().unwrap()]);
    let rights = Rights::intersect(&asked, &granted).unwrap();
    rights.directories.iter().next().unwrap().clone()
}

/// How often memory was taken meanwhile.
fn taken(decide: impl Fn() -> bool, is_allowed: bool) -> u64 {
    let before = TAKEN.get();
    for _ in 0..100 {
        assert_eq!(black_box(decide()), is_allowed);
    }
    TAKEN.get() - before
}

#[test]
fn a_decision_by_64_grants_takes_no_memory() {
    assert_eq!(taken(|| *black_box(Box::new(1)) == 1, true), 100, "it counts");

    let keys = rights(|at| format!("keyvalue:bucket-{at}:read"));
    let key = |bucket| keys.keyvalue.check(black_box(bucket), DataAccess::Read).is_allowed();
    let families = rights(|at| format!("keyvalue:bucket-{at}-*:read"));
    let family = |bucket| families.keyvalue.check(black_box(bucket), DataAccess::Read).is_allowed();
    let directories = rights(|at| format!("files:/srv/{at}=/data/{at}:read"));
    let path = |path| directories.directories.check(black_box(path), FileAccess::READ).is_allowed();
    let blocks = rights(|at| format!("net:10.{at}.0.0/16:5432"));
    let address = |text: &str| {
        let address = text.parse().unwrap();
        blocks.net.check(Protocol::Tcp, black_box(address), None).is_allowed()
    };
    let names = rights(|at| format!("net:*.host-{at}.example.com:443"));
    let name = |name| {
        let address = ([93, 184, 216, 34], 443).into();
        names.net.check(Protocol::Tcp, address, Some(black_box(name))).is_allowed()
    };
    let directory = globs(|at| format!("/data/**/kind-{at}/*.txt"));
    let glob = |path| directory.check(black_box(path), FileAccess::READ).is_allowed();
    let through = |path| directory.leads_through(black_box(path));
    let shapes = globs(|at| {
        format!("/data/**/{}", ["*-N", "N-*", "N?-*"][at % 3].replace('N', &at.to_string()))
    });
    let shape = |path| shapes.check(black_box(path), FileAccess::READ).is_allowed();
    let longest = format!("{}kind-32/a.txt", "a/".repeat(2_000));

    for (is_allowed, taken) in [
        (true, taken(|| key("bucket-63"), true)),
        (false, taken(|| key("bucket-64"), false)),
        (true, taken(|| family("bucket-63-a"), true)),
        (false, taken(|| family("bucket-64-a"), false)),
        (true, taken(|| path("/data/63/words/en/deep/list.txt"), true)),
        (false, taken(|| path("/data/64/words/en/deep/list.txt"), false)),
        (true, taken(|| glob("words/kind-32/list.txt"), true)),
        (false, taken(|| glob("words/kind-64/list.txt"), false)),
        (true, taken(|| glob(&longest), true)),
        (false, taken(|| glob("words/../kind-32/list.txt"), false)),
        (true, taken(|| through("words/kind-32"), true)),
        (false, taken(|| through("words/.."), false)),
        (true, taken(|| shape("words/list-63"), true)),
        (true, taken(|| shape("words/61-list"), true)),
        (true, taken(|| shape("words/62x-list"), true)),
        (false, taken(|| shape("words/list"), false)),
        (true, taken(|| address("10.63.1.2:5432"), true)),
        (false, taken(|| address("10.64.1.2:5432"), false)),
        (true, taken(|| name("api.host-63.example.com"), true)),
        (false, taken(|| name("api.host-64.example.com"), false)),
    ] {
        assert_eq!(taken, 0, "allowed: {is_allowed}");
    }
}
