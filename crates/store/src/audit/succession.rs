//! One key after another: each names the next, and is named by it.
//!
//! A trail outlives the key that it began with. When the key is replaced, the open segment is sealed with the former
//! one, and a line in the file `keys` says from which segment on the new one signs. Both sign that line: the former,
//! so that whoever trusts it finds the new one; the new one, so that whoever trusts it goes on believing what the
//! former has sealed. A former key signs nothing after its last segment, and no anchor, for whoever knows a later one:
//! that is what replacing a key that was taken is for.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::folder::{DiskFolder, Folder, read_part, remove_if_there};
use super::key::{NodeKey, PublicKey, Signed};
use super::line;

/// Where successions are recorded.
pub(super) const KEYS_FILE: &str = "keys";

const UNFINISHED: &str = "keys.unfinished";

/// What is signed begins with this, so that the signatures mean nothing elsewhere.
const CONTEXT: &[u8] = b"airssys-wasm audit key 1\n";

/// More than a thousand successions: one a day for years.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 20;

/// The keys that a reader goes by, each for its segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys(Vec<Reign>);

/// A key and the segments that it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reign {
    key: PublicKey,
    first: u64,
    /// The first segment that is another's.
    end: u64,
    /// Whether it may say where the trail ends.
    anchors: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Succession {
    former: PublicKey,
    current: PublicKey,
    /// The first segment that the current one signs.
    segment: u64,
    #[serde(serialize_with = "line::write_time", deserialize_with = "line::read_time")]
    at: SystemTime,
}

#[derive(Serialize, Deserialize)]
struct Recorded {
    succession: Succession,
    by_former: Signed,
    by_current: Signed,
}

impl Keys {
    /// The keys that those who are trusted vouch for, and they themselves.
    pub(super) fn read(folder: &dyn Folder, trusted: &[PublicKey]) -> io::Result<Self> {
        let reigns = reigns(&successions(&text(folder)?));
        let mut keys = Vec::new();
        for key in trusted {
            let Some(place) = reigns.iter().position(|reign| reign.key == *key) else {
                keys.push(Reign { key: *key, first: 0, end: u64::MAX, anchors: true });
                continue;
            };
            let vouched = reigns.iter().enumerate();
            keys.extend(vouched.map(|(at, reign)| Reign { anchors: at >= place, ..reign.clone() }));
        }
        Ok(Self(keys))
    }

    /// Whether a segment may be of this node.
    pub(super) fn includes(&self, segment: u64, node: &PublicKey) -> bool {
        self.of(segment).any(|key| key == node)
    }

    /// The keys that may sign a segment.
    pub(super) fn of(&self, segment: u64) -> impl Iterator<Item = &PublicKey> {
        let signs = move |reign: &&Reign| (reign.first..reign.end).contains(&segment);
        self.0.iter().filter(signs).map(|reign| &reign.key)
    }

    /// The keys that may say where the trail ends.
    pub(super) fn anchoring(&self) -> Vec<PublicKey> {
        self.0.iter().filter(|reign| reign.anchors).map(|reign| reign.key).collect()
    }
}

/// Whether the trail in a folder has gone over from the one key to the other, and to no further one.
///
/// # Errors
/// When the folder cannot be read.
pub fn has_succeeded(dir: &Path, former: &PublicKey, current: &PublicKey) -> io::Result<bool> {
    is_last(&DiskFolder(dir.to_owned()), former, current)
}

pub(super) fn is_last(
    folder: &dyn Folder,
    former: &PublicKey,
    current: &PublicKey,
) -> io::Result<bool> {
    let all = successions(&text(folder)?);
    Ok(all.last().is_some_and(|last| last.former == *former && last.current == *current))
}

/// Records that a key follows another from a segment on. Durable when it returns; after an error nothing has changed.
pub(super) fn record(
    folder: &dyn Folder,
    former: &NodeKey,
    current: &NodeKey,
    segment: u64,
    at: SystemTime,
) -> io::Result<()> {
    let before = text(folder)?;
    let succession = Succession { former: former.public(), current: current.public(), segment, at };
    let message = message(&succession);
    let recorded = Recorded {
        by_former: former.sign(&message),
        by_current: current.sign(&message),
        succession,
    };
    let mut after = before.clone();
    serde_json::to_writer(&mut after, &recorded).expect("plain fields serialize into memory");
    after.push(b'\n');
    // What could not be read back wholly would leave the new key without its voucher.
    if after.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("the file of the trail's former keys is full"));
    }
    put(folder, &after)?;
    folder.sync().inspect_err(|_| {
        // It may be durable or not: what is there now must be what it was.
        let _ = put(folder, &before);
    })
}

fn put(folder: &dyn Folder, text: &[u8]) -> io::Result<()> {
    remove_if_there(folder, UNFINISHED)?;
    let mut page = folder.create(UNFINISHED)?;
    page.write_at(0, text)?;
    page.sync()?;
    folder.rename(UNFINISHED, KEYS_FILE)
}

fn text(folder: &dyn Folder) -> io::Result<Vec<u8>> {
    match read_part(folder, KEYS_FILE, 0, FILE_BYTES_MAX) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        text => text,
    }
}

/// Those from the first on that are what two keys have signed, and follow one another. A line that is none ends them:
/// what it should have vouched for is then of a node that nobody knows.
fn successions(text: &[u8]) -> Vec<Succession> {
    let mut all: Vec<Succession> = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Ok(Recorded { succession, by_former, by_current }) = serde_json::from_slice(line)
        else {
            break;
        };
        let follows = all.last().is_none_or(|last| {
            last.current == succession.former && last.segment <= succession.segment
        });
        let message = message(&succession);
        let is_signed = succession.former.verifies(&message, &by_former)
            && succession.current.verifies(&message, &by_current);
        // A key that comes back would sign segments of two times.
        let is_new = succession.former != succession.current
            && all.iter().all(|known| known.former != succession.current);
        if !(follows && is_signed && is_new) {
            break;
        }
        all.push(succession);
    }
    all
}

fn reigns(successions: &[Succession]) -> Vec<Reign> {
    let Some(first) = successions.first() else { return Vec::new() };
    let began = successions.iter().map(|it| (it.current, it.segment));
    let began: Vec<_> = std::iter::once((first.former, 0)).chain(began).collect();
    let ends = began.iter().skip(1).map(|(_, segment)| *segment).chain([u64::MAX]);
    began
        .iter()
        .zip(ends)
        .map(|((key, first), end)| Reign { key: *key, first: *first, end, anchors: false })
        .collect()
}

fn message(succession: &Succession) -> Vec<u8> {
    let mut message = CONTEXT.to_vec();
    serde_json::to_writer(&mut message, succession).expect("plain fields serialize into memory");
    message
}
