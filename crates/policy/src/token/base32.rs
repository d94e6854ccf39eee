//! Base 32 (RFC 4648) in lower case without padding: what survives being read aloud, and has no character
//! that ends a word.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The first `length` characters of the bytes' encoding.
pub(super) fn encode(bytes: &[u8], length: usize) -> String {
    (0..length).map(|at| char::from(ALPHABET[usize::from(five_bits(bytes, at * 5))])).collect()
}

/// Whether every character is one of the alphabet.
pub(super) fn is_encoded(text: &str) -> bool {
    text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Five bits from this bit on; beyond the end there are zeros.
fn five_bits(bytes: &[u8], from: usize) -> u8 {
    let bit = |at: usize| {
        let byte = bytes.get(at / 8).copied().unwrap_or_default();
        (byte >> (7 - at % 8)) & 1
    };
    (from..from + 5).fold(0, |bits, at| (bits << 1) | bit(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_encodes_as_the_rfc_does() {
        // RFC 4648, section 10.
        for (bytes, text) in [("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("fooba", "mzxw6ytb")]
        {
            assert_eq!(encode(bytes.as_bytes(), text.len()), text);
        }
        assert!(is_encoded("mzxw6ytb") && !is_encoded("mzxw1ytb") && !is_encoded("MZXW"));
    }
}
