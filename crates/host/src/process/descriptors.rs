//! What this process has open: programs do not get it.
//!
//! What Rust opens is closed in children by itself. What was open before `main` need not be, and the runtime of the
//! guests, which keeps a file on its own memory, opens that anew in each child and leaves it open there.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_setfd};

/// The first after the three standard ones, which a program has of its own.
const FIRST: RawFd = 3;

/// The numbers of all that is open now.
pub(super) fn open_now() -> io::Result<Vec<RawFd>> {
    let entries = std::fs::read_dir("/proc/self/fd")?;
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(numbers.filter(|number| *number >= FIRST).collect())
}

/// Has each of them closed when the program begins. Called between fork and exec: it allocates nothing and takes no
/// lock.
pub(super) fn close_at_exec(numbers: &[RawFd]) {
    for number in numbers {
        // SAFETY: nothing is read, written or closed by it. The one that listed the numbers is gone, and where it
        // was the call fails; whatever else has a number now is to be closed at exec, too.
        let fd = unsafe { BorrowedFd::borrow_raw(*number) };
        let _ = fcntl_setfd(fd, FdFlags::CLOEXEC);
    }
}
