//! How many requests may be under way: of one guest, and of all that leave the node.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use wasmtime_wasi_http::Error;

use crate::limit::{Level, Limit};
use crate::watch::Teller;

/// Requests that all guests may have under way: each holds a descriptor, of which a process often has 1,024.
static REQUESTS: Semaphore = Semaphore::const_new(256);

/// A place among the guest's own requests and, for one that leaves the node, among all guests'. Held until the answer
/// has been read.
pub(in crate::wasi) struct Places {
    teller: Teller,
    _own: OwnedSemaphorePermit,
    _of_all: Option<SemaphorePermit<'static>>,
}

impl Places {
    /// For a request that leaves the node.
    pub(super) async fn outside(
        own: Arc<Semaphore>,
        within: Duration,
        teller: &Teller,
    ) -> Result<Self, Error> {
        // Never closed.
        let of_all = async { REQUESTS.acquire().await.ok() };
        Self::take(own, within, teller, of_all).await
    }

    /// For a call of a service of this node. It holds no descriptor; and a place among all guests' would be waited
    /// for by the very calls that have to end before it is given back.
    pub(in crate::wasi) async fn inside(
        own: Arc<Semaphore>,
        within: Duration,
        teller: &Teller,
    ) -> Result<Self, Error> {
        Self::take(own, within, teller, std::future::ready(None)).await
    }

    async fn take(
        own: Arc<Semaphore>,
        within: Duration,
        teller: &Teller,
        of_all: impl Future<Output = Option<SemaphorePermit<'static>>>,
    ) -> Result<Self, Error> {
        let meters = &teller.revision().meters;
        if teller.spec().limits.requests == 0 {
            meters.hit(Limit::Requests);
            teller.warns("its limit `requests` is 0: a request is not sent");
            return Err(Error::ConnectionLimitReached);
        }
        let taken = Arc::clone(&own).try_acquire_owned();
        let waits = taken.is_err();
        if waits {
            meters.hit(Limit::Requests);
        }
        let places = async {
            let own = match taken {
                Ok(own) => own,
                // Never closed.
                Err(_) => own.acquire_owned().await.map_err(|_| Error::ConnectionLimitReached)?,
            };
            Ok::<_, Error>((own, of_all.await))
        };
        let Ok(places) = tokio::time::timeout(within, places).await else {
            if waits {
                teller.warns("its limit `requests` is reached: a request found no place");
            }
            return Err(Error::ConnectionLimitReached);
        };
        let (_own, _of_all) = places?;
        meters.opened(Level::Requests);
        Ok(Self { teller: teller.clone(), _own, _of_all })
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.teller.revision().meters.closed(Level::Requests, 1);
    }
}
