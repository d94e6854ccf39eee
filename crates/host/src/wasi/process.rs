//! `airssys:component/process`: programs of the host, out of the operator's list.
//!
//! It is none of WASI's interfaces, which have no programs. The right is checked when a program is begun, and it is
//! killed when that is revoked. A copied call runs nothing: what it would have run is counted.

use airssys_wasm_model::{Kind, Name};
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::whose::attribute;
use crate::bindings::airssys::component::process::{self, Error, Finished};
use crate::guest::Guest;
use crate::process::RunError;
use crate::rights::{Hold, Needs, denial_of_program};
use crate::watch::Use;

/// As [`services`](super::services) are added, and for the same reasons.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance("airssys:component/process@0.1.0")?.func_wrap_async(
        "run",
        |mut store: StoreContextMut<'_, Guest>, (name, stdin): (String, Vec<u8>)| {
            Box::new(async move {
                attribute(&mut store)?;
                Ok((process::Host::run(store.data_mut(), name, stdin).await?,))
            })
        },
    )
}

impl process::Host for Guest {
    async fn run(
        &mut self,
        name: String,
        stdin: Vec<u8>,
    ) -> wasmtime::Result<Result<Finished, Error>> {
        // What no list could name is in none.
        let Ok(program) = name.parse::<Name>() else { return Ok(Err(Error::NoSuchProgram)) };
        if let Err(error) = self.may_run(&name) {
            return Ok(Err(error));
        }
        let Some(processes) = self.revision().spec.backends.processes.clone() else {
            return Ok(Err(self.not_run(&name, RunError::NoSuchProgram)));
        };
        let hold = Hold::new(self.teller(), Needs::Running(name.as_str().into()));
        let ran = tokio::select! {
            biased;
            // What runs is let go of by it, and so killed.
            () = hold.revoked_in_use() => return Ok(Err(self.killed(&name))),
            ran = processes.run(&program, stdin) => ran,
        };
        Ok(match ran {
            Ok(finished) => Ok(Finished {
                exit_code: finished.exit_code,
                stdout: finished.stdout,
                stderr: finished.stderr,
            }),
            Err(error) => Err(self.not_run(&name, error)),
        })
    }
}

impl Guest {
    /// The check of each use, told to whoever watches.
    fn may_run(&self, name: &str) -> Result<(), Error> {
        let spec = &self.revision().spec;
        if !self.revision().rights.now().rights.process.check(name).is_allowed() {
            self.denied(denial_of_program(&spec.service, name));
            return Err(Error::Denied);
        }
        if let Some(gauges) = &self.refusing {
            gauges.refuses();
            return Err(Error::Failed("the copy of a call runs nothing".to_owned()));
        }
        if self.sees_uses(Kind::Process) {
            self.used(Use { kind: Kind::Process, access: "", target: name });
        }
        Ok(())
    }

    /// What the guest is told of a program whose right was revoked while it ran, and the service's log: beside the denial,
    /// what became of the program.
    fn killed(&self, name: &str) -> Error {
        self.telling
            .says("process", &format!("the program `{name}` was killed: its right was revoked"));
        Error::Denied
    }

    /// What the guest is told of a program that did not run to its end, and the service's log.
    fn not_run(&self, name: &str, error: RunError) -> Error {
        let why = error.to_string();
        match error {
            RunError::NoSuchProgram => {
                let help =
                    format!("there is no program `{name}` in the list of `serve --programs`");
                self.telling.says("process", &help);
                Error::NoSuchProgram
            }
            RunError::Busy { .. } => {
                self.telling.says("process", &why);
                Error::Busy(why)
            }
            RunError::TooLarge { .. } => {
                self.telling.says("process", &why);
                Error::TooLarge(why)
            }
            // What the system says of paths is the operator's to know.
            RunError::Failed(source) => {
                let service = &self.revision().spec.service;
                tracing::error!(%service, program = name, error = &source as &dyn std::error::Error, "{why}");
                Error::Failed(why)
            }
        }
    }
}
