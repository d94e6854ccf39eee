//! Entries in the form that they have on the disk.
//!
//! Whoever hands an entry in writes it out: the cost of it is with the caller's own, spread over the cores, and the one
//! writer only gives each line its place in the chain. It knows no number, no hash and no disk.

use super::chain::Span;
use super::entry::{Entry, within_bound};
use super::line::Second;

/// Entries one after another, each without its number and its hashes.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    text: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// When the earliest and the latest of them happened.
    span: Option<Span>,
    second: Second,
}

impl Sheet {
    /// With room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Of one entry.
    pub(super) fn of(entry: &Entry) -> Self {
        let mut sheet = Self::default();
        sheet.push(entry);
        sheet
    }

    /// How many entries.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(super) fn span(&self) -> Option<Span> {
        self.span
    }

    /// Writes an entry: the fields in the order they have on the disk, each with the comma before it.
    pub(super) fn push(&mut self, entry: &Entry) {
        self.span = Some(Span::at(entry.at).with(self.span));
        let out = &mut self.text;
        out.extend_from_slice(b",\"at\":\"");
        self.second.write(out, entry.at);
        out.extend_from_slice(b"\",\"service\":");
        match &entry.service {
            Some(service) => write_text(out, service),
            None => out.extend_from_slice(b"null"),
        }
        for (name, number) in
            [(",\"revision\":", entry.revision), (",\"instance\":", entry.instance)]
        {
            out.extend_from_slice(name.as_bytes());
            match number {
                Some(number) => write_number(out, number),
                None => out.extend_from_slice(b"null"),
            }
        }
        write_if_said(out, ",\"call\":", entry.call.as_deref());
        write_if_said(out, ",\"principal\":", entry.principal.as_deref());
        out.extend_from_slice(b",\"kind\":");
        write_text(out, entry.kind.name());
        out.extend_from_slice(b",\"target\":");
        write_text(out, &entry.target);
        out.extend_from_slice(b",\"decision\":");
        write_text(out, entry.decision.name());
        write_if_said(out, ",\"detail\":", entry.detail.as_deref());
        out.extend_from_slice(b",\"count\":");
        write_number(out, entry.count);
        if entry.one_in.get() > 1 {
            out.extend_from_slice(b",\"one_in\":");
            write_number(out, u64::from(entry.one_in.get()));
        }
        self.ends.push(out.len());
    }

    /// What [`push`](Self::push) wrote of each.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(from, to)| &self.text[from..*to])
    }
}

fn write_if_said(out: &mut Vec<u8>, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        out.extend_from_slice(name.as_bytes());
        write_text(out, text);
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, &within_bound(text)).expect("a text serializes into memory");
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    serde_json::to_writer(out, &number).expect("a number serializes into memory");
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::entry::{Decision, Kind, Recorded};
    use super::super::line::{self, Hash, LAST_SECOND};
    use super::*;

    const CALL: Kind = Kind::usage(3, "call");

    fn line_of(entry: &Entry) -> String {
        let mut out = Vec::new();
        line::write_entry(&mut out, 7, Sheet::of(entry).entries().next().unwrap(), Hash::NONE);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_entry_has_its_fields_in_the_order_of_the_format_and_leaves_out_what_is_not_said() {
        let at = UNIX_EPOCH + Duration::from_millis(1_790_000_000_045);
        let mut entry = Entry::new(at, CALL, "http", Decision::Allowed);
        let line = line_of(&entry);
        let (body, _) = line.split_once(",\"prev\"").unwrap();
        assert_eq!(
            body,
            "{\"seq\":7,\"at\":\"2026-09-21T14:13:20.045Z\",\"service\":null,\"revision\":null,\
             \"instance\":null,\"kind\":\"call\",\"target\":\"http\",\"decision\":\"allowed\",\"count\":1"
        );
        entry.one_in = NonZeroU32::new(100).unwrap();
        assert!(line_of(&entry).contains("\"count\":1,\"one_in\":100,\"prev\":"));
    }

    #[test]
    fn what_is_written_of_any_entry_reads_back_as_that_entry() {
        let texts = ["", "plain", "a\"b\\c\n\u{1}\u{7f}", "grüße 🦀", "\u{2028}</script>"];
        let times = [0, 999, 1_000, 1_790_000_000_500, 1_790_000_000_999, LAST_SECOND * 1_000];
        let mut sheet = Sheet::default();
        let mut handed_in = Vec::new();
        for (index, text) in texts.into_iter().cycle().take(30).enumerate() {
            let at = UNIX_EPOCH + Duration::from_millis(times[index % times.len()]);
            let said = |bit: usize| (index >> bit & 1 == 1).then(|| text.into());
            let decision =
                [Decision::Allowed, Decision::Denied, Decision::WouldBeDenied][index % 3];
            let mut entry = Entry::new(at, CALL, text, decision);
            entry.service = said(0);
            entry.call = said(1);
            entry.principal = said(2);
            entry.detail = said(3);
            entry.revision = (index % 2 == 0).then_some(u64::MAX);
            entry.instance = (index % 3 == 0).then_some(index as u64);
            entry.count = index as u64;
            sheet.push(&entry);
            handed_in.push(entry);
        }
        let mut prev = Hash::NONE;
        for ((seq, text), entry) in (1..).zip(sheet.entries()).zip(&handed_in) {
            let mut out = Vec::new();
            let hash = line::write_entry(&mut out, seq, text, prev);
            let line = out.strip_suffix(b"\n").unwrap();
            assert_eq!(line::hash_of(line), Some(hash));
            let read: Recorded = serde_json::from_slice(line).unwrap();
            assert_eq!((read.seq, read.prev, read.hash), (seq, prev, hash));
            assert_eq!((read.at, &*read.kind, read.decision), (entry.at, "call", entry.decision));
            assert_eq!(read.target, *entry.target);
            assert_eq!((read.revision, read.instance), (entry.revision, entry.instance));
            assert_eq!((read.count, read.one_in), (entry.count, entry.one_in));
            for (read, said) in [
                (read.service, &entry.service),
                (read.call, &entry.call),
                (read.principal, &entry.principal),
                (read.detail, &entry.detail),
            ] {
                assert_eq!(read.as_deref(), said.as_deref());
            }
            prev = hash;
        }
        assert_eq!(sheet.len(), handed_in.len());
        let last = UNIX_EPOCH + Duration::from_secs(LAST_SECOND);
        assert_eq!(sheet.span(), Some(Span { earliest: UNIX_EPOCH, latest: last }));
    }

    #[test]
    fn no_text_of_a_line_is_longer_than_its_bound() {
        let long: std::sync::Arc<str> = "x".repeat(4_000).into();
        let mut entry = Entry::new(UNIX_EPOCH, CALL, long.clone(), Decision::Denied);
        entry.service = Some(long.clone());
        entry.call = Some(long.clone());
        entry.principal = Some(long.clone());
        entry.detail = Some(long);
        let line = line_of(&entry);
        assert_eq!(line.matches("… (2976 bytes more)\"").count(), 5, "{line}");
    }

    #[test]
    fn a_clock_that_is_wrong_stops_nobody() {
        let before = UNIX_EPOCH - Duration::from_secs(5);
        let after = UNIX_EPOCH + Duration::from_secs(LAST_SECOND + 5);
        for (at, written) in
            [(before, "1970-01-01T00:00:00.000Z"), (after, "9999-12-31T23:59:59.000Z")]
        {
            assert!(line_of(&Entry::new(at, CALL, "x", Decision::Allowed)).contains(written));
        }
    }
}
