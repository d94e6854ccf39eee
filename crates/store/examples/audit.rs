//! What the audit trail costs on this disk: `cargo run --release -p airssys-wasm-store --example audit
//! [DIR]`.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use airssys_wasm_store::audit::{Audit, AuditSettings, Decision, Entry, Kind, NodeKey};

const CALL: Kind = Kind::usage(0, "call");
const DEPLOY: Kind = Kind::control("deploy");

fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(base)?;
    let key = NodeKey::from_seed([7; 32]);
    let settings = AuditSettings::default();
    let audit = Audit::open(&dir.path().join("audit"), settings, key, Arc::new(SystemTime::now))?;
    each("whether a use is recorded", 10_000_000, || {
        black_box(audit.wants(black_box(CALL), Decision::Allowed));
    });
    let (service, target): (Arc<str>, Arc<str>) = ("greeter".into(), "/data/words".into());
    let used = || {
        let mut entry = Entry::new(SystemTime::now(), CALL, target.clone(), Decision::Allowed);
        entry.service = Some(service.clone());
        entry.revision = Some(3);
        entry
    };
    each("a note, with room in the queue", 5_000, || audit.note_blocking(used()).unwrap());
    each("a note, as fast as the disk takes them", 300_000, || {
        audit.note_blocking(used()).unwrap()
    });
    let act = || Entry::new(SystemTime::now(), DEPLOY, "greeter@1.0.0", Decision::Allowed);
    each("a record, alone", 300, || {
        audit.record_blocking(act()).unwrap();
    });
    let start = Instant::now();
    let report = audit.verify(None)?;
    println!("{:<40} {:.1?} for {} entries", "verifying", start.elapsed(), report.entries);
    Ok(())
}

fn each(what: &str, times: u32, mut act: impl FnMut()) {
    let start = Instant::now();
    (0..times).for_each(|_| act());
    let one: Duration = start.elapsed() / times;
    println!("{what:<40} {one:.1?}");
}
