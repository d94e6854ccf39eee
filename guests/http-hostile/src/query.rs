//! What a request's query says.

/// A query, read on demand.
pub(crate) struct Query<'a>(pub(crate) &'a str);

impl Query<'_> {
    /// The query as a number; 0 where it is none.
    pub(crate) fn count(&self) -> usize {
        self.0.parse().unwrap_or(0)
    }

    /// A value as a number; 0 where it is none.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.value(name).parse().unwrap_or(0)
    }

    /// A value as text; empty where there is none.
    pub(crate) fn value(&self, name: &str) -> String {
        String::from_utf8_lossy(&self.bytes(name)).into_owned()
    }

    /// A value, its `%XX` decoded.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next();
        decoded(found.unwrap_or_default())
    }
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    bytes
}
