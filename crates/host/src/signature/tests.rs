//! Signing and verifying, and every way to change a signed file.

use super::*;

/// Exports a type, `t`.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\x07\x02\x01\x79\x0b\x07\x01\0\x01t\x03\0\0";

fn key(secret: u8) -> KeyPair {
    KeyPair(ed25519_dalek::SigningKey::from_bytes(&[secret; 32]))
}

#[test]
fn several_authors_sign_the_same_bytes() {
    assert_eq!(signers(COMPONENT), Ok(vec![]));
    let once = sign(COMPONENT, &key(1)).unwrap();
    let twice = sign(&once, &key(2)).unwrap();
    assert_eq!(signers(&twice), Ok(vec![key(1).signer(), key(2).signer()]));
    let inspection = crate::inspect(&twice).unwrap();
    assert_eq!(inspection.signers, [key(1).signer(), key(2).signer()]);
    assert!(matches!(sign(&twice, &key(1)), Err(SignError::Signed(_))));
}

#[test]
fn every_changed_byte_is_found() {
    let signed = sign(COMPONENT, &key(1)).unwrap();
    for at in 0..signed.len() {
        for bit in 0..8 {
            let mut changed = signed.clone();
            changed[at] ^= 1 << bit;
            // Without its name a signature is a section like others, and the component is not signed.
            let vouched = signers(&changed).is_ok_and(|signers| signers.contains(&key(1).signer()));
            assert!(!vouched, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn nothing_is_added_behind_a_signature() {
    let signed = sign(COMPONENT, &key(1)).unwrap();
    let added = [&signed[..], &[0, 2, 1, b'x']].concat();
    assert_eq!(signers(&added), Err(SignatureError::Uncovered { offset: signed.len() }));
    let again = sign(&added, &key(2));
    assert!(matches!(
        again,
        Err(SignError::Artifact(ArtifactError::Signature(SignatureError::Uncovered { .. })))
    ));
}

#[test]
fn a_signature_of_other_bytes_does_not_hold() {
    let signed = sign(COMPONENT, &key(1)).unwrap();
    let signature = &signed[COMPONENT.len()..];
    let mut other = COMPONENT.to_vec();
    other.extend([0, 2, 1, b'x']);
    other.extend(signature);
    assert_eq!(signers(&other), Err(SignatureError::Wrong { signer: key(1).signer() }));
}

#[test]
fn a_node_is_not_made_to_verify_thousands() {
    let mut signed = COMPONENT.to_vec();
    for secret in 0..SIGNATURES_MAX {
        signed = sign(&signed, &key(secret as u8)).unwrap();
    }
    assert!(matches!(sign(&signed, &key(99)), Err(SignError::Signature(SignatureError::TooMany))));
    let last = signed[signed.len() - 116..].to_vec();
    signed.extend(last);
    assert_eq!(signers(&signed), Err(SignatureError::TooMany));
}

#[test]
fn keys_survive_their_files() {
    let key = KeyPair::generate().unwrap();
    let read = KeyPair::read(key.to_pem().unwrap().as_ref()).unwrap();
    assert_eq!(read.signer(), key.signer());
    assert_eq!(read_signer(&key.to_public_pem().unwrap()), Ok(key.signer()));
    assert_eq!(read_signer(&format!("{}\n", key.signer())), Ok(key.signer()));
    assert!(KeyPair::read(&key.to_public_pem().unwrap()).is_err());
    assert_eq!(read_signer(key.to_pem().unwrap().as_ref()), Err(KeyError::Public));
}

#[test]
fn a_key_of_openssl_is_read() {
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    // RFC 8032, section 7.1, test 1.
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let signer = KeyPair::read(PRIVATE).unwrap().signer();
    let hex: String = signer.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, public);
}
