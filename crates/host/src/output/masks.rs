//! Values of secrets that a guest's lines must not show.

use std::borrow::Cow;
use std::sync::Arc;

use crate::secret::SecretValue;

/// The secrets that one instance has used. A value that is a whole part of a line is hidden; one that the guest
/// changed before, encoded or broke into several lines, is not.
#[derive(Default)]
pub(super) struct Masks(Vec<Mask>);

struct Mask {
    name: Box<str>,
    value: Arc<dyn SecretValue>,
}

/// Values of an instance that are looked for in its lines. Few use more than one or two; each is searched for in
/// each line, and the latest count.
const MASKS_MAX: usize = 16;

/// Shorter values are words that lines have anyway: to hide them would hide nothing and garble much.
const MASKED_BYTES_MIN: usize = 6;

impl Masks {
    pub(super) fn add(&mut self, name: &str, value: Arc<dyn SecretValue>) {
        let known = |mask: &Mask| mask.value.expose() == value.expose();
        if value.expose().len() < MASKED_BYTES_MIN || self.0.iter().any(known) {
            return;
        }
        if self.0.len() == MASKS_MAX {
            self.0.remove(0);
        }
        self.0.push(Mask { name: name.into(), value });
    }

    pub(super) fn hide<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for Mask { name, value } in &self.0 {
            if let Ok(value) = std::str::from_utf8(value.expose())
                && text.contains(value)
            {
                text = Cow::Owned(text.replace(value, &format!("[secret {name}]")));
            }
        }
        text
    }
}
