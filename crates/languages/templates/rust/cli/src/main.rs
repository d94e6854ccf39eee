//! A command: arguments and stdin in, stdout and an exit code out. It is plain Rust and runs natively too.

use std::io::{self, BufRead};
use std::process::ExitCode;

fn main() -> ExitCode {
    let greeting = std::env::args().nth(1).unwrap_or_else(|| "hello".into());
    for line in io::stdin().lock().lines() {
        match line {
            Ok(name) => println!("{greeting}, {name}!"),
            Err(error) => {
                eprintln!("stdin: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
