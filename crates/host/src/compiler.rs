//! The threads that compile. They give way to the threads that serve calls.

use rayon::{ThreadPool, ThreadPoolBuilder};

/// The priority of a thread that compiles, as `nice` counts: the lowest, with a sixtieth of the weight of one that
/// serves calls, so that calls take a processor from it whenever they come. Compiling uses what they leave, and
/// goes as fast as ever where they leave a processor. With 10 the p99 of an update's second at 70 % load was 7
/// times that before it.
const NICE: i32 = 19;

/// Starts a thread for each processor, or says why not.
pub(crate) fn start() -> Option<ThreadPool> {
    let threads = ThreadPoolBuilder::new()
        .thread_name(|at| format!("compile-{at}"))
        .start_handler(|_| give_way())
        .build();
    threads
        .inspect_err(|error| tracing::warn!("calls share their threads with the compiler: {error}"))
        .ok()
}

fn give_way() {
    // On Linux a priority is a thread's own, whatever the name of the call says.
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::setpriority_process(None, NICE)
    {
        tracing::debug!("the compiler does not give way to calls: {error}");
    }
}
