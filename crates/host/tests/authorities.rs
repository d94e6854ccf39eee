//! Requests over HTTPS that a guest sends: its server is believed if an authority that the operator names vouches for it.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;

use airssys_wasm_host::{Authorities, Host, HostSettings, Pool, Pooling};
use bytes::Bytes;
use common::{got, guest, rights, spec};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An authority, as servers and those who believe it have it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A server whose certificate is for this name, and what its guest would say of it.
    async fn serve(&self, name: &str) -> SocketAddr {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate: CertificateDer = params.signed_by(&key, &self.issuer).unwrap().into();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not believe it hangs up.
                let Ok(stream) = tls.accept(stream).await else { continue };
                let answer = hyper::service::service_fn(async |_: http::Request<_>| {
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(
                        Bytes::from_static(b"from outside"),
                    )))
                });
                let builder = hyper::server::conn::http1::Builder::new();
                let _however = builder.serve_connection(TokioIo::new(stream), answer).await;
            }
        });
        address
    }
}

/// A guest of a host that believes the public authorities, and this one if there is one.
async fn guest_believing(authority: Option<&Authority>, server: SocketAddr) -> Arc<Pool> {
    let authorities = match authority {
        None => Authorities::default(),
        Some(authority) => {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(&file, &authority.pem).unwrap();
            Authorities::read(file.path()).unwrap()
        }
    };
    let settings = HostSettings { authorities, pooling: Pooling::Never, ..HostSettings::default() };
    let artifact = guest("http-hello");
    let mut spec = spec(&artifact);
    spec.rights = rights(&[&format!("http:{server}")]);
    Pool::new(Host::new(&settings).unwrap().prepare(spec, artifact).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_believed_that_a_named_authority_vouches_for() {
    let authority = Authority::new();
    let server = authority.serve("127.0.0.1").await;
    let pool = guest_believing(Some(&authority), server).await;
    let said = got(&pool, &format!("/forward?url=https://{server}/")).await;
    assert_eq!(said, (200, "from outside".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_not_believed_by_its_own_word_or_for_another_name() {
    let (authority, other) = (Authority::new(), Authority::new());
    let unknown = authority.serve("127.0.0.1").await;
    let misnamed = authority.serve("other.example").await;
    for (believed, server) in
        [(None, unknown), (Some(&other), unknown), (Some(&authority), misnamed)]
    {
        let pool = guest_believing(believed, server).await;
        let said = got(&pool, &format!("/forward?url=https://{server}/")).await;
        assert_eq!(said, (502, "ErrorCode::TlsProtocolError".to_owned()));
    }
}
