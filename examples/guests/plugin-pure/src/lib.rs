//! Plain functions in a component without a single import, which a host can instantiate with nothing given
//! and call without leaving room for a wait. The benchmarks show with it what a call by name costs.
//!
//! The standard library would bring imports of `wasi:cli` and `wasi:io` along, so this is without it: its own
//! allocator, and a panic that traps.

#![no_std]

extern crate alloc;

mod realloc;

use alloc::string::String;
use alloc::vec::Vec;

wit_bindgen::generate!({ path: "wit", world: "pure" });

struct Pure;

export!(Pure);

impl Guest for Pure {
    fn add(a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn shout(mut text: String) -> String {
        text.push('!');
        text
    }

    fn echo(bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }
}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
