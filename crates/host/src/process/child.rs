//! One program from its start to its end, on a thread that waits for it.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use airssys_wasm_model::Program;
use rustix::process::{Pid, Signal, set_parent_process_death_signal};

use super::descriptors::{close_at_exec, open_now};
use super::leash::Leash;
use super::pipes::exchange;
use super::{Finished, RunError};

/// Where a program runs.
enum Directory {
    /// The list says where.
    Listed(PathBuf),
    /// An empty one of its own, which goes with it.
    Own(PathBuf),
}

/// Runs a program to its end, or until it is let go of.
pub(super) fn run(program: &Program, stdin: Vec<u8>, leash: &Leash) -> Result<Finished, RunError> {
    if leash.is_over() {
        return Err(io::Error::from(io::ErrorKind::Interrupted).into());
    }
    let directory = Directory::of(program)?;
    let mut child = command(program, directory.path())?.spawn()?;
    leash.hold(Pid::from_child(&child));
    let exchanged = exchange(&mut child, stdin);
    // Before its end is waited for: until then the group's number is nobody else's.
    leash.end();
    let status = child.wait()?;
    let (stdout, stderr) = exchanged?;
    Ok(Finished { exit_code: exit_code(status), stdout, stderr })
}

/// The program with all that the list says of it and nothing else.
fn command(program: &Program, directory: &Path) -> io::Result<Command> {
    let mut command = Command::new(&program.program);
    command.args(&program.arguments).env_clear().envs(&program.environment);
    command.current_dir(directory).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let open = open_now()?;
    let prepare = move || {
        close_at_exec(&open);
        // The program ends with the thread that waits for it, and so with this process, however that ends.
        Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
    };
    // SAFETY: what runs between fork and exec is system calls. It allocates nothing and takes no lock.
    unsafe { command.pre_exec(prepare) };
    Ok(command)
}

fn exit_code(status: ExitStatus) -> i32 {
    let by_signal = || status.signal().map_or(-1, |signal| 128 + signal);
    status.code().unwrap_or_else(by_signal)
}

impl Directory {
    fn of(program: &Program) -> io::Result<Self> {
        if let Some(directory) = &program.directory {
            return Ok(Self::Listed(directory.into()));
        }
        let name = format!("airssys-wasm-{:032x}", rand::random::<u128>());
        let path = std::env::temp_dir().join(name);
        // It fails where something is there, so that nobody else prepares it.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self::Own(path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Listed(path) | Self::Own(path) => path,
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Self::Own(path) = self
            && let Err(error) = std::fs::remove_dir_all(&path)
        {
            tracing::warn!(path = %path.display(), %error, "a program's directory is left behind");
        }
    }
}
