//! What artifacts that were examined before say of themselves, kept beside what was compiled of them: an
//! artifact that is known is neither read nor validated again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use airssys_wasm_model::Digest;
use serde::{Deserialize, Serialize};

use crate::artifact::Inspection;
use crate::cache::{key, replace};
use crate::engine::Concurrency;

/// Raised when what is read from an artifact changes its meaning, so that what was read before is not used.
const FORMAT: u32 = 2;

/// The end of the names of entries.
pub(crate) const EXTENSION: &str = "known";

/// Entries on disk, each with an authentication code: what they say decides how a guest is run.
pub(crate) struct Known {
    dir: PathBuf,
    key: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Entry {
    format: u32,
    concurrency: Concurrency,
    inspection: Inspection,
}

impl Known {
    /// Over a directory that a cache has made private.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self { dir: dir.to_owned(), key: key(&dir.join("key"))? })
    }

    /// What was read from this artifact, if it was.
    pub(crate) fn get(&self, artifact: Digest) -> Option<Inspection> {
        let bytes = fs::read(self.path(artifact)).ok()?;
        let (code, json) = bytes.split_first_chunk::<32>()?;
        // The comparison of two blake3 hashes takes the same time wherever they differ.
        if self.code(artifact, json) != blake3::Hash::from_bytes(*code) {
            tracing::warn!(%artifact, "what was known of an artifact was changed; reading it again");
            return None;
        }
        // An entry of another format is of no use, and is written anew.
        let Entry { format, concurrency, inspection } = serde_json::from_slice(json).ok()?;
        (format == FORMAT).then_some(Inspection { concurrency, ..inspection })
    }

    /// Keeps what was read. It is a convenience, as the cache is.
    pub(crate) fn put(&self, inspection: &Inspection) {
        let artifact = inspection.digest;
        let entry = Entry {
            format: FORMAT,
            concurrency: inspection.concurrency,
            inspection: inspection.clone(),
        };
        let kept = serde_json::to_vec(&entry).map_err(io::Error::other).and_then(|json| {
            let code = self.code(artifact, &json);
            replace(&self.path(artifact), &[code.as_bytes().as_slice(), &json].concat())
        });
        if let Err(error) = kept {
            tracing::warn!(%artifact, "what is known of an artifact was not kept: {error}");
        }
    }

    fn code(&self, artifact: Digest, json: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        // Another build may read more, or otherwise.
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        hasher.update(artifact.hex().as_bytes());
        hasher.update(json);
        hasher.finalize()
    }

    fn path(&self, artifact: Digest) -> PathBuf {
        self.dir.join(format!("{}.{EXTENSION}", artifact.hex()))
    }
}
