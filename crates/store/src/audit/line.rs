//! The chain: one line of JSON each, its hash over its exact bytes, among them the hash of the line before.
//!
//! The hash of a line is the SHA-256 of everything in it that stands before `,"hash":`, and the last field
//! before that is `prev`. So anyone can check a line with `sha256sum`, and no parser has to agree with
//! another about what the bytes mean.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

/// The hash of a line, 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

const HASH_FIELD: &[u8] = b",\"hash\":\"";
const END: &[u8] = b"\"}";
const HASH_DIGITS: usize = 64;

/// Of the year 9999.
pub(super) const LAST_SECOND: u64 = 253_402_300_799;

impl Hash {
    /// What the first line of a trail names as the one before it.
    pub(super) const NONE: Self = Self([0; 32]);

    fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A line has two of them: they are written without the formatter.
    fn digits(self) -> [u8; HASH_DIGITS] {
        let mut digits = [0; HASH_DIGITS];
        write_hex(&self.0, &mut digits);
        digits
    }
}

/// The second written last: most entries are of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Second {
    number: u64,
    /// Up to the point before its milliseconds; empty before the first.
    text: String,
}

impl Second {
    /// RFC 3339, UTC, in milliseconds.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, at: SystemTime) {
        // What lies outside has no such form, and a clock that is wrong must not stop anybody.
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = since.min(Duration::from_secs(LAST_SECOND));
        if self.text.is_empty() || self.number != since.as_secs() {
            self.number = since.as_secs();
            self.text.clear();
            let second = UNIX_EPOCH + Duration::from_secs(self.number);
            write!(self.text, "{}", humantime::format_rfc3339_seconds(second))
                .expect("a text takes it");
            self.text.pop();
        }
        let millis = since.subsec_millis();
        let digit = |of: u32| b'0' + (millis / of % 10) as u8;
        out.extend_from_slice(self.text.as_bytes());
        out.extend_from_slice(&[b'.', digit(100), digit(10), digit(1), b'Z']);
    }
}

/// Writes a line, and returns its hash. The body's last field is `prev`.
pub(super) fn write(out: &mut Vec<u8>, body: &impl Serialize) -> Hash {
    let start = out.len();
    serde_json::to_writer(&mut *out, body).expect("plain fields serialize into memory");
    out.pop();
    end(out, start)
}

/// Writes the line of an entry, as a [`Sheet`](super::sheet::Sheet) has it, and returns its hash.
pub(super) fn write_entry(out: &mut Vec<u8>, seq: u64, entry: &[u8], prev: Hash) -> Hash {
    let start = out.len();
    out.extend_from_slice(b"{\"seq\":");
    serde_json::to_writer(&mut *out, &seq).expect("a number serializes into memory");
    out.extend_from_slice(entry);
    out.extend_from_slice(b",\"prev\":\"");
    out.extend_from_slice(&prev.digits());
    out.push(b'"');
    end(out, start)
}

/// Ends a line with the hash of what it has from its start.
fn end(out: &mut Vec<u8>, start: usize) -> Hash {
    let hash = Hash::of(&out[start..]);
    out.extend_from_slice(HASH_FIELD);
    out.extend_from_slice(&hash.digits());
    out.extend_from_slice(END);
    out.push(b'\n');
    hash
}

/// The hash of a line (without its end of line), if the line has it.
pub(super) fn hash_of(line: &[u8]) -> Option<Hash> {
    let line = line.strip_suffix(END)?;
    let (line, digits) = line.split_at_checked(line.len().checked_sub(HASH_DIGITS)?)?;
    let body = line.strip_suffix(HASH_FIELD)?;
    let hash = Hash::of(body);
    (hash.digits() == digits).then_some(hash)
}

/// Lowercase digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut digits = vec![0; bytes.len() * 2];
    write_hex(bytes, &mut digits);
    String::from_utf8(digits).expect("digits are ASCII")
}

/// Lowercase digits, two in the place of each byte.
fn write_hex(bytes: &[u8], digits: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// The bytes that lowercase digits stand for; `None` unless there are exactly `N`.
pub(super) fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

pub(super) fn write_time<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = Vec::new();
    Second::default().write(&mut text, *at);
    serializer.serialize_str(std::str::from_utf8(&text).expect("a time is ASCII"))
}

pub(super) fn read_time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339(&text).map_err(de::Error::custom)
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).expect("digits are ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.digits()).expect("digits are ASCII"))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        unhex(&digits).map(Self).ok_or_else(|| de::Error::custom("a hash has 64 lowercase digits"))
    }
}

impl std::str::FromStr for Hash {
    type Err = &'static str;

    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        unhex(digits).map(Self).ok_or("a hash has 64 lowercase hexadecimal digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Body {
        word: &'static str,
        prev: Hash,
    }

    #[test]
    fn a_line_is_hashed_over_its_bytes_before_the_hash() {
        let mut out = Vec::new();
        let hash = write(&mut out, &Body { word: "a\n", prev: Hash::NONE });
        let line = out.strip_suffix(b"\n").unwrap();
        assert_eq!(hash_of(line), Some(hash));
        let body = &line[..line.len() - HASH_FIELD.len() - HASH_DIGITS - END.len()];
        assert_eq!(hash, Hash::of(body));
        assert!(body.ends_with(format!("\"prev\":\"{}\"", Hash::NONE).as_bytes()));
    }

    #[test]
    fn any_other_bit_is_another_line() {
        let mut out = Vec::new();
        let hash = write(&mut out, &Body { word: "word", prev: Hash::NONE });
        let line = out.strip_suffix(b"\n").unwrap();
        for bit in 0..line.len() * 8 {
            let mut edited = line.to_vec();
            edited[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash_of(&edited), Some(hash), "bit {bit}");
            assert_eq!(hash_of(&edited), None, "bit {bit}");
        }
        for len in 0..line.len() {
            assert_eq!(hash_of(&line[..len]), None);
        }
    }
}
