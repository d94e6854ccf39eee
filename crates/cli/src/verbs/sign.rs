//! `sign`: vouch for a component.

use std::path::{Path, PathBuf};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::{KeyPair, SignError, sign};
use airssys_wasm_model::{Digest, Signer};
use serde::Serialize;

use crate::component::read_artifact;
use crate::files::{read_text, replace};
use crate::ui::Ui;

/// Sign a component
///
/// The signature is kept in the file and covers all of it, so signing is the last step of a build. Several may sign
/// the same component, one after the other.
#[derive(clap::Args)]
pub(crate) struct Sign {
    /// A component.
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,

    /// The private key, as `keygen` made it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// Where the signed component goes, instead of into its place.
    #[arg(short = 'o', long, value_name = "FILE.wasm")]
    out: Option<PathBuf>,
}

/// What was signed.
#[derive(Serialize)]
struct Signed<'a> {
    path: &'a Path,
    digest: Digest,
    signer: Signer,
}

impl Sign {
    pub(crate) fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let bytes = read_artifact(&self.file)?;
        let key = read_key(&self.key)?;
        let signed = sign(&bytes, &key).map_err(|error| failure(&self.file, &error))?;
        let path = self.out.as_deref().unwrap_or(&self.file);
        replace(path, &signed)?;
        let answer = Signed { path, digest: Digest::of(&signed), signer: key.signer() };
        ui.answer(&answer, |answer| {
            format!("{} is signed by {}\n{}", answer.path.display(), answer.signer, answer.digest)
        })
    }
}

fn read_key(path: &Path) -> Result<KeyPair, Failure> {
    KeyPair::read(&read_text(path)?)
        .map_err(|error| Failure::new(Code::Usage, format!("{}: {error}", path.display())))
}

fn failure(file: &Path, error: &SignError) -> Failure {
    let code = match error {
        SignError::Signed(_) => Code::Conflict,
        SignError::Artifact(_) | SignError::Signature(_) => Code::Invalid,
    };
    Failure::new(code, format!("{}: {error}", file.display()))
}
