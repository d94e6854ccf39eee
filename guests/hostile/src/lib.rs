//! Does whatever harm its input names: `loop`, `trap`, `panic`, `recurse`, `exit N`, `alloc MIB`, `sleep MS`,
//! `log-flood N`, `print-flood N`, `big-output MIB`; after `sicken` its health is bad. Anything else is echoed, so that a test sees whether the service lives.

use std::hint::black_box;
use std::time::Duration;

use airssys_wasm_sdk::prelude::*;

#[component]
pub struct Hostile {
    sick: bool,
}

#[component_impl]
impl Hostile {
    /// The configuration `init` names a harm to do at once.
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        if let Some(command) = config.get::<String>("init")? {
            harm(&command)?;
        }
        Ok(Self { sick: false })
    }

    #[component_execute]
    pub fn process(&mut self, input: ComponentInput) -> ComponentResult {
        match input.text()? {
            "sicken" => {
                self.sick = true;
                Ok(ComponentOutput::text("sick"))
            }
            "how are you" if self.sick => Ok(ComponentOutput::text("sick")),
            "how are you" => Ok(ComponentOutput::text("well")),
            command => harm(command),
        }
    }

    #[component_health]
    pub fn health(&mut self) -> Result<(), ComponentError> {
        if self.sick { Err(ComponentError::failed("asked to be sick")) } else { Ok(()) }
    }

    /// The first call after `shutdown` is none: what it says is only to be seen in the log.
    #[component_shutdown]
    pub fn shutdown(&mut self) {
        log::info!("let go");
    }
}

fn harm(command: &str) -> ComponentResult {
    let (name, argument) = command.split_once(' ').unwrap_or((command, ""));
    let number: usize = argument.parse().unwrap_or(0);
    match name {
        "loop" => loop {
            black_box(number);
        },
        "trap" => trap(),
        "panic" => panic!("asked to panic"),
        "recurse" => Ok(ComponentOutput::text(recurse(black_box(0)).to_string())),
        "exit" => std::process::exit(number as i32),
        "alloc" => Ok(ComponentOutput::text(allocate(number).to_string())),
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number as u64));
            Ok(ComponentOutput::text("slept"))
        }
        "log-flood" => {
            for line in 0..number {
                log::warn!("line {line} of {number}");
            }
            Ok(ComponentOutput::text("flooded"))
        }
        "print-flood" => {
            for line in 0..number {
                println!("line {line} of {number}");
            }
            Ok(ComponentOutput::text("flooded"))
        }
        "big-output" => Ok(ComponentOutput::new(vec![b'x'; number << 20])),
        _ => Ok(ComponentOutput::text(command)),
    }
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    std::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    std::process::abort()
}

#[expect(unconditional_recursion, reason = "this is the harm")]
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1))) + depth
}

/// Holds so many MiB, written, and says how many it got.
fn allocate(mib: usize) -> usize {
    let held: Vec<Vec<u8>> = (0..mib).map(|_| black_box(vec![1; 1 << 20])).collect();
    held.len()
}
