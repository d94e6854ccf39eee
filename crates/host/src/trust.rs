//! Who vouches for a server over HTTPS: the public authorities, and those that an operator names in a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, TrustAnchor};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Who is believed to vouch for servers. By default the public authorities alone.
#[derive(Debug, Clone, Default)]
pub struct Authorities {
    /// Besides the public ones.
    named: Vec<TrustAnchor<'static>>,
}

/// Why a file of authorities is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// It cannot be read.
    #[error("the authorities cannot be read from {}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not PEM.
    #[error("{} is not in PEM", .path.display())]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// A certificate in it is none.
    #[error("{} has a certificate that cannot be read", .path.display())]
    Certificate {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: rustls::Error,
    },
    /// It has no certificate.
    #[error("{} has no certificate", .path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// It is too large.
    #[error("{} has more than {FILE_BYTES_MAX} bytes, and a few certificates have less", .path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
}

/// The largest file of authorities: more than all public ones together take.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Authorities {
    /// The public authorities, and those of a file in PEM. What else is in it, such as a key, is passed over.
    pub fn read(path: &Path) -> Result<Self, AuthoritiesError> {
        let path = || path.to_owned();
        let mut text = Vec::new();
        let read = File::open(path())
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text));
        read.map_err(|source| AuthoritiesError::Read { path: path(), source })?;
        if text.len() as u64 > FILE_BYTES_MAX {
            return Err(AuthoritiesError::TooLarge { path: path() });
        }
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let certificate =
                certificate.map_err(|source| AuthoritiesError::Pem { path: path(), source })?;
            store
                .add(certificate)
                .map_err(|source| AuthoritiesError::Certificate { path: path(), source })?;
        }
        match store.is_empty() {
            true => Err(AuthoritiesError::Empty { path: path() }),
            false => Ok(Self { named: store.roots }),
        }
    }

    /// A connector to the servers that they vouch for. It keeps the sessions that spare a second handshake: one is
    /// made for all connections.
    ///
    /// The provider of cryptography is named, because a program that embeds this crate may have another one too.
    pub fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        roots.extend(self.named.iter().cloned());
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the protocol's versions");
        Arc::new(config.with_root_certificates(roots).with_no_client_auth()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_names_no_authority_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authorities.pem");
        let error = |text: &[u8]| {
            std::fs::write(&path, text).unwrap();
            Authorities::read(&path).unwrap_err()
        };
        assert!(matches!(Authorities::read(&path), Err(AuthoritiesError::Read { .. })));
        assert!(matches!(error(b"no certificates"), AuthoritiesError::Empty { .. }));
        let cut = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(error(cut), AuthoritiesError::Pem { .. }));
        let none = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(error(none), AuthoritiesError::Certificate { .. }));
        let large = vec![b' '; FILE_BYTES_MAX as usize + 1];
        assert!(matches!(error(&large), AuthoritiesError::TooLarge { .. }));
    }
}
