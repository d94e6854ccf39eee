//! Whose signature a release has to bear: a name that was signed keeps its author.

use std::sync::Arc;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_model::Signer;

use crate::node::Shared;
use crate::releases::{self, Release};

/// Refuses a release whose name was signed by others before, or by anybody where it is not signed.
///
/// The release stored last is what counts: what its operator accepted once is the rule from then on.
pub(crate) async fn check(shared: &Arc<Shared>, release: &Release) -> Result<(), Failure> {
    let stored = releases::list(shared, &release.name).await?;
    if stored.iter().any(|it| it.version == release.version && it.digest == release.digest) {
        return Ok(());
    }
    match stored.iter().max_by_key(|stored| stored.at) {
        Some(last) if !follows(&release.signers, &last.signers) => Err(refused(release, last)),
        _ => Ok(()),
    }
}

/// Whether one of those who signed before has signed again.
fn follows(signers: &[Signer], before: &[Signer]) -> bool {
    before.is_empty() || signers.iter().any(|signer| before.contains(signer))
}

fn refused(release: &Release, last: &Release) -> Failure {
    let Release { name, version, signers, .. } = release;
    let is = match signers.is_empty() {
        true => "is not signed".to_owned(),
        false => format!("is signed by {}", list(signers)),
    };
    let message =
        format!("{name}@{version} {is}; {name}@{} is by {}", last.version, list(&last.signers));
    Failure::new(Code::Denied, message)
        .help("have it signed by the same author, or take it all the same with --accept-signer")
}

fn list(signers: &[Signer]) -> String {
    signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_author_of_before_is_enough() {
        let [one, two] = [1, 2].map(|byte| Signer::from_bytes([byte; 32]));
        for (now, before, may) in [
            (vec![], vec![], true),
            (vec![one], vec![], true),
            (vec![one], vec![one], true),
            (vec![two, one], vec![one], true),
            (vec![one], vec![two, one], true),
            (vec![two], vec![one], false),
            (vec![], vec![one], false),
        ] {
            assert_eq!(follows(&now, &before), may, "{now:?} after {before:?}");
        }
    }
}
