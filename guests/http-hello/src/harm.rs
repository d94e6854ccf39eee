//! What hurts, waits or speaks.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use wasip2::http::types::ResponseOutparam;

use crate::answer::{Answer, respond};
use crate::wasi::logging::logging;

/// How many calls this instance has seen: always 1 where every call has a fresh one.
pub(crate) fn count() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

/// One line to stdout, one to stderr, one through wasi:logging.
pub(crate) fn log(out: ResponseOutparam) {
    println!("said on stdout");
    eprintln!("said on stderr");
    logging::log(logging::Level::Warn, "hello", "said through wasi:logging");
    Answer::text(200, "said").send(out);
}

pub(crate) fn spin() -> ! {
    loop {
        black_box(());
    }
}

pub(crate) fn trap() -> ! {
    std::arch::wasm32::unreachable()
}

/// Holds so many MiB, written, and says how many it got.
pub(crate) fn allocate(mib: u64) -> usize {
    let held: Vec<Vec<u8>> = (0..mib).map(|_| black_box(vec![1; 1 << 20])).collect();
    held.len()
}

pub(crate) fn sleep(ms: u64, out: ResponseOutparam) {
    thread::sleep(Duration::from_millis(ms));
    Answer::text(200, "slept").send(out);
}

/// So many chunks with a pause before each.
pub(crate) fn drip(chunks: u64, ms: u64, out: ResponseOutparam) {
    respond(200, out, |body| {
        for chunk in 0..chunks {
            thread::sleep(Duration::from_millis(ms));
            writeln!(body, "chunk {chunk}")?;
            body.flush()?;
        }
        Ok(())
    });
}

/// A chunk, a pause long enough for it to leave, and a trap.
pub(crate) fn break_off(out: ResponseOutparam) {
    respond(200, out, |body| {
        writeln!(body, "a beginning")?;
        body.flush()?;
        thread::sleep(Duration::from_millis(50));
        trap()
    });
}

/// So many MiB.
pub(crate) fn big(mib: u64, out: ResponseOutparam) {
    let block = vec![b'x'; 1 << 20];
    respond(200, out, |body| (0..mib).try_for_each(|_| body.write_all(&block)));
}
