//! The certificate and the key that an operator gives, read at each start.

use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Chain;
use super::files::{self, TlsError};

pub(super) fn read(certificate: &Path, key: &Path) -> Result<Chain, TlsError> {
    let text = files::read(certificate)?;
    let no_certificate = || TlsError::NoCertificate { path: certificate.to_owned() };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|_| no_certificate())?;
    if certificates.is_empty() {
        return Err(no_certificate());
    }
    let found = PrivateKeyDer::from_pem_slice(&files::read(key)?)
        .map_err(|_| TlsError::NoKey { path: key.to_owned() })?;
    if files::others(key) & 0o007 != 0 {
        tracing::warn!("every user of this machine can do something with {}", key.display());
    }
    Ok(Chain { certificates, key: found })
}
