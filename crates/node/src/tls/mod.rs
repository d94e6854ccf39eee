//! Encryption of the control port: whose certificate it presents, and how a connection gets through the handshake.
//!
//! Nothing here is asked of a connection to a service: what is in front of the ingress encrypts for it.

mod files;
mod given;
mod handshake;
mod own;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use airssys_wasm_model::Digest;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{self, ServerConfig};

pub use self::files::TlsError;
pub(crate) use self::handshake::Handshakes;
#[cfg(test)]
pub(crate) use self::handshake::ShakeError;

/// How what is sent to the control port is encrypted.
#[derive(Debug, Clone)]
pub enum Encryption {
    /// By a certificate of the node's own, where the port can be reached from elsewhere or is to have these names.
    /// The authority that signs it is made at the first start; its certificate, `control-ca.pem` in the data
    /// directory, is what clients elsewhere need.
    Own {
        /// Names and addresses that clients use, besides the one it listens at.
        names: Vec<String>,
    },
    /// By this certificate, wherever it listens.
    Given {
        /// The certificate, in PEM, with those of the authorities between it and the one that clients know.
        certificate: PathBuf,
        /// Its key, in PEM.
        key: PathBuf,
    },
}

/// A certificate with its key, as it is presented.
pub(crate) struct Identity {
    acceptor: TlsAcceptor,
    certificate: CertificateDer<'static>,
    authority: Option<CertificateAuthority>,
}

/// What clients elsewhere know a certificate of the node's own by.
#[derive(Debug, Clone)]
pub struct CertificateAuthority {
    /// Its certificate's file.
    pub file: PathBuf,
    /// That certificate's SHA-256.
    pub fingerprint: Digest,
}

/// A certificate with those that lead from it to its authority, and its key.
struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Default for Encryption {
    fn default() -> Self {
        Self::Own { names: Vec::new() }
    }
}

impl Encryption {
    /// The certificate that an operator gave, if it is one.
    pub(crate) fn given(&self) -> Result<Option<Identity>, TlsError> {
        let Self::Given { certificate, key } = self else { return Ok(None) };
        let chain = given::read(certificate, key)?;
        Identity::new(chain, None)
            .map(Some)
            .map_err(|source| TlsError::unusable(certificate, key, source))
    }

    /// A certificate of the node's own, if there has to be one for this address.
    pub(crate) fn own(
        &self,
        data: &Path,
        address: SocketAddr,
    ) -> Result<Option<Identity>, TlsError> {
        let Self::Own { names } = self else { return Ok(None) };
        if address.ip().is_loopback() && names.is_empty() {
            return Ok(None);
        }
        let (chain, authority) = own::make(data, address.ip(), names)?;
        let key = authority.file.clone();
        Identity::new(chain, Some(authority))
            .map(Some)
            .map_err(|source| TlsError::unusable(&key, &key, source))
    }
}

impl Identity {
    fn new(chain: Chain, authority: Option<CertificateAuthority>) -> Result<Self, rustls::Error> {
        let certificate = chain.certificates[0].clone();
        // The provider of cryptography is named, because a program that embeds this crate may have another one too.
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the protocol's versions")
            .with_no_client_auth()
            .with_single_cert(chain.certificates, chain.key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into(), certificate, authority })
    }

    /// The SHA-256 of what it presents.
    pub(crate) fn fingerprint(&self) -> Digest {
        Digest::of(&self.certificate)
    }

    /// The authority, if it is the node's own.
    pub(crate) fn authority(&self) -> Option<&CertificateAuthority> {
        self.authority.as_ref()
    }

    /// Whether the certificate is one for this name.
    pub(crate) fn is_for(&self, name: &str) -> bool {
        let name = ServerName::try_from(name);
        let certificate = ParsedCertificate::try_from(&self.certificate);
        matches!((certificate, name), (Ok(certificate), Ok(name))
            if verify_server_name(&certificate, &name).is_ok())
    }
}

/// Where a client on this machine finds what listens at this address.
pub(crate) fn from_this_machine(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => [127, 0, 0, 1].into(),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
