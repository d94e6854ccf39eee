//! Edits of an audit trail on the disk: each is found, and none stops or misleads who reads it.
//!
//! An input is a list of edits of the segment, six bytes each: where, what, how much, and three bytes to put there.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use airssys_wasm_store::audit::{
    Audit, AuditSettings, Decision, Entry, Kind, NodeKey, PublicKey, verify,
};
use libfuzzer_sys::fuzz_target;

/// Edits of one input.
const EDITS_MAX: usize = 8;

/// A trail as a node left it.
struct Written {
    _dir: tempfile::TempDir,
    folder: PathBuf,
    segment: PathBuf,
    bytes: Vec<u8>,
    key: PublicKey,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| written().expect("a trail is written"));

fn written() -> Result<Written, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let folder = dir.path().join("audit");
    let key = NodeKey::from_seed([7; 32]);
    let public = key.public();
    let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let audit = Audit::open(&folder, AuditSettings::default(), key, Arc::new(move || begin))?;
    for number in 0..8 {
        let target = format!("greeter@1.0.{number}");
        let decision = if number % 3 == 0 { Decision::Denied } else { Decision::Allowed };
        audit.record_blocking(Entry::new(begin, Kind::control("deploy"), target, decision))?;
    }
    drop(audit);
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    let mut found = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path()));
    let segment = found.find(is_segment).ok_or("there is no segment")?;
    let bytes = fs::read(&segment)?;
    Ok(Written { _dir: dir, folder, segment, bytes, key: public })
}

fuzz_target!(|data: &[u8]| {
    let trail = &*WRITTEN;
    let mut bytes = trail.bytes.clone();
    for edit in data.chunks_exact(6).take(EDITS_MAX) {
        apply(edit, &mut bytes);
    }
    fs::write(&trail.segment, &bytes).expect("the segment is written");
    let report = verify(&trail.folder, &[trail.key], None).expect("a trail can be read");
    // What stands behind the end that was acknowledged is a write that a crash cut short, and no edit.
    match bytes.strip_prefix(trail.bytes.as_slice()) {
        None => assert!(report.finding.is_some(), "an edit was not found"),
        Some([]) => assert!(report.finding.is_none(), "{:?}", report.finding),
        Some(_) => {}
    }
});

fn apply(edit: &[u8], bytes: &mut Vec<u8>) {
    let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % (bytes.len() + 1);
    let end = (at + usize::from(edit[3])).min(bytes.len());
    match edit[2] % 4 {
        0 => bytes.splice(at..at, edit[3..].iter().copied()).for_each(drop),
        1 => bytes.drain(at..end).for_each(drop),
        2 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again).for_each(drop);
        }
        _ => bytes[at..].iter_mut().zip(&edit[3..]).for_each(|(byte, new)| *byte = *new),
    }
}
