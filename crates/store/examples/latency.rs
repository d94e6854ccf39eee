//! What the store's operations cost on this disk: `cargo run --release -p airssys-wasm-store --example
//! latency [DIR]`. The numbers in `docs/adr/0001-embedded-store.md` come from it.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use airssys_wasm_store::Store;

fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(base)?;
    let store = Store::open(dir.path())?;
    for bytes in [2 << 10, 64 << 10] {
        records(&store, bytes)?;
    }
    for bytes in [120_000, 4_400_000, 18_000_000] {
        blobs(&store, bytes)?;
    }
    drop(store);
    let start = Instant::now();
    let _store = Store::open(dir.path())?;
    println!("{:<32} {:.1?}", "open again, checking everything", start.elapsed());
    Ok(())
}

fn records(store: &Store, bytes: usize) -> Result<(), Box<dyn Error>> {
    let value = vec![7; bytes];
    let mut versions = [None; 100];
    let (mut puts, mut gets) = (Vec::new(), Vec::new());
    for turn in 0..1_000 {
        let key = format!("{bytes}/{:03}", turn % 100);
        let expected = &mut versions[turn % 100];
        *expected = Some(timed(&mut puts, || store.records().put_if(&key, *expected, &value))?);
        black_box(timed(&mut gets, || store.records().get(&key))?);
    }
    report(&format!("put_if, {bytes} B"), puts);
    report(&format!("get, {bytes} B"), gets);
    Ok(())
}

fn blobs(store: &Store, bytes: usize) -> Result<(), Box<dyn Error>> {
    let (mut fresh, mut known, mut gets) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..20 {
        let blob = vec![turn; bytes];
        let digest = timed(&mut fresh, || store.blobs().put(&blob))?;
        timed(&mut known, || store.blobs().put(&blob))?;
        black_box(timed(&mut gets, || store.blobs().get(&digest))?);
        store.blobs().remove(&digest)?;
    }
    report(&format!("blob put, new, {bytes} B"), fresh);
    report(&format!("blob put, known, {bytes} B"), known);
    report(&format!("blob get, {bytes} B"), gets);
    Ok(())
}

fn timed<T>(times: &mut Vec<Duration>, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    times.push(start.elapsed());
    result
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{what:<32} p50 {:>9.1?}  p90 {:>9.1?}  p99 {:>9.1?}", at(50), at(90), at(99));
}
