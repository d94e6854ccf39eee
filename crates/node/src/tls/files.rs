//! Certificates and keys in files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tokio_rustls::rustls;

/// Why the control port has no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is larger than what belongs there.
    #[error("{} has more than {FILE_BYTES_MAX} bytes: it is no certificate and no key", .path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// There is no certificate.
    #[error(
        "there is no certificate in {}: --tls-cert wants it in PEM, `-----BEGIN CERTIFICATE-----`, with those \
         between it and its authority after it",
        .path.display()
    )]
    NoCertificate {
        /// In which file.
        path: PathBuf,
    },
    /// There is no key.
    #[error(
        "there is no key in {}: --tls-key wants it in PEM, `-----BEGIN PRIVATE KEY-----`, and without a passphrase",
        .path.display()
    )]
    NoKey {
        /// In which file.
        path: PathBuf,
    },
    /// The key is another certificate's.
    #[error(
        "the key in {} is not that of the first certificate in {}: give --tls-key the key that the certificate was \
         made for, and put that certificate before those of its authorities",
        .key.display(), .certificate.display()
    )]
    OtherKey {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
    },
    /// The certificate or the key is of a kind that cannot be used.
    #[error("the certificate in {} cannot be used with the key in {}", .certificate.display(), .key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Others can read the key of the node's own authority.
    #[error(
        "others can read {}: remove it and `control-ca.pem`, for both to be made anew, and give clients elsewhere \
         the new `control-ca.pem`",
        .path.display()
    )]
    Exposed {
        /// The key's file.
        path: PathBuf,
    },
    /// The key of the node's own authority is none.
    #[error("{} is not the key that was made: remove it and `control-ca.pem`, for both to be made anew", .path.display())]
    Damaged {
        /// The key's file.
        path: PathBuf,
    },
    /// The certificate of the node's own authority is not that of its key.
    #[error("{} is of another key than `control-ca.key` beside it: remove it, for it to be made anew", .path.display())]
    OtherAuthority {
        /// The certificate's file.
        path: PathBuf,
    },
    /// A name that no certificate can have.
    #[error("`{name}` can't be a name in a certificate: --tls-name wants a DNS name or an address")]
    Name {
        /// Which.
        name: String,
    },
    /// No certificate could be made.
    #[error("a certificate for the control port cannot be made")]
    Make(#[source] rcgen::Error),
}

/// The largest file of certificates: a chain of a hundred has less.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl TlsError {
    pub(super) fn unusable(certificate: &Path, key: &Path, source: rustls::Error) -> Self {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        match source {
            rustls::Error::InconsistentKeys(_) => Self::OtherKey { certificate, key },
            source => Self::Unusable { certificate, key, source },
        }
    }
}

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(TlsError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Which of the others than its owner may do anything with a file: the last six bits of its mode.
#[cfg(unix)]
pub(super) fn others(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).map_or(0, |found| found.permissions().mode() & 0o077)
}

/// Elsewhere rights are access lists, which are inherited.
#[cfg(not(unix))]
pub(super) fn others(_path: &Path) -> u32 {
    0
}

/// Writes a file for its owner alone: beside, synced and renamed, so that there is all of it or nothing.
pub(super) fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let unfinished = path.with_added_extension("unfinished");
    let written = || -> io::Result<()> {
        // One that was left by a kill may have other rights.
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        // Without it a power cut may take the name back, and with it an authority that others believe.
        #[cfg(unix)]
        path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())?;
        Ok(())
    };
    written().map_err(|source| TlsError::Write { path: path.to_owned(), source })
}
