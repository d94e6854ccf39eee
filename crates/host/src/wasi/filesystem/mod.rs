//! `wasi:filesystem`, 0.2 and 0.3: every import that names a path is checked where it really leads.
//!
//! A guest says words at a directory that it holds. [`walk`] takes the way they mean from the mount downwards,
//! by handles and through each link, and finds a name in an open directory; [`errand`] checks the right to that
//! name by its real path; [`open`], [`change`], [`look`] and [`list`] then act on that name in that directory and
//! follow nothing. What changes between the look and the act therefore changes what the name means and never
//! which name it is, and rights belong to names. An open file carries what it was opened for: a read or a write
//! asks whether the rights have changed since, and only then by which right it is open ([`opened`]).
//!
//! What no right allows is `not-permitted`, whether or not there is such a file. A name that no right covers or
//! leads to is not looked up.

mod change;
mod errand;
mod held;
mod list;
mod listing;
mod look;
mod mount;
mod open;
mod opened;
mod p2;
mod p3;
mod refusal;
mod times;
mod walk;
mod words;

use std::fs::File;
use std::sync::Arc;

use airssys_wasm_model::{Denial, Kind};
use rustix::io::Errno;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem as bindings_p2;
use wasmtime_wasi::p3::bindings::filesystem as bindings_p3;

use self::errand::{Errand, Report};
pub(crate) use self::held::{FilePlace, HeldFiles};
pub(crate) use self::mount::Mount;
use self::mount::Place;
use self::open::Opened;
use self::opened::Act;
use self::refusal::Refusal;
use crate::guest::Guest;
use crate::rights::Hold;
use crate::watch::Use;

/// The files of a guest, as the linker names them.
struct Files;

impl HasData for Files {
    type Data<'a> = &'a mut Guest;
}

pub(super) fn add_p2_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings_p2::types::add_to_linker::<Guest, Files>(linker, |guest| guest)?;
    bindings_p2::preopens::add_to_linker::<Guest, Files>(linker, |guest| guest)
}

pub(super) fn add_p3_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings_p3::types::add_to_linker::<Guest, Files>(linker, |guest| guest)?;
    bindings_p3::preopens::add_to_linker::<Guest, Files>(linker, |guest| guest)
}

type Fd = Resource<Descriptor>;

/// What both versions do.
impl Guest {
    fn preopens(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let mounts = self.files.mounts();
        let give = |mount: Arc<Mount>| {
            let guest = mount.guest().to_owned();
            let fd = self.files.preopen(&mut self.table, mount)?;
            Ok((fd, guest))
        };
        mounts.into_iter().map(give).collect()
    }

    fn place(&mut self, fd: &Fd) -> Result<Place, Refusal> {
        self.files.renew();
        self.files.place(&self.table, fd)
    }

    /// The check of what is done with an open handle.
    fn may_act(&mut self, fd: &Fd, act: Act) -> Result<(), Refusal> {
        self.files.renew();
        let may = self.files.may(fd, act);
        self.settled(may)
    }

    /// What a stream of an open file needs.
    fn hold(&mut self, fd: &Fd, act: Act) -> Result<Option<Arc<Hold>>, Refusal> {
        self.may_act(fd, act)?;
        Ok(self.files.hold(fd, act))
    }

    /// The open directory behind a handle.
    fn dir(&mut self, fd: &Fd) -> Result<Arc<File>, Refusal> {
        match self.filesystem().table.get(fd)? {
            Descriptor::Dir(dir) => Ok(Arc::clone(&dir.dir)),
            Descriptor::File(_) => Err(Errno::NOTDIR.into()),
        }
    }

    fn slot(&mut self) -> Result<FilePlace, Refusal> {
        let slot = self.files.slot();
        if let Err(Refusal::TooManyOpen) = slot {
            self.speaker.warns("limits", "its limit `files` is reached: no further file is opened");
        }
        slot
    }

    fn keep(&mut self, opened: Opened) -> Result<Fd, Refusal> {
        let teller = self.teller();
        self.files.keep(&mut self.table, opened, teller)
    }

    fn errand(&self) -> Errand {
        Errand::new(self.call.mode, self.sees_uses(Kind::Files))
    }

    /// Tells whoever watches, and gives the result.
    fn settle<T>(&mut self, report: Report<T>) -> Result<T, Refusal> {
        for one in &report.uses {
            let access = format!("{:?}", one.access);
            self.used(Use { kind: Kind::Files, access: &access, target: &one.path });
        }
        self.settled(report.result)
    }

    /// The same for what had nothing to do.
    fn settled<T>(&mut self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        if let Err(Refusal::Denied(denied)) = &result {
            self.denied(Denial::file(&self.revision().spec.service, &denied.path, denied.access));
        }
        result
    }
}
