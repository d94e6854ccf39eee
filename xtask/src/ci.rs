//! `cargo xtask ci`: all that a change must pass: what `test` checks, then clippy, then the demo
//! as the end-to-end check.

use anyhow::Result;

use crate::demo::Demo;
use crate::shell::Steps;
use crate::test;

/// Runs them and prints the time of each step.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    let tally = test::all(&mut steps);
    steps.step("clippy", test::clippy);
    steps.step("demo", || Demo::default().run());
    let outcome = steps.conclude();
    tally.print();
    outcome
}
