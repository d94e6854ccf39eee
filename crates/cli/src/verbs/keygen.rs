//! `keygen`: a key to sign components with.

use std::path::{Path, PathBuf};

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::KeyPair;
use airssys_wasm_model::Signer;
use serde::Serialize;

use crate::files::create;
use crate::ui::Ui;

/// Make a key to sign components with
///
/// Writes the private key, which only you may read, and beside it the public key, as FILE.pub. Both are PEM
/// files that OpenSSL reads too. No file that is there is overwritten.
#[derive(clap::Args)]
pub(crate) struct Keygen {
    /// Where the private key goes.
    #[arg(value_name = "FILE", default_value = "airssys-wasm.key")]
    file: PathBuf,
}

/// What was made.
#[derive(Serialize)]
struct Made<'a> {
    signer: Signer,
    private_key: &'a Path,
    public_key: &'a Path,
}

impl Keygen {
    pub(crate) fn run(self, ui: &Ui) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let public = beside(&self.file);
        if public.exists() {
            let message = format!("{} is there already", public.display());
            return Err(Failure::new(Code::Conflict, message).help("name another file").into());
        }
        create(&self.file, key.to_pem()?.as_ref(), 0o600)?;
        create(&public, &key.to_public_pem()?, 0o644)?;
        let made = Made { signer: key.signer(), private_key: &self.file, public_key: &public };
        ui.answer(&made, |made| {
            let (private, public) = (made.private_key.display(), made.public_key.display());
            format!(
                "{}\nprivate key: {private} (keep it to yourself)\npublic key:  {public}\n\
                 sign with `airssys-wasm sign FILE.wasm --key {private}`",
                made.signer
            )
        })
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}
