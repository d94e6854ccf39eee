//! The `airssys-wasm` command: reads the command line, carries one verb out, and turns how it ended into
//! an exit code.

#![forbid(unsafe_code)]

mod component;
mod exit;
mod files;
mod interrupt;
mod place;
mod show;
mod ui;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use crate::ui::{Format, Ui};
use crate::verbs::Verb;

/// A call makes and drops a few hundred small things, most of them the engine's: with the C library's allocator
/// a tenth of its time went there. Huge pages are off: they double what an idle node keeps.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Run WebAssembly components, and change them while they run.
#[derive(Parser)]
#[command(name = "airssys-wasm", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    /// How results are written to stdout.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,

    #[command(subcommand)]
    verb: Verb,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error, std::env::args_os()),
    };
    let ui = Ui::new(cli.output);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&error.into(), &ui),
    };
    let ended = runtime.block_on(cli.verb.run(&ui));
    // A verb that reads stdin or a terminal leaves a thread that only ends with its input.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error, &ui),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_nothing() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_is_as_it_was() {
        let mut command = Cli::command().term_width(100);
        command.build();
        insta::assert_snapshot!("help", command.render_long_help());
        for verb in command.get_subcommands_mut() {
            if verb.get_name() != "help" {
                let name = format!("help-{}", verb.get_name());
                insta::assert_snapshot!(name, verb.render_long_help());
            }
        }
    }
}
