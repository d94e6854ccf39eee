//! An address in the parts that a request names it by. Nothing is mended: what can't be sent as it is, is refused.

use super::Error;

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the scheme and the path are read on wasm alone")]
pub(super) struct Target<'a> {
    pub(super) is_https: bool,
    pub(super) authority: &'a str,
    pub(super) path_with_query: String,
}

impl<'a> Target<'a> {
    pub(super) fn of(url: &'a str) -> Result<Self, Error> {
        let invalid = |why: &str| Err(Error::Invalid(format!("`{url}` can't be called: {why}")));
        if let Some(wrong) = url.chars().find(|c| !c.is_ascii_graphic()) {
            return invalid(&format!("{wrong:?} has to be percent-encoded"));
        }
        let Some((scheme, rest)) = url.split_once("://") else {
            return invalid("it begins with neither http:// nor https://");
        };
        let is_https = scheme.eq_ignore_ascii_case("https");
        if !is_https && !scheme.eq_ignore_ascii_case("http") {
            return invalid("only http and https are spoken");
        }
        // What stands behind `#` is the reader's own and never sent.
        let rest = rest.split_once('#').map_or(rest, |(sent, _)| sent);
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.is_empty() {
            return invalid("it names no host");
        }
        if authority.contains('@') {
            return invalid("a user and a password go into the header `authorization`");
        }
        let path_with_query =
            if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { is_https, authority, path_with_query })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> Option<(bool, &str, String)> {
        let target = Target::of(url).ok()?;
        Some((target.is_https, target.authority, target.path_with_query))
    }

    #[test]
    fn an_address_is_taken_apart() {
        let part = |https, authority, path: &str| Some((https, authority, path.to_owned()));
        assert_eq!(parts("http://a.example"), part(false, "a.example", "/"));
        assert_eq!(parts("HTTPS://[::1]:8443/a/b?c=/d#e"), part(true, "[::1]:8443", "/a/b?c=/d"));
        assert_eq!(parts("http://a:80?q=1"), part(false, "a:80", "/?q=1"));
        assert_eq!(parts("http://a#b/c"), part(false, "a", "/"));
    }

    #[test]
    fn what_can_not_be_sent_as_it_is_is_refused() {
        for url in [
            "",
            "a.example/x",
            "ftp://a.example",
            "http://",
            "http:///x",
            "http://user:word@a.example",
            "http://a.example/a b",
            "http://a.example/\r\nhost: b",
            "http://a.example/ä",
        ] {
            assert!(matches!(Target::of(url), Err(Error::Invalid(_))), "{url}");
        }
    }
}
