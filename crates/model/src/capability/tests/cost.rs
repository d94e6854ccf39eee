//! What a decision costs. `cargo test --release -p airssys-wasm-model -- --ignored --nocapture decision`

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::grants;
use crate::capability::{Asked, DataAccess, FileAccess, FilesAsk, Protocol, Rights};

/// Each with 64 grants, at the median: key-value keys 50 ns, paths 500 ns, addresses 1.3 µs.
#[test]
#[ignore = "a measurement, which needs the release profile and a machine at rest"]
fn a_decision_costs_no_more_than_promised() {
    let keys = all(|at| format!("keyvalue:bucket-{at}:read"));
    measure("key", Duration::from_nanos(50), || {
        black_box(keys.keyvalue.check(black_box("bucket-63"), DataAccess::Read)).is_allowed()
    });

    let dirs = all(|at| format!("files:/srv/{at}=/data/{at}:read"));
    measure("path among 64 directories", Duration::from_nanos(500), || {
        let path = black_box("/data/63/words/en/deep/list.txt");
        black_box(dirs.directories.check(path, FileAccess::READ)).is_allowed()
    });

    let ask = |at: usize| FilesAsk {
        path: format!("/data/**/kind-{at}/*.txt"),
        access: vec![crate::capability::Access::Read],
        reason: String::new(),
    };
    let asked = Asked { files: (0..64).map(ask).collect(), ..Asked::default() };
    let globs = Rights::meet(&asked, &grants(&["files:/srv=/data:read".to_owned()])).unwrap();
    let directory = globs.directories.iter().next().unwrap();
    measure("path under 64 globs", Duration::from_nanos(500), || {
        let path = black_box("words/kind-32/list.txt");
        black_box(directory.check(path, FileAccess::READ)).is_allowed()
    });

    let blocks = all(|at| format!("net:10.{at}.0.0/16:5432"));
    let address = "10.63.1.2:5432".parse().unwrap();
    measure("address", Duration::from_nanos(1_300), || {
        black_box(blocks.net.check(Protocol::Tcp, black_box(address), None)).is_allowed()
    });

    let names = all(|at| format!("net:*.host-{at}.example.com:443"));
    let address = "93.184.216.34:443".parse().unwrap();
    measure("address by name", Duration::from_nanos(1_300), || {
        let name = black_box(Some("api.host-63.example.com"));
        black_box(names.net.check(Protocol::Tcp, address, name)).is_allowed()
    });
}

fn all(text: impl Fn(usize) -> String) -> Rights {
    let granted = grants(&(0..64).map(text).collect::<Vec<_>>());
    Rights::meet(&Asked::unstated(), &granted).unwrap()
}

fn measure(what: &str, bound: Duration, decide: impl Fn() -> bool) {
    const ROUNDS: u32 = 1_000;
    assert!(decide(), "{what} is denied, and so measures something else");
    let mut times: Vec<_> = (0..501)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                black_box(decide());
            }
            start.elapsed() / ROUNDS
        })
        .collect();
    times.sort();
    println!("{what}: {:?}", times[250]);
    assert!(times[250] <= bound, "{what} took {:?}", times[250]);
}
