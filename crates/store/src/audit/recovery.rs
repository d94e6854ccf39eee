//! Opening a trail: what the anchor covers is checked and kept, the rest is cut off and said.
//!
//! What stands after the anchor is what a node had not acknowledged when it stopped; or what somebody has
//! chained on since, which anyone can. Both are cut off, because signing on would make them the node's.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::warn;

use super::anchor::{self, ANCHOR_FILE, Anchor, AnchorFile};
use super::chain::Chain;
use super::entry::{Decision, Entry};
use super::error::OpenError;
use super::folder::{Folder, length, read_part};
use super::key::{NodeKey, PublicKey};
use super::ledger::{Ledger, Open, Sealed, TRAIL};
use super::segment;
use super::settings::AuditSettings;
use super::succession::Keys;

impl Ledger {
    /// Opens a trail, or begins one in an empty folder. The entries say what was cut off; they are to be
    /// written first. `former` is the key before this one, where its succession was cut short.
    pub(super) fn open(
        folder: Arc<dyn Folder>,
        key: NodeKey,
        former: Option<PublicKey>,
        settings: AuditSettings,
        now: SystemTime,
    ) -> Result<(Self, Vec<Entry>), OpenError> {
        let mut remarks = Vec::new();
        let mut remark = |detail: String| {
            warn!(detail, "the audit trail was mended");
            let mut entry = Entry::new(now, TRAIL, "trail", Decision::Allowed);
            entry.detail = Some(detail.into());
            remarks.push(entry);
        };
        let keys = Keys::read(&*folder, &[former.unwrap_or(key.public())])?;
        let mut anchor = find_anchor(&*folder, &key, &keys, &mut remark)?;
        let current = *anchor.current();
        let later: Vec<u64> = segment::numbers(&*folder)?
            .into_iter()
            .filter(|number| *number > current.segment)
            .collect();
        for number in &later {
            folder.remove(&segment::name(*number))?;
            remark(format!("segment {number}, which was never signed for, was removed"));
        }
        let (open, end) = if current.segment == 0 {
            (None, 0)
        } else {
            open_last(&*folder, &keys, &current, &mut remark)?
        };
        let sealed = list_sealed(&*folder, current.oldest..end, now)?;
        // Names that a killed predecessor made or removed are durable from here on.
        folder.sync()?;
        if !remarks.is_empty() || former.is_some() {
            // Both slots anew: one may be the damaged one.
            anchor.advance(current, &key)?;
            anchor.advance(current, &key)?;
        }
        let ledger = Self { folder, key, settings, anchor, open, sealed };
        ledger.remove_below_oldest()?;
        Ok((ledger, remarks))
    }
}

fn find_anchor(
    folder: &dyn Folder,
    key: &NodeKey,
    keys: &Keys,
    remark: &mut dyn FnMut(String),
) -> Result<AnchorFile, OpenError> {
    let slots = match anchor::read(folder, &keys.anchoring()) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if segment::numbers(folder)?.is_empty() {
                return Ok(AnchorFile::create(folder, key)?);
            }
            return Err(OpenError::Damaged(format!("the file `{ANCHOR_FILE}` is missing")));
        }
        slots => slots?,
    };
    let Some(latest) = slots.latest else {
        let damaged =
            || OpenError::Damaged(format!("nothing in the file `{ANCHOR_FILE}` is whole"));
        return Err(if slots.foreign { OpenError::OtherKey } else { damaged() });
    };
    if !slots.intact {
        remark("one half of the file that says where the trail ends was damaged".to_owned());
    }
    Ok(AnchorFile::open(folder, latest)?)
}

/// Checks the last segment as far as the anchor says, and cuts off the rest. Also the number after the last
/// sealed segment.
fn open_last(
    folder: &dyn Folder,
    keys: &Keys,
    anchor: &Anchor,
    remark: &mut dyn FnMut(String),
) -> Result<(Option<Open>, u64), OpenError> {
    let number = anchor.segment;
    let name = segment::name(number);
    let damaged = |why: String| OpenError::Damaged(format!("segment {number}: {why}"));
    let found = match length(folder, &name) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(damaged("it is missing".to_owned()));
        }
        found => found?,
    };
    if found < anchor.bytes {
        return Err(damaged(format!("{} bytes of it were cut off", anchor.bytes - found)));
    }
    let mut chain = Chain::from_segment(keys);
    chain.enter(number);
    let bytes = read_part(folder, &name, 0, anchor.bytes)?;
    for text in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        chain
            .read(text)
            .map_err(|wrong| damaged(format!("after entry {}: {wrong}", chain.seq())))?;
    }
    if chain.last() != Some(anchor.hash) || chain.seq() != anchor.seq {
        return Err(damaged("its end is not the one that was signed for".to_owned()));
    }
    let mut page = folder.open(&name)?;
    if found > anchor.bytes {
        page.set_len(anchor.bytes)?;
        page.sync()?;
        remark(format!(
            "{} bytes at the end of segment {number} were cut off: nobody was told that they are \
             recorded, or they were added since",
            found - anchor.bytes
        ));
    }
    let stretch = chain.stretch().clone();
    Ok(if stretch.sealed {
        (None, number + 1)
    } else {
        (Some(Open { page, stretch, soiled: false }), number)
    })
}

/// A segment that is missing here is verification's to find; retention goes by what there is.
fn list_sealed(
    folder: &dyn Folder,
    numbers: std::ops::Range<u64>,
    now: SystemTime,
) -> Result<std::collections::VecDeque<Sealed>, OpenError> {
    let present = segment::numbers(folder)?;
    let kept = present.into_iter().filter(|number| numbers.contains(number));
    kept.map(|number| {
        let bytes = length(folder, &segment::name(number))?;
        // One whose seal was damaged is evidence: it gets the longest time.
        let at = segment::peek_seal(folder, number)?.map_or(now, |seal| seal.at);
        Ok(Sealed { number, bytes, at })
    })
    .collect()
}
