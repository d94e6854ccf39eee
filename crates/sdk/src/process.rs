//! Programs of the host, out of the operator's list: `process::run("thumbs", &picture)?`.
//!
//! The manifest asks for an entry by name (`process = [{ name = "thumbs", reason = "previews" }]`). Which program that
//! is, with which arguments, variables and directory, the operator's list alone says. Natively, in tests, there is no
//! list.

/// What a program that ended leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code; 128 and the signal's number where a signal ended it, as shells say it.
    pub exit_code: i32,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
}

/// Why a program did not run to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The component has no right to it, or lost it while the program ran: it was killed then.
    Denied,
    /// The operator's list has no such entry.
    NoSuchProgram,
    /// As many programs run already as may: to be tried again.
    Busy(String),
    /// The input, or what it wrote, is larger than may be. In the second case it was killed.
    TooLarge(String),
    /// Anything else, such as a program that is not there.
    Failed(String),
}

/// Runs the entry of this name with these bytes as its standard input, and waits for its end. What it leaves running
/// is killed then, and so is all of it when the call ends before or the right to it is revoked.
///
/// ```
/// use airssys_wasm_sdk::process;
///
/// assert_eq!(process::run("thumbs", b"").unwrap_err(), process::Error::NoSuchProgram);
/// ```
///
/// # Errors
/// When it was not run, or not to its end. A program that fails is no error: its exit code says so.
#[cfg(target_arch = "wasm32")]
pub fn run(name: &str, stdin: &[u8]) -> Result<Finished, Error> {
    use crate::bindings::airssys::component::process;
    match process::run(name, stdin) {
        Ok(process::Finished { exit_code, stdout, stderr }) => {
            Ok(Finished { exit_code, stdout, stderr })
        }
        Err(process::Error::Denied) => Err(Error::Denied),
        Err(process::Error::NoSuchProgram) => Err(Error::NoSuchProgram),
        Err(process::Error::Busy(why)) => Err(Error::Busy(why)),
        Err(process::Error::TooLarge(why)) => Err(Error::TooLarge(why)),
        Err(process::Error::Failed(why)) => Err(Error::Failed(why)),
    }
}

/// Runs the entry of this name with these bytes as its standard input, and waits for its end. What it leaves running
/// is killed then, and so is all of it when the call ends before or the right to it is revoked.
///
/// ```
/// use airssys_wasm_sdk::process;
///
/// assert_eq!(process::run("thumbs", b"").unwrap_err(), process::Error::NoSuchProgram);
/// ```
///
/// # Errors
/// When it was not run, or not to its end. A program that fails is no error: its exit code says so.
#[cfg(not(target_arch = "wasm32"))]
pub fn run(_name: &str, _stdin: &[u8]) -> Result<Finished, Error> {
    Err(Error::NoSuchProgram)
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Denied => "the program is not granted",
            Self::NoSuchProgram => "the operator's list has no such program",
            Self::Busy(why) | Self::TooLarge(why) | Self::Failed(why) => why,
        })
    }
}

impl std::error::Error for Error {}
