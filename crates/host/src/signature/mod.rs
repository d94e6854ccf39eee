//! Signatures of artifacts: Ed25519 over the bytes, kept in the file itself.
//!
//! A signature is a custom section at the end of the component, so that one file is enough and every tool
//! still reads it. It covers all bytes before the first signature: several authors sign the same bytes, in
//! any order. What follows a signature and is none is not covered by anybody, and is refused.

mod key;
mod section;

use airssys_wasm_model::{Digest, Signer};
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};

pub use self::key::{KeyError, KeyPair, read_signer};
use self::section::{Section, Sections};
use crate::artifact::{ArtifactError, encoding};

/// What is signed is never anything else that the same key may sign elsewhere.
const PURPOSE: &[u8] = b"airssys-wasm artifact v1\0";

/// Signatures of one artifact: authors and reviewers, and no way to make a node verify thousands.
const SIGNATURES_MAX: usize = 16;

/// Why an artifact's signatures do not hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    /// Not the bytes that were signed, or not by this key.
    #[error("its signature by {signer} does not hold: the bytes are not those that were signed")]
    Wrong {
        /// Whose it claims to be.
        signer: Signer,
    },
    /// Neither a signature nor anything that could be one.
    #[error("its signature at byte {offset} is malformed: sign the component again")]
    Malformed {
        /// Where the section begins.
        offset: usize,
    },
    /// Bytes that nobody vouches for.
    #[error(
        "something was added at byte {offset}, after it was signed: sign it again, as the last step of its build"
    )]
    Uncovered {
        /// Where.
        offset: usize,
    },
    /// More than [`SIGNATURES_MAX`].
    #[error("it has more than {SIGNATURES_MAX} signatures")]
    TooMany,
}

/// Why an artifact was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It is no component, or was changed since others signed it.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// It has as many signatures as there may be.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// This key has signed it.
    #[error("it is signed by {0} already")]
    Signed(Signer),
}

/// Whose signatures an artifact has, in the order of the file. All of them hold.
///
/// # Errors
/// When one does not: such a file is not what its author signed, whatever other signatures it has.
pub fn signers(bytes: &[u8]) -> Result<Vec<Signer>, SignatureError> {
    let mut signed = None;
    let mut signers = Vec::new();
    for section in Sections::of(bytes) {
        let Section { offset, signature } = section?;
        let Some(signature) = signature else {
            match signed {
                Some(_) => return Err(SignatureError::Uncovered { offset }),
                None => continue,
            }
        };
        if signers.len() == SIGNATURES_MAX {
            return Err(SignatureError::TooMany);
        }
        let covered = *signed.get_or_insert_with(|| message(&bytes[..offset]));
        signers.push(verify(signature, &covered, offset)?);
    }
    Ok(signers)
}

/// The artifact with this key's signature added.
///
/// # Errors
/// When it is no component, was changed since others signed it, or has this key's signature.
pub fn sign(bytes: &[u8], key: &KeyPair) -> Result<Vec<u8>, SignError> {
    let before = crate::artifact::inspect(bytes)?.signers;
    if before.contains(&key.signer()) {
        return Err(SignError::Signed(key.signer()));
    }
    if before.len() == SIGNATURES_MAX {
        return Err(SignatureError::TooMany.into());
    }
    let covered = message(&bytes[..section::first_signature(bytes)?]);
    let signature = key.0.sign(&covered);
    let mut signed = bytes.to_vec();
    section::append(&mut signed, key.signer().as_bytes(), &signature.to_bytes());
    Ok(signed)
}

fn verify(signature: &[u8], covered: &Message, offset: usize) -> Result<Signer, SignatureError> {
    let malformed = || SignatureError::Malformed { offset };
    let (key, signature) = signature.split_first_chunk::<32>().ok_or_else(malformed)?;
    let signature = Signature::from_slice(signature).map_err(|_| malformed())?;
    let verifying = VerifyingKey::from_bytes(key).map_err(|_| malformed())?;
    let signer = Signer::from_bytes(*key);
    // Strictly: a weak key would make one signature fit many artifacts.
    verifying.verify_strict(covered, &signature).map_err(|_| SignatureError::Wrong { signer })?;
    Ok(signer)
}

type Message = [u8; PURPOSE.len() + 32];

fn message(covered: &[u8]) -> Message {
    let mut message = [0; PURPOSE.len() + 32];
    let (purpose, digest) = message.split_at_mut(PURPOSE.len());
    purpose.copy_from_slice(PURPOSE);
    digest.copy_from_slice(Digest::of(covered).as_bytes());
    message
}

/// For whoever has only the outermost header checked.
fn is_component(bytes: &[u8]) -> bool {
    matches!(encoding(bytes), Ok(wasmparser::Encoding::Component))
}

#[cfg(test)]
mod tests;
