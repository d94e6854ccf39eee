//! Whose certificate a client believes.

use std::sync::Arc;

use airssys_wasm_model::Digest;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::{Code, Failure};

/// Whose certificate a client believes when a node's URL says `https`.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// One of a public authority, for the name in the URL.
    #[default]
    Public,
    /// One of these authorities and no others, for the name in the URL. Certificates in PEM; what else is in the
    /// text is passed over.
    Authorities(Vec<u8>),
    /// This very certificate, whatever names it has: its SHA-256. For a node on the same machine, which says in
    /// its data directory what it presents.
    Certificate(Digest),
}

/// Takes the one certificate that it was told of. That its holder has the key is checked as ever.
#[derive(Debug)]
struct Pinned {
    certificate: Digest,
    algorithms: WebPkiSupportedAlgorithms,
}

/// The provider of cryptography is named, because a program that embeds this crate may have another one too.
pub(super) fn connector(trust: &Trust) -> Result<TlsConnector, Failure> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::Certificate(digest) => Arc::new(Pinned { certificate: *digest, algorithms }),
        Trust::Authorities(pem) => by_authorities(read(pem)?, &provider)?,
        Trust::Public => {
            let roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
            by_authorities(RootCertStore { roots }, &provider)?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows the protocol's versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn by_authorities(
    roots: RootCertStore,
    provider: &Arc<tokio_rustls::rustls::crypto::CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| Failure::from_error(Code::Usage, &error))
}

fn read(pem: &[u8]) -> Result<RootCertStore, Failure> {
    let wrong = |error: &dyn std::error::Error| {
        let message = format!("the authorities for the node cannot be read: {error}");
        Failure::new(Code::Usage, message).help("they are certificates in PEM")
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        store.add(certificate).map_err(|error| wrong(&error))?;
    }
    if store.is_empty() {
        let message = "there is no certificate among the authorities for the node";
        return Err(Failure::new(Code::Usage, message).help("they are certificates in PEM"));
    }
    Ok(store)
}

/// Why a certificate was not believed, and what to do.
pub(super) fn refused(node: &str, error: &Error) -> Failure {
    let message = format!("the node at {node} is not believed: {error}");
    let help = match error {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "name the node by a name that is in its certificate; a certificate of its own gets more with \
             `serve --tls-name NAME`"
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "renew the certificate and start the node again, or set this machine's clock",
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "something else listens where the node of this data directory did: is it being restarted?"
        }
        Error::InvalidCertificate(_) => {
            "bring its authority's certificate here and name it with --ca FILE: a node's own is `control-ca.pem` \
             in its data directory"
        }
        _ => {
            "is that a node's control port, and does it speak TLS? Without it, its URL begins with http://"
        }
    };
    Failure::new(Code::Unreachable, message).help(help)
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if Digest::of(end_entity) == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_that_are_none_are_a_usage_error() {
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        let none = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "no certificates", cut, none] {
            let refused = connector(&Trust::Authorities(text.into())).err().unwrap();
            assert_eq!(refused.code, Code::Usage, "{text}");
        }
        assert!(connector(&Trust::Public).is_ok());
    }
}
