//! A segment: a file that begins with a head, holds entries, and is closed by a signed seal.
//!
//! All three are lines of the one chain. The head names the hash of the seal before it like any line names
//! the line before it, so that no segment can be exchanged or left out.

use std::io;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::entry::Recorded;
use super::folder::{Folder, length, read_part};
use super::key::{NodeKey, PublicKey, Signed};
use super::line::{self, Hash};

/// How lines are written. A reader refuses what it doesn't know.
pub(super) const FORMAT: u32 = 1;

const SUFFIX: &str = ".jsonl";

/// What is signed in a seal begins with this, so that the signature means nothing elsewhere.
const SEAL_CONTEXT: &[u8] = b"airssys-wasm audit seal 1\n";

/// More than the longest seal's line.
const SEAL_BYTES: u64 = 2_048;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HeadLine {
    pub(super) head: Head,
    pub(super) prev: Hash,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: u32,
    pub(super) segment: u64,
    /// The number of its first entry.
    pub(super) first_seq: u64,
    #[serde(serialize_with = "line::write_time", deserialize_with = "line::read_time")]
    pub(super) at: SystemTime,
    /// Who seals it.
    pub(super) node: PublicKey,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SealLine {
    pub(super) seal: Seal,
    pub(super) signature: Signed,
    pub(super) prev: Hash,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seal {
    pub(super) segment: u64,
    pub(super) last_seq: u64,
    pub(super) entries: u64,
    /// The earliest and the latest time in it: readers skip what they don't ask for.
    #[serde(serialize_with = "line::write_time", deserialize_with = "line::read_time")]
    pub(super) earliest: SystemTime,
    #[serde(serialize_with = "line::write_time", deserialize_with = "line::read_time")]
    pub(super) latest: SystemTime,
    #[serde(serialize_with = "line::write_time", deserialize_with = "line::read_time")]
    pub(super) at: SystemTime,
}

/// A line, read.
#[derive(Debug)]
pub(super) enum Line {
    Head(HeadLine),
    Entry(Box<Recorded>),
    Seal(SealLine),
}

impl SealLine {
    pub(super) fn sign(seal: Seal, prev: Hash, key: &NodeKey) -> Self {
        let signature = key.sign(&seal.message(&prev));
        Self { seal, signature, prev }
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(&self.seal.message(&self.prev), &self.signature)
    }
}

impl Seal {
    fn message(&self, prev: &Hash) -> Vec<u8> {
        let mut message = SEAL_CONTEXT.to_vec();
        serde_json::to_writer(&mut message, self).expect("plain fields serialize into memory");
        message.extend_from_slice(prev.to_string().as_bytes());
        message
    }
}

impl Line {
    /// What a line (without its end of line) says; `None` if it is not one of a trail.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        if text.starts_with(b"{\"seq\":") {
            serde_json::from_slice(text).ok().map(|entry| Self::Entry(Box::new(entry)))
        } else if text.starts_with(b"{\"head\":") {
            serde_json::from_slice(text).ok().map(Self::Head)
        } else {
            serde_json::from_slice(text).ok().map(Self::Seal)
        }
    }

    pub(super) fn prev(&self) -> Hash {
        match self {
            Self::Head(head) => head.prev,
            Self::Entry(entry) => entry.prev,
            Self::Seal(seal) => seal.prev,
        }
    }
}

/// The name of a segment's file; in the order of names they are in the order of numbers.
pub(super) fn name(number: u64) -> String {
    format!("{number:012}{SUFFIX}")
}

/// The numbers of the segments in a folder, in order.
pub(super) fn numbers(folder: &dyn Folder) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = folder.names()?.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The seal of a segment, unchecked, if its last line is one.
pub(super) fn peek_seal(folder: &dyn Folder, number: u64) -> io::Result<Option<Seal>> {
    let name = name(number);
    let from = length(folder, &name)?.saturating_sub(SEAL_BYTES);
    let end = read_part(folder, &name, from, SEAL_BYTES)?;
    let last = end.strip_suffix(b"\n").and_then(|end| end.rsplit(|byte| *byte == b'\n').next());
    Ok(match last.and_then(Line::parse) {
        Some(Line::Seal(line)) => Some(line.seal),
        _ => None,
    })
}

/// Only a name that this module writes is a segment's.
fn number(file: &str) -> Option<u64> {
    let number = file.strip_suffix(SUFFIX)?.parse().ok()?;
    (name(number) == file).then_some(number)
}
