//! The demo's input: a web server's access log, the same bytes on every machine, and what a correct
//! service must answer for each part of it.
//!
//! Generated rather than shipped, because 20 MB of text has no place in a repository. The lines have
//! the combined log format, with its one trap: an answer without a body has the size `-`.

use std::fmt::Write;

/// How much log is sent, over and over, while the demo runs.
const LOG_BYTES: usize = 20_000_000;

/// One call carries the lines of about this much: a few hundred.
const PART_BYTES: usize = 64 * 1024;

/// One line in so many is a `HEAD` probe with the size `-`, so that three parts in ten hold one.
const PROBE_ONE_IN: u64 = 1_050;

const PATHS: [&str; 8] = [
    "/",
    "/products",
    "/products/lamp",
    "/products/chair",
    "/cart",
    "/checkout",
    "/search",
    "/about",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
    "curl/8.8.0",
];

/// A run of whole lines, and the truth about them.
pub(super) struct Part {
    /// The lines, as sent.
    pub(super) text: String,
    /// How many lines there are.
    pub(super) lines: u64,
    /// How many words.
    pub(super) words: u64,
    /// The sum of the sizes.
    pub(super) bytes: u64,
}

/// The whole log in parts.
pub(super) fn generate() -> Vec<Part> {
    let mut random = Random(0x5EED_0F10_6F11_E5ED);
    let mut parts = Vec::new();
    let mut second = 0;
    let mut written = 0;
    while written < LOG_BYTES {
        let mut part = Part { text: String::new(), lines: 0, words: 0, bytes: 0 };
        while part.text.len() < PART_BYTES {
            second += random.below(2);
            line(&mut part, &mut random, second);
        }
        part.words = part.text.split_ascii_whitespace().count() as u64;
        written += part.text.len();
        parts.push(part);
    }
    parts
}

fn line(part: &mut Part, random: &mut Random, second: u64) {
    let (method, status, size) = match random.below(PROBE_ONE_IN) {
        0 => ("HEAD", 200, None),
        1..=30 => ("GET", 500, Some(random.below(200))),
        31..=120 => ("GET", 404, Some(random.below(900))),
        121..=220 => ("POST", 303, Some(random.below(80))),
        _ => ("GET", 200, Some(random.below(60_000))),
    };
    let size_text = size.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
    let (hour, minute) = (second / 3600 % 24, second / 60 % 60);
    // The documentation network of RFC 5737: no one's address.
    writeln!(
        part.text,
        "203.0.113.{} - - [12/Mar/2025:{hour:02}:{minute:02}:{:02} +0000] \"{method} {} HTTP/1.1\" \
         {status} {size_text} \"-\" \"{}\"",
        random.below(256),
        second % 60,
        random.pick(&PATHS),
        random.pick(&AGENTS),
    )
    .expect("a String takes every write");
    part.lines += 1;
    part.bytes += size.unwrap_or(0);
}

/// SplitMix64: small, and the same everywhere, which is all that is asked of it here.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_in_ten_hold_the_line_that_breaks_version_4() {
        let parts = generate();
        let probes = parts.iter().filter(|part| part.text.contains("\"HEAD ")).count();
        let share = probes as f64 / parts.len() as f64;
        assert!((0.2..0.4).contains(&share), "{share} of {} parts", parts.len());
    }
}
