//! `verify`: who vouches for a component.

use std::path::{Path, PathBuf};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{read_signer, signers};
use airssys_wasm_model::{Digest, Signer};
use serde::Serialize;

use crate::component::read_artifact;
use crate::files::read_text;
use crate::ui::Ui;

/// Check who signed a component
///
/// Exit code 0 when its signatures hold, 4 when there is none or not the one that is asked for, and 8 when the
/// file was changed after it was signed.
#[derive(clap::Args)]
pub(crate) struct Verify {
    /// A component.
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,

    /// Who has to have signed it: `ed25519:…`, or a public key's file.
    #[arg(long, value_name = "SIGNER|FILE.pub")]
    signer: Option<String>,
}

/// Who signed it.
#[derive(Serialize)]
struct Verified<'a> {
    path: &'a Path,
    digest: Digest,
    signers: Vec<Signer>,
}

impl Verify {
    pub(crate) fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let path = self.file.display();
        let wanted = self.signer.as_deref().map(named).transpose()?;
        let bytes = read_artifact(&self.file)?;
        // What is no component at all is said so, not that it is unsigned.
        airssys_wasm_host::inspect(&bytes)
            .map_err(|error| Failure::new(Code::Invalid, format!("{path}: {error}")))?;
        let signers = signers(&bytes)
            .map_err(|error| Failure::new(Code::Invalid, format!("{path}: {error}")))?;
        if signers.is_empty() {
            return Err(Failure::new(Code::Denied, format!("{path} is not signed")).into());
        }
        if let Some(wanted) = wanted.filter(|wanted| !signers.contains(wanted)) {
            let by: Vec<_> = signers.iter().map(ToString::to_string).collect();
            let message = format!("{path} is not signed by {wanted}, but by {}", by.join(" and "));
            return Err(Failure::new(Code::Denied, message).into());
        }
        let answer = Verified { path: &self.file, digest: Digest::of(&bytes), signers };
        ui.answer(&answer, |answer| {
            let lines = answer.signers.iter().map(|signer| format!("signed by {signer}\n"));
            format!("{}{}", lines.collect::<String>(), answer.digest)
        })
    }
}

fn named(word: &str) -> Result<Signer, Failure> {
    let usage =
        |error: &dyn std::fmt::Display| Failure::new(Code::Usage, format!("{word}: {error}"));
    if word.starts_with("ed25519:") {
        return word.parse::<Signer>().map_err(|error| usage(&error));
    }
    read_signer(&read_text(Path::new(word))?).map_err(|error| usage(&error))
}
