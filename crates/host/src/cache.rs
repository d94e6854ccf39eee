//! Compiled artifacts on disk, named by their artifact's digest and the engine's settings.
//!
//! What is cached is native code that will be run, so the directory is private (0700) and each entry
//! carries an authentication code under a key that lies beside it: a file that anything but this node
//! wrote, or that a fault has changed, is compiled again and never loaded. Entries are memory-mapped.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use airssys_wasm_model::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::Concurrency;
use crate::known;

/// What the entries may take together, looked at when the cache is opened. A compiled component takes about
/// a megabyte: this is a thousand of them, or a few dozen of the largest.
const CACHE_BYTES_MAX: u64 = 2 << 30;

pub(crate) struct Cache {
    dir: PathBuf,
    /// For which engine, and with which settings: the end of the names of its entries.
    engine: String,
    key: [u8; 32],
}

impl Cache {
    pub(crate) fn open(dir: &Path, engine: &Engine, kind: Concurrency) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        // Of a directory that was there before, the mode is whatever it was.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let key = key(&dir.join("key"))?;
        let engine = format!("{}-{:016x}", kind.as_str(), hasher.finish());
        let cache = Self { dir: dir.to_owned(), engine, key };
        if let Err(error) = cache.prune(kind) {
            tracing::warn!(path = %dir.display(), "old compiled artifacts stay: {error}");
        }
        Ok(cache)
    }

    /// Removes what an engine of this kind compiled with other settings, what a crash left half written, and
    /// the entries that were used longest ago where there are too many. What the other kind compiled with other
    /// settings is for its own cache to know.
    fn prune(&self, kind: Concurrency) -> io::Result<()> {
        let own = format!("-{}.cwasm", self.engine);
        let other = match kind {
            Concurrency::None => Concurrency::Supported,
            Concurrency::Supported => Concurrency::None,
        };
        let others = format!("-{}-", other.as_str());
        let mut kept = Vec::new();
        let mut known = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|extension| extension == known::EXTENSION) {
                known.push(path);
                continue;
            }
            let of_other = name.contains(&others);
            if name.ends_with(&own) || (of_other && name.ends_with(".cwasm")) {
                let used =
                    fs::metadata(&path).and_then(|about| Ok((about.modified()?, about.len())));
                kept.extend(used.ok().map(|(used, size)| (used, size, path)));
            } else if !of_other && (name.ends_with(".cwasm") || name.ends_with(".tmp")) {
                // The other kind's engine may be at work, and about to give a file its name.
                self.remove(&path);
            }
        }
        kept.sort_by(|one, other| other.cmp(one));
        let mut total = 0;
        let mut compiled = HashSet::new();
        for (_, size, path) in kept {
            total += size;
            if total > CACHE_BYTES_MAX {
                self.remove(&path);
            } else {
                compiled.extend(artifact_of(&path));
            }
        }
        // What is known of an artifact goes with what was compiled of it.
        for path in known {
            if artifact_of(&path).is_none_or(|artifact| !compiled.contains(&artifact)) {
                self.remove(&path);
            }
        }
        Ok(())
    }

    fn remove(&self, path: &Path) {
        for path in [path.to_owned(), path.with_extension("code")] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), "it stays in the cache: {error}");
                }
                _ => {}
            }
        }
    }

    /// The compiled artifact, if it is here and whole.
    pub(crate) fn load(&self, engine: &Engine, artifact: Digest) -> Option<Component> {
        let path = self.path(artifact);
        let code = fs::read(path.with_extension("code")).ok()?;
        let mut hasher = self.hasher(artifact);
        // Reading the file once warms the page cache that the mapping is served from.
        io::copy(&mut File::open(&path).ok()?, &mut hasher).ok()?;
        let code: [u8; 32] = code.try_into().ok()?;
        // The comparison of two blake3 hashes takes the same time wherever they differ.
        if hasher.finalize() != blake3::Hash::from_bytes(code) {
            tracing::warn!(path = %path.display(), "a compiled artifact was changed; compiling again");
            return None;
        }
        // Entries that are used stay when the cache is pruned. That they count as older costs a compilation.
        if let Err(error) = File::open(&path).and_then(|file| file.set_modified(SystemTime::now()))
        {
            tracing::debug!(path = %path.display(), "its use is not noted: {error}");
        }
        // SAFETY: the bytes are what `store` wrote: their code was just checked against a key that only
        // this user can read, in a directory that only this user can write.
        match unsafe { Component::deserialize_file(engine, &path) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(path = %path.display(), "a compiled artifact cannot be loaded: {error:#}");
                None
            }
        }
    }

    /// Keeps a compiled artifact. The cache is a convenience: a full disk costs the next start a
    /// compilation and is said in the log, no more.
    pub(crate) fn store(&self, artifact: Digest, compiled: &[u8]) {
        let path = self.path(artifact);
        let code = self.hasher(artifact).update(compiled).finalize();
        let kept = replace(&path.with_extension("code"), code.as_bytes())
            .and_then(|()| replace(&path, compiled));
        if let Err(error) = kept {
            tracing::warn!(path = %path.display(), "a compiled artifact was not kept: {error}");
        }
    }

    /// An entry is authenticated under its name: it is no other artifact's either.
    fn hasher(&self, artifact: Digest) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(artifact.hex().as_bytes());
        hasher.update(self.engine.as_bytes());
        hasher
    }

    fn path(&self, artifact: Digest) -> PathBuf {
        self.dir.join(format!("{}-{}.cwasm", artifact.hex(), self.engine))
    }
}

/// The digits of the artifact that an entry is of.
fn artifact_of(entry: &Path) -> Option<String> {
    let name = entry.file_name()?.to_str()?;
    name.split(['-', '.']).next().map(str::to_owned)
}

/// The cache's key, drawn when there is none.
pub(crate) fn key(path: &Path) -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    match File::open(path) {
        Ok(mut file) => {
            if file.read_exact(&mut key).is_ok() {
                return Ok(key);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    key = rand::random();
    replace(path, &key)?;
    Ok(key)
}

/// Writes beside and renames, so that a reader sees the old file or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension(format!("{:016x}.tmp", rand::random::<u64>()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The temporary file is of no use to anyone; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}
