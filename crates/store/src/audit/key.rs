//! The key a node signs its trail with, and how others name it.
//!
//! Ed25519. Whoever has the key file can write any history, so it is the operator's to keep where those who
//! could edit the trail can't read it; a file that others can read is refused.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::line::{hex, unhex};
use crate::disk::sync_folder;
use crate::private::private_file;

/// The node's own key. Its `Debug` shows the public half.
#[derive(Clone)]
pub struct NodeKey(SigningKey);

/// The public half, 64 hexadecimal digits: what a trail is verified with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// A signature, 128 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signed(Signature);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is not a key.
    #[error("{} is not a key: it holds 64 hexadecimal digits or nothing of use", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can read it.
    #[error("others can read {}: close it with `chmod 600`, and draw a new key if they did", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The system refused an operation.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl NodeKey {
    /// The key of a seed, which is as secret as the key.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The key in this file. If there is none, one is made of a seed that is drawn for it, in a file that
    /// its owner alone can read.
    pub fn load_or_create(path: &Path, draw: impl FnOnce() -> [u8; 32]) -> Result<Self, KeyError> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        Self::create(path, draw())
    }

    /// A key of this seed, in a file that its owner alone can read. One that is there is replaced.
    pub fn create(path: &Path, seed: [u8; 32]) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { doing: "create", path: path.to_owned(), source };
        store(path, &seed).map_err(io)?;
        Ok(Self::from_seed(seed))
    }

    /// Puts the key of one file in the place of another's, in one step. Durable when it returns.
    pub fn replace(path: &Path, by: &Path) -> Result<(), KeyError> {
        let io = |source| KeyError::Io { doing: "replace", path: path.to_owned(), source };
        fs::rename(by, path).and_then(|()| sync_folder(folder_of(path))).map_err(io)
    }

    /// The key in this file, if there is one.
    pub fn load(path: &Path) -> Result<Option<Self>, KeyError> {
        match File::open(path) {
            Ok(file) => Self::read(path, file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeyError::Io { doing: "open", path: path.to_owned(), source }),
        }
    }

    /// The half that verifies.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signed {
        Signed(self.0.sign(message))
    }

    fn read(path: &Path, file: File) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { doing: "read", path: path.to_owned(), source };
        if is_exposed(&file).map_err(io)? {
            return Err(KeyError::Exposed { path: path.to_owned() });
        }
        let mut text = String::new();
        file.take(100).read_to_string(&mut text).map_err(io)?;
        let seed =
            unhex(text.trim()).ok_or_else(|| KeyError::Malformed { path: path.to_owned() })?;
        Ok(Self::from_seed(seed))
    }
}

impl PublicKey {
    pub(super) fn verifies(&self, message: &[u8], signed: &Signed) -> bool {
        self.0.verify_strict(message, &signed.0).is_ok()
    }
}

/// Under a passing name first: half a key must not keep a node from starting.
fn store(path: &Path, seed: &[u8; 32]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = private_file().create(true).truncate(true).open(&unfinished)?;
    writeln!(file, "{}", hex(seed))?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_folder(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn is_exposed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere rights are access lists, which are inherited.
#[cfg(not(unix))]
fn is_exposed(_file: &File) -> io::Result<bool> {
    Ok(false)
}

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeKey({})", self.public())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = &'static str;

    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        let bytes = unhex(digits).ok_or("a public key has 64 lowercase hexadecimal digits")?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| "these digits are no Ed25519 key")
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Signed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for Signed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        let bytes =
            unhex(&digits).ok_or_else(|| de::Error::custom("a signature has 128 digits"))?;
        Ok(Self(Signature::from_bytes(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_drawn_once_and_is_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.key");
        let drawn = NodeKey::load_or_create(&path, || [7; 32]).unwrap();
        let found = NodeKey::load_or_create(&path, || unreachable!("there is a key")).unwrap();
        assert_eq!(drawn.public(), found.public());
        let parsed: PublicKey = drawn.public().to_string().parse().unwrap();
        assert_eq!(parsed, found.public());
        assert!(!format!("{drawn:?}").contains("0707"));
        fs::write(&path, "abc").unwrap();
        assert!(matches!(
            NodeKey::load_or_create(&path, || [7; 32]),
            Err(KeyError::Malformed { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.key");
        NodeKey::load_or_create(&path, || [7; 32]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(
            NodeKey::load_or_create(&path, || [7; 32]),
            Err(KeyError::Exposed { .. })
        ));
    }
}
