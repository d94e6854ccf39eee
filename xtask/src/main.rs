//! The project's own commands: `cargo xtask demo|test|ci|guests|bench|fuzz|tidy`.
//!
//! Each command is a file. This one only reads the command line; it never knows how a command works.

mod bench;
mod build;
mod ci;
mod demo;
mod extism;
mod fuzz;
mod guests;
mod http;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands", disable_version_flag = true)]
enum Xtask {
    /// The product end to end: a node, traffic from a 20 MB log, updates, a broken version, a rollback
    Demo(demo::Demo),
    /// Tidy, formatting, the guests and every test; `ci` adds clippy and the demo
    Test(test::Test),
    /// All that a change must pass: `test`, then clippy and the demo, with the time of each step
    Ci,
    /// Build the guests the tests and the demo use, and print their paths
    Guests,
    /// Try made-up inputs on all that reads what others wrote
    Fuzz(fuzz::Fuzz),
    /// The house rules that neither the compiler nor clippy can hold
    Tidy,
    /// Measure the node against its promises and its peers (release profile)
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let outcome = match Xtask::parse() {
        Xtask::Demo(demo) => demo.run(),
        Xtask::Test(test) => test.run(),
        Xtask::Ci => ci::run(),
        Xtask::Guests => guests::run(),
        Xtask::Fuzz(fuzz) => fuzz.run(),
        Xtask::Tidy => tidy::run(),
        Xtask::Bench(bench) => bench.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
