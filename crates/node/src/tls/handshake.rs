//! The handshake of a connection: bounded in time and in number, and a word to who speaks without encryption.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_api::{Code, Failure, Problem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::server::TlsStream;

use super::Identity;
use crate::patience::Patient;

/// Takes connections through the handshake.
#[derive(Clone)]
pub(crate) struct Handshakes {
    identity: Arc<Identity>,
    places: Arc<Semaphore>,
}

/// Why a connection did not get through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShakeError {
    #[error("it did not finish the handshake within {HANDSHAKE_MAX:?}")]
    Slow,
    #[error("{HANDSHAKES_MAX} others are in their handshake")]
    Busy,
    #[error("it does not speak TLS")]
    Plain,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How long a handshake may take: two or three round trips and a signature, from the other end of the world and
/// with packets lost.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// Handshakes at once. Each costs a signature; who is over is hung up on, and the client tries again. One address
/// has fewer connections than this, so that it takes several to use them up.
const HANDSHAKES_MAX: usize = 128;

/// The first byte of every TLS connection: a record of a handshake (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// What is read of a request that is not encrypted, so that its client reads the answer before the end.
const PLAIN_HEAD_BYTES: usize = 16 << 10;

impl Handshakes {
    pub(crate) fn new(identity: Arc<Identity>) -> Self {
        Self { identity, places: Arc::new(Semaphore::new(HANDSHAKES_MAX)) }
    }

    /// The encrypted connection.
    pub(crate) async fn shake(
        &self,
        stream: TcpStream,
        unread: Duration,
    ) -> Result<TlsStream<Patient<TcpStream>>, ShakeError> {
        let _place = self.places.try_acquire().map_err(|_| ShakeError::Busy)?;
        let shaking = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if first != [HANDSHAKE_RECORD] {
                refuse_plain(stream).await?;
                return Err(ShakeError::Plain);
            }
            Ok(self.identity.acceptor.accept(Patient::new(stream, unread)).await?)
        };
        tokio::time::timeout(HANDSHAKE_MAX, shaking).await.unwrap_or(Err(ShakeError::Slow))
    }
}

/// Tells a client in the words it speaks.
async fn refuse_plain(mut stream: TcpStream) -> io::Result<()> {
    let failure = Failure::new(Code::Usage, "this control port speaks TLS alone").help(
        "begin its URL with https://; and a token that was sent here unencrypted is to be replaced, for others may \
         have read it",
    );
    let text = serde_json::to_string(&Problem::from(failure)).unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        Problem::CONTENT_TYPE,
        text.len()
    );
    let mut head = vec![0; PLAIN_HEAD_BYTES];
    let _ = stream.read(&mut head).await?;
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
