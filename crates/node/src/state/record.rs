//! The record of a state: a head, and the bytes of the state and of what an earlier version saved last.

use std::sync::Arc;

use airssys_wasm_host::{SavedState, StateError};
use airssys_wasm_model::Version;
use airssys_wasm_store::{RecordError, Store};
use serde::{Deserialize, Serialize};

#[derive(Clone)]
pub(super) struct Kept {
    pub(super) state: SavedState,
    /// The record's version in the store.
    pub(super) record: u64,
    pub(super) previous: Option<SavedState>,
}

/// The head of a record; the bytes of both states follow it.
#[derive(Serialize, Deserialize)]
struct Head {
    version: Version,
    generation: u64,
    length: usize,
    previous: Option<Version>,
    /// Not in records of earlier builds, which kept nothing of it.
    #[serde(default)]
    previous_generation: u64,
}

/// What is kept after this version has saved these bytes.
pub(super) fn next(before: Option<&Kept>, version: &Version, bytes: Vec<u8>) -> Kept {
    let previous = before.and_then(|before| {
        if before.state.version == *version {
            before.previous.clone()
        } else {
            Some(before.state.clone())
        }
    });
    let generation = before.map_or(1, |before| before.state.generation + 1);
    Kept { state: SavedState { version: version.clone(), bytes, generation }, record: 0, previous }
}

pub(super) async fn read(store: &Arc<Store>, key: &str) -> Result<Option<Kept>, StateError> {
    let (store, key) = (Arc::clone(store), key.to_owned());
    let reading = tokio::task::spawn_blocking(move || {
        let found =
            store.records().get(&key).map_err(|error: RecordError| StateError(error.into()))?;
        found.map(|found| decode(&found.value, found.version)).transpose()
    });
    reading.await.map_err(|error| StateError(error.into()))?
}

pub(super) fn encode(kept: &Kept) -> Result<Vec<u8>, StateError> {
    let head = Head {
        version: kept.state.version.clone(),
        generation: kept.state.generation,
        length: kept.state.bytes.len(),
        previous: kept.previous.as_ref().map(|previous| previous.version.clone()),
        previous_generation: kept.previous.as_ref().map_or(0, |previous| previous.generation),
    };
    let mut record = serde_json::to_vec(&head).map_err(|error| StateError(error.into()))?;
    record.push(b'\n');
    record.extend_from_slice(&kept.state.bytes);
    if let Some(previous) = &kept.previous {
        record.extend_from_slice(&previous.bytes);
    }
    Ok(record)
}

fn decode(record: &[u8], version: u64) -> Result<Kept, StateError> {
    let broken = || StateError("the record of the state is broken".into());
    let end = record.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
    let head: Head =
        serde_json::from_slice(&record[..end]).map_err(|error| StateError(error.into()))?;
    let (bytes, previous) = record[end + 1..].split_at_checked(head.length).ok_or_else(broken)?;
    Ok(Kept {
        state: SavedState {
            version: head.version,
            bytes: bytes.to_vec(),
            generation: head.generation,
        },
        record: version,
        previous: head.previous.map(|version| SavedState {
            version,
            bytes: previous.to_vec(),
            generation: head.previous_generation,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_earlier_build_is_read() {
        let head = r#"{"version":"2.0.0","generation":7,"length":3,"previous":"1.0.0"}"#;
        let kept = decode(format!("{head}\nnewold").as_bytes(), 4).unwrap();
        assert_eq!((&*kept.state.bytes, kept.state.generation), (&b"new"[..], 7));
        assert_eq!(kept.previous.unwrap().bytes, b"old");
    }
}
