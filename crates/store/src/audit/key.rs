//! The key a node signs its trail with, and how others name it.
//!
//! Ed25519, the private key in PKCS#8 and PEM, so that a text says itself which of the two it is. Whoever has the key file can write any history, so it is the operator's to keep where those who
//! could edit the trail can't read it; a file that others can read is refused.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, KeypairBytes,
};
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
    #[error("{} is not a key: one is an Ed25519 private key in PEM, or 64 hexadecimal digits", path.display())]
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

/// Why a text is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// A private key.
    #[error("this is a private key, which nobody else is to know")]
    Private,
    /// Digits that no key pair has for its public half, as those of a private one are in fifteen of sixteen cases.
    #[error(
        "no key has these digits for its public half: they may be those of a private key, which nobody else is to know"
    )]
    Unpaired,
    /// Anything else.
    #[error("a public key has 64 lowercase hexadecimal digits, or is one of Ed25519 in PEM")]
    Malformed,
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
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(io)?;
        let key = Self::of_pem(&text).or_else(|| Self::of_digits(&text));
        key.ok_or_else(|| KeyError::Malformed { path: path.to_owned() })
    }

    fn of_pem(text: &str) -> Option<Self> {
        SigningKey::from_pkcs8_pem(text).ok().map(Self)
    }

    /// The key whose seed these digits are, as earlier builds wrote it.
    fn of_digits(text: &str) -> Option<Self> {
        unhex(text.trim()).map(Self::from_seed)
    }
}

impl PublicKey {
    /// Reads what somebody gives as a public key: its digits, or PEM. What signs is told from it by what it is.
    ///
    /// # Errors
    /// When it is none. What it is, is not repeated.
    pub fn read(text: &str) -> Result<Self, NotPublic> {
        if text.contains(PRIVATE_LABEL) {
            return Err(NotPublic::Private);
        }
        if let Ok(key) = VerifyingKey::from_public_key_pem(text) {
            return Ok(Self(key));
        }
        let bytes = unhex(text.trim()).ok_or(NotPublic::Malformed)?;
        // Public keys are multiples of the base point. A seed is 32 random bytes: half of those are no point at all, and
        // of eight points one is such a multiple.
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NotPublic::Unpaired)?;
        if key.to_edwards().is_torsion_free() { Ok(Self(key)) } else { Err(NotPublic::Unpaired) }
    }

    /// Whether this is the public half of the private key of these digits.
    pub fn is_of_private(&self, digits: &str) -> bool {
        NodeKey::of_digits(digits).is_some_and(|key| key.public() == *self)
    }

    pub(super) fn verifies(&self, message: &[u8], signed: &Signed) -> bool {
        self.0.verify_strict(message, &signed.0).is_ok()
    }
}

/// Of a key's file: PEM of an Ed25519 key has some 120 bytes, with its public half some 190.
const FILE_BYTES_MAX: u64 = 1 << 10;

/// What the label of every private key in PEM ends in, whatever its format.
const PRIVATE_LABEL: &str = "PRIVATE KEY-----";

/// Under a passing name first: half a key must not keep a node from starting.
fn store(path: &Path, seed: &[u8; 32]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let mut file = private_file().create(true).truncate(true).open(&unfinished)?;
    // As OpenSSL writes it and reads it: it knows the format without the public half alone.
    let pair = KeypairBytes { secret_key: *seed, public_key: None };
    let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(io::Error::other)?;
    file.write_all(pem.as_bytes())?;
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
    use sha2::Digest as _;

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

    #[test]
    fn the_file_of_an_earlier_build_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.key");
        let mut file = private_file().create(true).open(&path).unwrap();
        writeln!(file, "{}", hex(&[7; 32])).unwrap();
        let found = NodeKey::load(&path).unwrap().expect("a key");
        assert_eq!(found.public(), NodeKey::from_seed([7; 32]).public());
    }

    #[test]
    fn a_private_key_is_told_from_a_public_one_by_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.txt");
        let public = NodeKey::create(&path, [7; 32]).unwrap().public();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-----BEGIN PRIVATE KEY-----"), "{}", text.len());
        assert_eq!(PublicKey::read(&text), Err(NotPublic::Private));
        assert_eq!(PublicKey::read(&format!("a note\n{text}")), Err(NotPublic::Private));
        assert_eq!(PublicKey::read(&format!("{public}\n")), Ok(public));
        assert_eq!(PublicKey::read(&public.to_string().to_uppercase()), Err(NotPublic::Malformed));
        let pem =
            ed25519_dalek::pkcs8::EncodePublicKey::to_public_key_pem(&public.0, LineEnding::LF);
        assert_eq!(PublicKey::read(&pem.unwrap()), Ok(public));

        // Digits alone: a public key is always taken, and a private one in one of sixteen cases.
        let mut taken = 0;
        for seed in 0..=u8::MAX {
            let seed: [u8; 32] = sha2::Sha256::digest([seed]).into();
            let public = NodeKey::from_seed(seed).public();
            assert_eq!(PublicKey::read(&public.to_string()), Ok(public));
            assert!(
                public.is_of_private(&hex(&seed)) && !public.is_of_private(&public.to_string())
            );
            match PublicKey::read(&hex(&seed)) {
                Ok(_) => taken += 1,
                Err(why) => assert_eq!(why, NotPublic::Unpaired),
            }
        }
        assert!((4..=40).contains(&taken), "{taken} of 256");
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
