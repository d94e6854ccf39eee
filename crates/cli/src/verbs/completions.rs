//! `completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::Cli;
use crate::ui::Ui;

/// Print completions for a shell
///
/// For bash: `source <(airssys-wasm completions bash)` in ~/.bashrc. For zsh and fish write the output to
/// a file among their completions.
#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        ui.write(&script(self.shell))
    }
}

fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "airssys-wasm", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_is_told_of_the_verbs() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = String::from_utf8(script(shell)).unwrap();
            assert!(script.contains("rollback"), "{shell}");
        }
    }
}
