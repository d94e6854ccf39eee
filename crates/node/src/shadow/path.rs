//! Paths into JSON, such as `$.time` or `$.items[*].id`: what of two answers may differ.

use std::fmt;

/// A path, from the whole to a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Segment>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// `.name`, or `["name"]` where the name has characters of a path in it.
    Name(String),
    /// `[3]`.
    Index(usize),
    /// `.*` or `[*]`: any name, or any index.
    Any,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}` is no path in JSON: write `$.name`, `$.list[0]`, `$.list[*].name` or `$[\"a name\"]`"
)]
pub(crate) struct PathError {
    path: String,
}

impl Path {
    /// Reads `$` and what follows it, one step at least.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        let wrong = || PathError { path: text.to_owned() };
        let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let (segment, after) = segment(rest).ok_or_else(wrong)?;
            segments.push(segment);
            rest = after;
        }
        if segments.is_empty() { Err(wrong()) } else { Ok(Self(segments)) }
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.0
    }
}

/// The first step of what is left, and what is left after it.
fn segment(text: &str) -> Option<(Segment, &str)> {
    if let Some(rest) = text.strip_prefix("[\"") {
        let (name, rest) = rest.split_once("\"]")?;
        return Some((Segment::Name(name.to_owned()), rest));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (index, rest) = rest.split_once(']')?;
        let segment = if index == "*" { Segment::Any } else { Segment::Index(index.parse().ok()?) };
        return Some((segment, rest));
    }
    let rest = text.strip_prefix('.')?;
    let (name, rest) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
    match name {
        "" => None,
        "*" => Some((Segment::Any, rest)),
        name => Some((Segment::Name(name.to_owned()), rest)),
    }
}

/// As it would be written in a path.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) if name.is_empty() || name.contains(['.', '[', ']', '"', '*']) => {
                write!(f, "[\"{name}\"]")
            }
            Self::Name(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Any => f.write_str("[*]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_names_indices_and_stars() {
        let name = |text: &str| Segment::Name(text.to_owned());
        for (text, segments) in [
            ("$.time", vec![name("time")]),
            ("$.items[*].id", vec![name("items"), Segment::Any, name("id")]),
            ("$[2].a b.*", vec![Segment::Index(2), name("a b"), Segment::Any]),
            ("$[\"x.y\"]", vec![name("x.y")]),
        ] {
            assert_eq!(Path::parse(text).unwrap().segments(), segments, "{text}");
        }
        for wrong in ["", "$", "time", "$time", "$.", "$..a", "$.a[", "$.a[b]", "$[-1]"] {
            assert!(Path::parse(wrong).is_err(), "{wrong} passed");
        }
    }
}
