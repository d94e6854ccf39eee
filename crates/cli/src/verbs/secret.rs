//! `secret`: values that components use and nobody reads back.

use std::io::{self, IsTerminal as _, Read as _};

use airssys_wasm_api::command::{ListSecrets, NamedSecret, Nothing, SecretInput, SetSecret};
use airssys_wasm_api::reply::{KeyRotated, SecretList, SecretRemoved, SecretSet};
use airssys_wasm_api::{Code, Command, Failure, Payload};
use airssys_wasm_model::SecretName;

use crate::place::NodeFlags;
use crate::show::table;
use crate::ui::Ui;

/// Set, list and remove secrets
///
/// A secret is kept sealed, and its value is never shown again. A component uses one that it asks for under
/// [capabilities] and that `--grant secrets:NAME=HOST` (to be sent there) or `--grant secrets:NAME:revealed` (to be
/// seen) gives it.
#[derive(clap::Args)]
pub(crate) struct Secret {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    /// Set a secret to what stdin says; whoever uses it uses the new value from then on
    ///
    /// One line's end at the end is left out. The value is no argument, because those are seen by other users of the
    /// machine and kept by shells: `airssys-wasm secret set NAME < FILE`.
    Set {
        /// Which: letters, digits, `.`, `_` and `-`.
        name: SecretName,

        #[command(flatten)]
        node: NodeFlags,
    },
    /// List the secrets, without their values
    List {
        #[command(flatten)]
        node: NodeFlags,
    },
    /// Draw a new key and seal all secrets anew with it; values and versions stay
    ///
    /// For a key that is in a file. Keep a copy of the new one, apart from the data directory. If the former key
    /// was taken, set new values too: what it has sealed can be read by it in every copy of the data directory.
    RotateKey {
        #[command(flatten)]
        node: NodeFlags,
    },
    /// Remove a secret with all its versions
    Remove {
        /// Which.
        name: SecretName,

        #[command(flatten)]
        node: NodeFlags,
    },
}

/// More than a node takes, so that it is the node that says how much that is.
const READ_BYTES_MAX: u64 = 256 << 10;

impl Secret {
    pub(crate) async fn run(self, ui: &Ui) -> anyhow::Result<()> {
        match self.act {
            Act::Set { name, node } => {
                let client = node.client()?;
                let value = SecretInput(Payload(read_value()?.into()));
                let command = Command::SetSecret(SetSecret { name, value });
                let set: SecretSet = client.ask(command).await?;
                ui.answer(&set, |set| format!("{} has version {}", set.name, set.version))
            }
            Act::List { node } => {
                let command = Command::ListSecrets(ListSecrets {});
                let list: SecretList = node.client()?.ask(command).await?;
                ui.answer(&list, shown)
            }
            Act::RotateKey { node } => {
                let command = Command::RotateSecretsKey(Nothing {});
                let rotated: KeyRotated = node.client()?.ask(command).await?;
                ui.answer(&rotated, |rotated| {
                    let KeyRotated { former, current, resealed } = rotated;
                    let resealed = resealed.unwrap_or_default();
                    format!("{current} is the key now, and no more {former}; {resealed} values are sealed anew")
                })
            }
            Act::Remove { name, node } => {
                let command = Command::RemoveSecret(NamedSecret { name });
                let removed: SecretRemoved = node.client()?.ask(command).await?;
                ui.answer(&removed, |removed| format!("{} removed", removed.name))
            }
        }
    }
}

fn read_value() -> anyhow::Result<Vec<u8>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        // What is typed would stand on the screen.
        return Err(Failure::new(
            Code::Usage,
            "the value of a secret is read from a file or a pipe",
        )
        .help("airssys-wasm secret set NAME < FILE")
        .into());
    }
    let mut value = Vec::new();
    stdin.lock().take(READ_BYTES_MAX).read_to_end(&mut value)?;
    Ok(without_line_end(value))
}

/// Editors and `echo` end a file with one, and no password has one.
fn without_line_end(mut value: Vec<u8>) -> Vec<u8> {
    for end in [&b"\r\n"[..], b"\n"] {
        if value.ends_with(end) {
            value.truncate(value.len() - end.len());
            break;
        }
    }
    value
}

fn shown(list: &SecretList) -> String {
    let rows: Vec<_> = list
        .secrets
        .iter()
        .map(|secret| {
            [
                secret.name.to_string(),
                secret.version.to_string(),
                secret.set_at.to_string(),
                format!("{} bytes", secret.size_bytes),
            ]
        })
        .collect();
    table(["NAME", "VERSION", "SET", "SIZE"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_left_out_and_nothing_else() {
        for (read, kept) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a ", "a "), ("", "")]
        {
            assert_eq!(without_line_end(read.into()), kept.as_bytes(), "{read:?}");
        }
    }
}
