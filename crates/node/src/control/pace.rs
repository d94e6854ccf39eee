//! Bodies that have to keep coming: whoever sends one slowly holds a connection and what has come so far.

use std::time::Duration;

use airssys_wasm_api::{Code, Failure};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

/// How slowly a body may come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// What every body has, whatever comes of it.
    pub(super) grace: Duration,
    /// And so much more for each byte that came: the slowest that a body may be on the whole.
    pub(super) bytes_per_second: u64,
}

/// A body of a request.
pub(super) struct Paced {
    body: Body,
    pace: Pace,
    began: Instant,
    received: u64,
}

impl Pace {
    /// A command is less than one packet and comes at once; a component of a few megabytes takes a minute over the
    /// worst of lines, which still carry 16 KiB a second.
    pub(super) const SLOWEST: Self =
        Self { grace: Duration::from_secs(30), bytes_per_second: 16 << 10 };

    /// How long a body may have taken when so much of it has come.
    fn allows(self, received: u64) -> Duration {
        self.grace + Duration::from_millis(received.saturating_mul(1_000) / self.bytes_per_second)
    }
}

impl Paced {
    pub(super) fn new(body: Body, pace: Pace) -> Self {
        Self { body, pace, began: Instant::now(), received: 0 }
    }

    /// What comes next of it; none at its end.
    ///
    /// # Errors
    /// When it breaks off or is too slow.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let by = self.began + self.pace.allows(self.received);
            let Ok(frame) = timeout_at(by, self.body.frame()).await else {
                let message = format!("the body came too slowly: {} bytes so far", self.received);
                return Err(Failure::new(Code::TimedOut, message).help(
                    "send it at 16 KiB a second and more, or from somewhere with a better line",
                ));
            };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| {
                Failure::new(Code::Usage, format!("the body broke off: {error}"))
            })?;
            // Trailers say nothing.
            if let Ok(piece) = frame.into_data() {
                self.received += piece.len() as u64;
                return Ok(Some(piece));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    /// A body that has a piece of this size every ten seconds.
    fn body(piece_bytes: usize, pieces: usize) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            if sent == pieces {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(10)).await;
            Some((Ok::<_, Infallible>(Bytes::from(vec![0; piece_bytes])), sent + 1))
        }))
    }

    async fn read(body: Body) -> Result<u64, Failure> {
        let mut paced = Paced::new(body, Pace::SLOWEST);
        while paced.next().await?.is_some() {}
        Ok(paced.received)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_ends_that_comes_in_drops_and_none_that_keeps_its_pace() {
        let began = Instant::now();
        assert_eq!(read(body(1, 1_000)).await.unwrap_err().code, Code::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(31));
        // A quarter of an hour, at the slowest pace there is.
        let whole = read(body(10 * (16 << 10), 90)).await;
        assert_eq!(whole.unwrap(), 90 * 10 * (16 << 10));
        // What was sent at once is no credit without end.
        let stalls = stream::once(async { Ok::<_, Infallible>(Bytes::from(vec![0; 16 << 10])) });
        let stalls = futures::StreamExt::chain(stalls, stream::pending());
        let began = Instant::now();
        assert_eq!(read(Body::from_stream(stalls)).await.unwrap_err().code, Code::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(32));
    }
}
