//! Programs of the host, out of the operator's list: how many run at once, and what is left of one that ended. What
//! a guest may run is checked where its import lands, before anything here is called.
//!
//! What runs is the list's word alone: the program, its arguments, its variables and its directory. A guest gives
//! bytes to its standard input and gets what it wrote, each within a bound.

#[cfg(target_os = "linux")]
mod child;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod child;
#[cfg(target_os = "linux")]
mod descriptors;
mod leash;
#[cfg(target_os = "linux")]
mod pipes;

use std::io;
use std::sync::Arc;

use airssys_wasm_model::{Name, Programs};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::leash::Leash;

/// Runs the programs of one service. Those of all services come from the same [`Processes::new`], and share its
/// places.
#[derive(Clone)]
pub struct Processes {
    list: Arc<Programs>,
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

/// What a program that ended leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    /// Its exit code; 128 and the signal's number where a signal ended it, as shells say it.
    pub(crate) exit_code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Why a program did not run to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("the operator's list has no such program")]
    NoSuchProgram,
    #[error("{most} programs {of} run already; try again when one has ended")]
    Busy { most: usize, of: &'static str },
    #[error("{what} of a program is {most} bytes at most")]
    TooLarge { what: &'static str, most: usize },
    #[error("the program cannot be run")]
    Failed(#[from] io::Error),
}

/// Programs of one service at once: each may keep a processor busy and hold tens of megabytes.
const SERVICE_MAX: usize = 4;

/// Programs of all services at once. What they write is kept in memory: 16 MiB each at most.
const ALL_MAX: usize = 16;

/// What a guest may give to a program: a picture, a page. It is in the guest's memory, too.
const STDIN_BYTES_MAX: usize = 8 << 20;

impl Processes {
    /// Runs the programs of this list.
    pub fn new(list: Programs) -> Self {
        let places = |most| Arc::new(Semaphore::new(most));
        Self { list: Arc::new(list), all: places(ALL_MAX), own: places(SERVICE_MAX) }
    }

    /// The same for another service: the list and the places of all are shared, those of one are not.
    pub fn for_service(&self) -> Self {
        Self { own: Arc::new(Semaphore::new(SERVICE_MAX)), ..self.clone() }
    }

    /// Whether the list has an entry of this name.
    pub fn lists(&self, name: &Name) -> bool {
        self.list.get(name).is_some()
    }

    /// Runs the entry of this name to its end. It is killed with all of its process group when this is dropped.
    pub(crate) async fn run(&self, name: &Name, stdin: Vec<u8>) -> Result<Finished, RunError> {
        let program = self.list.get(name).ok_or(RunError::NoSuchProgram)?.clone();
        if stdin.len() > STDIN_BYTES_MAX {
            return Err(RunError::TooLarge { what: "the input", most: STDIN_BYTES_MAX });
        }
        let places = self.places()?;
        let leash = Arc::new(Leash::default());
        let _kills = leash::KillOnDrop(Arc::clone(&leash));
        let running = tokio::task::spawn_blocking(move || {
            // Given back when the program is gone, and not when nobody waits for it any more.
            let _places = places;
            child::run(&program, stdin, &leash)
        });
        running.await.unwrap_or_else(|panicked| Err(io::Error::other(panicked).into()))
    }

    fn places(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), RunError> {
        let take = |places: &Arc<Semaphore>, most, of| {
            Arc::clone(places).try_acquire_owned().map_err(|_| RunError::Busy { most, of })
        };
        Ok((
            take(&self.own, SERVICE_MAX, "of this service")?,
            take(&self.all, ALL_MAX, "of this node")?,
        ))
    }
}
