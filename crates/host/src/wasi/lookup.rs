//! Names looked up for guests, through one door with a bound.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::prepare::Revision;

/// Looks names up: the system, unless a host is given something else.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses that this name has now, in the order to try them.
    fn look_up(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The resolver of the machine, with its hosts file and its search list.
#[derive(Debug, Clone, Copy)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let name = name.to_owned();
        async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

impl Revision {
    /// Who looks names up for its guests.
    pub(super) fn resolver(&self) -> &Arc<dyn Resolver> {
        &self.host.0.settings.resolver
    }
}

/// Names that may be looked up at once: each holds a thread of the pool of 512 that also writes to the store.
static LOOKUPS: Semaphore = Semaphore::const_new(64);

/// Addresses of one name that are used. Who has more gives them in turns.
const ADDRESSES_MAX: usize = 64;

/// The addresses of a name, as IPv4 where they are IPv4. `held` is kept for as long as the lookup really takes.
pub(super) async fn addresses(
    resolver: &dyn Resolver,
    name: &str,
    held: impl Send + 'static,
) -> io::Result<Vec<IpAddr>> {
    let lookup = LOOKUPS.acquire().await.map_err(io::Error::other)?;
    let looking = resolver.look_up(name);
    // On a task of its own: the thread that looks up cannot be called back, and its place is taken for as
    // long as it does, also when the guest has given up.
    let looking = tokio::spawn(async move {
        let found = looking.await;
        drop((lookup, held));
        found
    });
    let found = looking.await.map_err(io::Error::other)??;
    let mut found: Vec<_> = found.into_iter().map(|address| address.to_canonical()).collect();
    found.truncate(ADDRESSES_MAX);
    Ok(found)
}
