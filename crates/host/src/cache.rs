//! Compiled artifacts on disk, named by their artifact's digest and the engine's settings.
//!
//! What is cached is native code that will be run, so the directory is private (0700) and each entry
//! carries an authentication code under a key that lies beside it: a file that anything but this node
//! wrote, or that a fault has changed, is compiled again and never loaded. Entries are memory-mapped.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use airssys_wasm_model::Digest;
use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) struct Cache {
    dir: PathBuf,
    engine: u64,
    key: [u8; 32],
}

impl Cache {
    pub(crate) fn open(dir: &Path, engine: &Engine) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { dir: dir.to_owned(), engine: hasher.finish(), key: key(&dir.join("key"))? })
    }

    /// The compiled artifact, if it is here and whole.
    pub(crate) fn load(&self, engine: &Engine, artifact: Digest) -> Option<Component> {
        let path = self.path(artifact);
        let code = fs::read(path.with_extension("code")).ok()?;
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        // Reading the file once warms the page cache that the mapping is served from.
        io::copy(&mut File::open(&path).ok()?, &mut hasher).ok()?;
        let code: [u8; 32] = code.try_into().ok()?;
        // The comparison of two blake3 hashes takes the same time wherever they differ.
        if hasher.finalize() != blake3::Hash::from_bytes(code) {
            tracing::warn!(path = %path.display(), "a compiled artifact was changed; compiling again");
            return None;
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
        let code = blake3::keyed_hash(&self.key, compiled);
        let kept = replace(&path.with_extension("code"), code.as_bytes())
            .and_then(|()| replace(&path, compiled));
        if let Err(error) = kept {
            tracing::warn!(path = %path.display(), "a compiled artifact was not kept: {error}");
        }
    }

    fn path(&self, artifact: Digest) -> PathBuf {
        self.dir.join(format!("{}-{:016x}.cwasm", artifact.hex(), self.engine))
    }
}

/// The cache's key, drawn when there is none.
fn key(path: &Path) -> io::Result<[u8; 32]> {
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
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
