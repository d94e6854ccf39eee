//! A certificate of the node's own, signed by an authority of its own.
//!
//! The authority is made once: its key stays in the data directory, its certificate is what clients elsewhere are
//! given. The certificate that is presented is made anew at each start, its key never on a disk, so that another
//! address or another name takes a restart and nothing of the clients.
//!
//! Neither has an end in time. Whoever has the authority's file believes whoever has its key, and would not learn
//! from a date that the key was taken; and a node that nobody can command any more because it ran for too long is
//! no safer.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use airssys_wasm_model::Digest;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;

use super::files::{self, TlsError};
use super::{CertificateAuthority, Chain};

const CERTIFICATE: &str = "control-ca.pem";
const KEY: &str = "control-ca.key";

/// A certificate for who connects to this address, or by one of these names.
pub(super) fn make(
    data: &Path,
    address: IpAddr,
    names: &[String],
) -> Result<(Chain, CertificateAuthority), TlsError> {
    let key = key(data)?;
    let params = authority(&key);
    let file = data.join(CERTIFICATE);
    if !fs::exists(&file).map_err(|source| TlsError::Read { path: file.clone(), source })? {
        let made = params.self_signed(&key).map_err(TlsError::Make)?;
        files::write(&file, &made.pem())?;
    }
    let other = || TlsError::OtherAuthority { path: file.clone() };
    let known = CertificateDer::from_pem_slice(&files::read(&file)?).map_err(|_| other())?;
    let own = KeyPair::generate().map_err(TlsError::Make)?;
    let issuer = Issuer::from_params(&params, &key);
    let certificate =
        presented(address, names)?.signed_by(&own, &issuer).map_err(TlsError::Make)?;
    let certificate = certificate.der().clone();
    if !is_signed_by(&certificate, known.clone()) {
        return Err(other());
    }
    let authority = CertificateAuthority { fingerprint: Digest::of(&known), file };
    let key = PrivatePkcs8KeyDer::from(own.serialize_der()).into();
    Ok((Chain { certificates: vec![certificate], key }, authority))
}

/// The authority's key: the one that there is, or a new one.
fn key(data: &Path) -> Result<KeyPair, TlsError> {
    let path = data.join(KEY);
    if fs::exists(&path).map_err(|source| TlsError::Read { path: path.clone(), source })? {
        if files::others(&path) != 0 {
            return Err(TlsError::Exposed { path });
        }
        let text = String::from_utf8(files::read(&path)?).ok();
        return text
            .and_then(|text| KeyPair::from_pem(&text).ok())
            .ok_or(TlsError::Damaged { path });
    }
    let key = KeyPair::generate().map_err(TlsError::Make)?;
    // A certificate that is there is of a key that is not: with this one it could not be believed.
    match fs::remove_file(data.join(CERTIFICATE)) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(TlsError::Write { path: data.join(CERTIFICATE), source });
        }
        _ => {}
    }
    files::write(&path, &key.serialize_pem())?;
    Ok(key)
}

/// All but the key and the signature of an authority's certificate is the same each time.
fn authority(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let id = Digest::of(key.public_key_raw()).hex();
    let name = format!("airssys-wasm control port {}", &id[..16]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    for_ever(&mut params);
    params
}

fn presented(address: IpAddr, names: &[String]) -> Result<CertificateParams, TlsError> {
    let mut all = vec!["localhost".to_owned()];
    all.extend(
        [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()].map(|it| it.to_string()),
    );
    all.extend(reached_at(address).iter().map(ToString::to_string));
    for name in names {
        let is_name = tokio_rustls::rustls::pki_types::ServerName::try_from(name.as_str()).is_ok();
        if !is_name {
            return Err(TlsError::Name { name: name.clone() });
        }
        all.push(name.clone());
    }
    all.sort_unstable();
    all.dedup();
    let mut params = CertificateParams::new(all).map_err(TlsError::Make)?;
    params.distinguished_name.push(DnType::CommonName, "airssys-wasm control port");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    for_ever(&mut params);
    Ok(params)
}

/// RFC 5280, section 4.1.2.5: what has no well-defined end says the last second of the year 9999.
fn for_ever(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31);
}

/// The addresses that a listener is reached at: its own, or where it listens at all of them, those that this
/// machine would use to the outside. No packet is sent to find them.
fn reached_at(address: IpAddr) -> Vec<IpAddr> {
    if !address.is_unspecified() {
        return vec![address];
    }
    // Addresses for documentation (RFC 5737, RFC 3849): routed like any, and nobody's.
    let outside: [(IpAddr, IpAddr); 2] = [
        (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into()),
        (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()),
    ];
    let from = |(any, there): (IpAddr, IpAddr)| {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
        socket.connect(SocketAddr::new(there, 9)).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    outside.into_iter().filter_map(from).collect()
}

fn is_signed_by(certificate: &CertificateDer<'_>, authority: CertificateDer<'_>) -> bool {
    let mut roots = RootCertStore::empty();
    if roots.add(authority.into_owned()).is_err() {
        return false;
    }
    let algorithms = ring::default_provider().signature_verification_algorithms;
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| {
        let now = UnixTime::now();
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms.all).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 5));

    #[test]
    fn the_authority_stays_and_its_key_is_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let (first, authority) = make(dir.path(), HERE, &[]).unwrap();
        let (second, again) = make(dir.path(), HERE, &["node.example".to_owned()]).unwrap();
        assert_eq!(authority.fingerprint, again.fingerprint);
        assert_ne!(first.certificates, second.certificates);
        assert_eq!(files::others(&dir.path().join(KEY)), 0);
        // A certificate that was deleted is made again, and the former one goes on being good for the new.
        let known = CertificateDer::from_pem_file(&authority.file).unwrap();
        fs::remove_file(&authority.file).unwrap();
        let (third, _) = make(dir.path(), HERE, &[]).unwrap();
        assert!(is_signed_by(&third.certificates[0], known.clone()));
        // Without its key, nothing of it is good any more.
        fs::remove_file(dir.path().join(KEY)).unwrap();
        let (fourth, new) = make(dir.path(), HERE, &[]).unwrap();
        assert_ne!(new.fingerprint, authority.fingerprint);
        assert!(!is_signed_by(&fourth.certificates[0], known));
    }

    #[test]
    fn files_that_are_not_what_was_made_are_named() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make(dir.path(), HERE, &[]).unwrap();
        make(other.path(), HERE, &[]).unwrap();
        let (key, certificate) = (dir.path().join(KEY), dir.path().join(CERTIFICATE));
        let error = || make(dir.path(), HERE, &[]).err().unwrap();
        fs::copy(other.path().join(CERTIFICATE), &certificate).unwrap();
        assert!(matches!(error(), TlsError::OtherAuthority { path } if path == certificate));
        fs::write(&key, "no key").unwrap();
        assert!(matches!(error(), TlsError::Damaged { path } if path == key));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(matches!(error(), TlsError::Exposed { path } if path == key));
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "a b", "http://node", "10.0.0.5:7070"] {
            let error = make(dir.path(), HERE, &[name.to_owned()]).err().unwrap();
            assert!(matches!(error, TlsError::Name { .. }), "{name}");
        }
    }
}
