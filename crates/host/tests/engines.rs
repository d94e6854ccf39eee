//! Which engine a component gets, and that what was compiled for one is found again.

mod common;

use std::path::Path;

use airssys_wasm_host::{Host, HostSettings, Pooling};
use common::{guest, spec};

fn host(dir: &Path) -> Host {
    let cache_dir = Some(dir.to_owned());
    let settings = HostSettings { cache_dir, pooling: Pooling::Never, ..HostSettings::default() };
    Host::new(&settings).unwrap()
}

/// The compiled artifacts in a cache, by the engine in their names.
fn compiled_for(dir: &Path, engine: &str) -> usize {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| name.contains(engine) && name.ends_with(".cwasm")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_gets_the_engine_that_it_needs_and_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let (older, newer) = (guest("http-hello"), guest("http-p3"));
    let first = host(dir.path());
    let prepared = first.prepare(spec(&older), older.clone()).await.unwrap();
    assert!(!prepared.report().cached);
    assert_eq!((compiled_for(dir.path(), "-sequential-"), compiled_for(dir.path(), "-")), (1, 1));
    // Half written, as by a compilation that is under way while the other engine starts.
    let half = dir.path().join("0123-sequential-4567.89ab.tmp");
    std::fs::write(&half, "half").unwrap();
    first.prepare(spec(&newer), newer.clone()).await.unwrap();
    assert!(half.exists(), "an engine that starts took the other's file away");
    assert_eq!(compiled_for(dir.path(), "-concurrent-"), 1);
    drop((first, prepared));
    // Each engine prunes the cache when it starts, and leaves the other's entries there.
    let second = host(dir.path());
    assert!(!half.exists(), "what a crash left half written stays");
    for artifact in [newer, older] {
        assert!(second.prepare(spec(&artifact), artifact).await.unwrap().report().cached);
    }
}
