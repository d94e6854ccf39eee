//! The machine a number was measured on.

use std::fs;
use std::thread;

use serde_json::{Value, json};

/// Processor, cores, memory and kernel, as far as the machine tells.
pub(crate) fn describe() -> Value {
    let cpu = field("/proc/cpuinfo", "model name");
    let memory = field("/proc/meminfo", "MemTotal");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    json!({
        "cpu": cpu.unwrap_or_else(|| "unknown".to_owned()),
        "cores": thread::available_parallelism().map_or(0, usize::from),
        "memory": memory.unwrap_or_else(|| "unknown".to_owned()),
        "kernel": kernel.trim(),
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
    })
}

/// Over the last 1, 5 and 15 minutes.
pub(crate) fn load_average() -> String {
    let read = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<_> = read.split_whitespace().take(3).collect();
    if three.is_empty() { "unknown".to_owned() } else { three.join(" ") }
}

/// The first `name : value` line of one of the kernel's files.
pub(crate) fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}
