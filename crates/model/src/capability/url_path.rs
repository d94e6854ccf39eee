//! Patterns for URL paths.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// URL paths: `/v1/prices` itself, `/v1/*` for one more segment, `/v1/**` for everything below.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PathPattern(String);

impl PathPattern {
    /// Every path.
    pub fn any() -> Self {
        Self(ANY.to_owned())
    }

    /// Whether a request for this path falls under the pattern.
    ///
    /// A path with `.` or `..` segments, encoded or not, or with an encoded slash, matches nothing but
    /// [`PathPattern::any`]: what it means is for the other server to decide, so it can't be checked.
    pub fn matches(&self, path: &str) -> bool {
        if self.0 == ANY {
            return true;
        }
        if !path.starts_with('/') || is_unclear(path) {
            return false;
        }
        let mut segments = path.split('/').skip(1);
        for wanted in self.0.split('/').skip(1) {
            if wanted == "**" {
                return segments.next().is_some();
            }
            match segments.next() {
                Some(found) if wanted == found || (wanted == "*" && !found.is_empty()) => {}
                _ => return false,
            }
        }
        segments.next().is_none()
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is a path that both mean.
    pub fn meets(&self, other: &Self) -> bool {
        let (mut mine, mut theirs) = (self.0.split('/').skip(1), other.0.split('/').skip(1));
        loop {
            match (mine.next(), theirs.next()) {
                (None, None) => return true,
                // It ends its pattern, and takes whatever there is more of the other.
                (Some("**"), Some(_)) | (Some(_), Some("**")) => return true,
                (Some("*"), Some(segment)) | (Some(segment), Some("*")) if !segment.is_empty() => {}
                (Some(one), Some(other)) if one == other => {}
                _ => return false,
            }
        }
    }

    /// Whether every path that `other` means is surely meant here too.
    pub fn covers(&self, other: &Self) -> bool {
        if self == other || self.0 == ANY {
            return true;
        }
        let mut theirs = other.0.split('/').skip(1);
        for mine in self.0.split('/').skip(1) {
            let Some(segment) = theirs.next() else { return false };
            if mine == "**" {
                return true;
            }
            let star = mine == "*" && segment != "**" && !segment.is_empty();
            if mine != segment && !star || segment == "**" {
                return false;
            }
        }
        theirs.next().is_none()
    }
}

const ANY: &str = "/**";

/// Whether servers could differ about where a path leads.
fn is_unclear(path: &str) -> bool {
    path.contains('\\') || has_hidden_slash(path) || path.split('/').any(is_dots)
}

/// An encoded `/` or `\`, or a dot or one of these encoded twice.
fn has_hidden_slash(path: &str) -> bool {
    let is_one_of = |code: Option<&str>, codes: &[&str]| {
        code.is_some_and(|code| codes.iter().any(|one| code.eq_ignore_ascii_case(one)))
    };
    path.split('%').skip(1).any(|escape| {
        is_one_of(escape.get(..2), &["2f", "5c"])
            || (escape.starts_with("25") && is_one_of(escape.get(2..4), &["2e", "2f", "5c", "25"]))
    })
}

/// `.` and `..`, also encoded and with the `;parameters` that some servers cut off.
fn is_dots(segment: &str) -> bool {
    let mut rest = segment.split(';').next().unwrap_or_default();
    let mut dots = 0;
    while !rest.is_empty() {
        let encoded = rest.get(..3).is_some_and(|code| code.eq_ignore_ascii_case("%2e"));
        match rest.strip_prefix('.') {
            Some(tail) => rest = tail,
            None if encoded => rest = &rest[3..],
            None => return false,
        }
        dots += 1;
    }
    matches!(dots, 1 | 2)
}

impl FromStr for PathPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let segments = || text.split('/').skip(1);
        let stars_elsewhere =
            segments().any(|segment| segment.contains('*') && !matches!(segment, "*" | "**"));
        let deep_before_end = text.rsplit('/').skip(1).any(|segment| segment == "**");
        if !text.starts_with('/') || is_unclear(text) || stars_elsewhere || deep_before_end {
            return Err(format!(
                "`{text}` is not a path pattern: begin with `/`, use `*` for one whole segment and \
                 `**` at the end, and no `..`"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for PathPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_pattern_cannot_be_walked_out_of() {
        let below = path("/v1/**");
        assert!(below.matches("/v1/prices/today") && below.matches("/v1/100%25/..."));
        for out in [
            "/v1",
            "/v2/x",
            "/v1x",
            "/v1/../admin",
            "/v1/%2e%2E/admin",
            "/v1/.%2e/admin",
            "/v1/..%2fadmin",
            "/v1/..;x/admin",
            "/v1/%252e%252e/admin",
            "/v1/%5c..",
            "v1/x",
        ] {
            assert!(!below.matches(out), "{out} was matched");
        }
        let one = path("/v1/*");
        assert!(one.matches("/v1/a") && !one.matches("/v1/a/b") && !one.matches("/v1/"));
        assert!("/a/**/b".parse::<PathPattern>().is_err());
    }

    #[test]
    fn patterns_meet_where_a_path_falls_under_both() {
        let patterns: Vec<_> =
            ["/**", "/v1/**", "/v1/*", "/*/x", "/v1", "/v1/x", "/v1/x/", "/v2/*", "/*"]
                .map(path)
                .into();
        let paths = ["/", "/v1", "/v1/", "/v1/x", "/v1/x/", "/v1/x/y", "/v2/x", "/v2", "/v2/y/z"];
        for one in &patterns {
            for other in &patterns {
                let both = paths.iter().any(|path| one.matches(path) && other.matches(path));
                assert_eq!(one.meets(other), both, "{one} {other}");
            }
        }
    }

    #[test]
    fn covering_is_the_wider_path() {
        for (wide, narrow) in
            [("/**", "/x"), ("/v1/**", "/v1/a/**"), ("/v1/*", "/v1/a"), ("/v1/**", "/v1/*")]
        {
            assert!(path(wide).covers(&path(narrow)), "{wide} {narrow}");
            assert!(!path(narrow).covers(&path(wide)), "{narrow} {wide}");
        }
        assert!(!path("/v1/**").covers(&path("/v1")) && !path("/*/x").covers(&path("/a/*")));
    }
}
