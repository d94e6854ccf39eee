//! What goes into a program and comes out of it, all at once, on one thread.
//!
//! A program may write before it has read, so neither side is waited for alone. When the program itself has ended,
//! what it wrote is taken, and what is left of its group is not waited for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, ioctl_fionbio, read, retry_on_intr, write};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::RunError;

/// What may be kept of standard output: an answer, a picture. A guest gets it at once, and has 64 MiB unless its
/// limit says more.
const STDOUT_BYTES_MAX: usize = 8 << 20;

/// What may be kept of standard error, where messages are.
const STDERR_BYTES_MAX: usize = 256 << 10;

/// Bytes read at once: what a pipe holds.
const PIECE_BYTES: usize = 64 << 10;

struct Input {
    /// `None` once all is written, or the program reads no more.
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
    at: usize,
}

struct Output {
    /// `None` at its end.
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
    what: &'static str,
    most: usize,
}

/// Gives a program its input and takes what it writes until it has ended. Its end is not waited for as a parent does.
pub(super) fn exchange(child: &mut Child, stdin: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), RunError> {
    let ended = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).map_err(io::Error::from)?;
    let mut input = Input::new(child.stdin.take().map(OwnedFd::from), stdin)?;
    let stdout = child.stdout.take().map(OwnedFd::from);
    let stderr = child.stderr.take().map(OwnedFd::from);
    let mut output = Output::new(stdout, "the output", STDOUT_BYTES_MAX)?;
    let mut errors = Output::new(stderr, "the error output", STDERR_BYTES_MAX)?;
    loop {
        let is_over = wait(&ended, &input, &[&output, &errors])?;
        input.push();
        output.pull()?;
        errors.pull()?;
        if is_over {
            return Ok((output.bytes, errors.bytes));
        }
    }
}

/// Waits until something can be done, and says whether the program has ended.
fn wait(ended: &OwnedFd, input: &Input, outputs: &[&Output]) -> io::Result<bool> {
    let mut all = vec![PollFd::new(ended, PollFlags::IN)];
    all.extend(input.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
    let reading = outputs.iter().filter_map(|output| output.pipe.as_ref());
    all.extend(reading.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
    retry_on_intr(|| poll(&mut all, None))?;
    Ok(!all[0].revents().is_empty())
}

impl Input {
    fn new(pipe: Option<OwnedFd>, bytes: Vec<u8>) -> io::Result<Self> {
        let pipe = pipe.filter(|_| !bytes.is_empty());
        never_wait(pipe.as_ref().map(AsFd::as_fd))?;
        Ok(Self { pipe, bytes, at: 0 })
    }

    /// Writes what the pipe takes. A program that reads no more has what it wanted: that is no error.
    fn push(&mut self) {
        while let Some(pipe) = &self.pipe {
            match retry_on_intr(|| write(pipe, &self.bytes[self.at..])) {
                Ok(written) => self.at += written,
                Err(Errno::AGAIN) => return,
                Err(_) => self.pipe = None,
            }
            if self.at == self.bytes.len() {
                self.pipe = None;
            }
        }
    }
}

impl Output {
    fn new(pipe: Option<OwnedFd>, what: &'static str, most: usize) -> io::Result<Self> {
        never_wait(pipe.as_ref().map(AsFd::as_fd))?;
        Ok(Self { pipe, bytes: Vec::new(), what, most })
    }

    /// Takes what the pipe has.
    fn pull(&mut self) -> Result<(), RunError> {
        let mut piece = [0; PIECE_BYTES];
        while let Some(pipe) = &self.pipe {
            match retry_on_intr(|| read(pipe, &mut piece)) {
                Ok(0) => self.pipe = None,
                Ok(len) if len > self.most - self.bytes.len() => {
                    return Err(RunError::TooLarge { what: self.what, most: self.most });
                }
                Ok(len) => self.bytes.extend_from_slice(&piece[..len]),
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        Ok(())
    }
}

/// Of our end of a pipe: the program's end is another, and waits as it always does.
fn never_wait(pipe: Option<BorrowedFd<'_>>) -> io::Result<()> {
    match pipe {
        Some(pipe) => Ok(ioctl_fionbio(pipe, true)?),
        None => Ok(()),
    }
}
