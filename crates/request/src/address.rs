//! At which of a node's addresses a request came: a service's own host, a revision's, or a path under a route.

use std::borrow::Cow;

use airssys_wasm_model::{Name, RevisionNumber};
use http::uri::PathAndQuery;
use http::{Request, Uri};

use crate::head::Refusal;

const LOCALHOST: &str = ".localhost";

/// What `greeter.localhost` or `r3.greeter.localhost` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceHost<'a> {
    /// The name, which may be no service's.
    pub service: Cow<'a, str>,
    /// The revision whose own address this is.
    pub revision: Option<RevisionNumber>,
}

/// The service's host that an authority is, if it is one. Names are without case, and one that ends in a dot is the
/// same, said in full.
pub fn service_host(authority: &str) -> Option<ServiceHost<'_>> {
    let host = authority.split_once(':').map_or(authority, |(host, _port)| host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let at = host.len().checked_sub(LOCALHOST.len())?;
    let (labels, suffix) = (host.get(..at)?, host.get(at..)?);
    suffix.eq_ignore_ascii_case(LOCALHOST).then(|| {
        let (revision, service) = revision_label(labels);
        let service = match service.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(service.to_ascii_lowercase()),
            false => Cow::Borrowed(service),
        };
        ServiceHost { service, revision }
    })
}

/// The address of a revision of a service, `r3.greeter.localhost`.
pub fn revision_host(revision: RevisionNumber, service: &Name) -> String {
    format!("{revision}.{service}{LOCALHOST}")
}

/// `r3` and `greeter` of `r3.greeter`, or `greeter` alone.
fn revision_label(labels: &str) -> (Option<RevisionNumber>, &str) {
    let Some((revision, name)) = labels.split_once('.') else { return (None, labels) };
    let digits = revision.strip_prefix(['r', 'R']);
    let digits = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    // With the dot it is no service's name.
    let number = digits.and_then(|digits| digits.parse().ok()).map(RevisionNumber);
    (number, if number.is_some() { name } else { labels })
}

/// The routes that a path is under, the longest first: itself, then what is before each of its slashes down to the
/// root, which is empty. Of a path longer than the longest route there is, only so much is looked at.
pub fn prefixes(path: &str, longest_route: usize) -> impl Iterator<Item = &str> {
    let mut path = path.trim_end_matches('/');
    if path.len() > longest_route {
        // The slash after the longest prefix that could be a route.
        let end = path.as_bytes()[..=longest_route].iter().rposition(|byte| *byte == b'/');
        path = &path[..end.unwrap_or(0)];
    }
    std::iter::successors(Some(path), |prefix| match prefix.rfind('/') {
        Some(slash) => Some(&prefix[..slash]),
        // `*`, which asks about the whole server, is under the root too.
        None => (!prefix.is_empty()).then_some(""),
    })
}

/// Takes the route off the request's path, so that a component need not know where it answers.
pub fn strip<B>(request: &mut Request<B>, route_bytes: usize) -> Result<(), Refusal> {
    if route_bytes == 0 {
        return Ok(());
    }
    let uri = request.uri();
    let whole = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = whole.get(route_bytes..).ok_or(Refusal::BadTarget)?;
    let rest = match rest.as_bytes().first() {
        Some(b'/') => rest.to_owned(),
        _ => format!("/{rest}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.parse().map_err(|_| Refusal::BadTarget)?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Refusal::BadTarget)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_says_a_service_and_maybe_a_revision() {
        let said = |authority: &str| {
            let host = service_host(authority)?;
            Some((host.service.into_owned(), host.revision.map(|revision| revision.0)))
        };
        assert_eq!(said("b.localhost:8080"), Some(("b".into(), None)));
        assert_eq!(said("B.LocalHost.:8080"), Some(("b".into(), None)));
        assert_eq!(said("R3.B.localhost."), Some(("b".into(), Some(3))));
        assert_eq!(said("x.b.localhost"), Some(("x.b".into(), None)));
        assert_eq!(said("r99999999999.b.localhost"), Some(("r99999999999.b".into(), None)));
        for none in ["localhost", "b.localhost.evil.org", "ü", "[::1]:80", ""] {
            assert_eq!(said(none), None, "{none}");
        }
    }

    #[test]
    fn a_path_is_under_its_whole_segments_alone() {
        let under = |path, longest| prefixes(path, longest).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(under("/a/b/", 9), ["/a/b", "/a", ""]);
        assert_eq!(under("/a/bcd", 3), ["/a", ""]);
        assert_eq!(under("/abcdef", 3), [""]);
        assert_eq!(under("*", 0), [""]);
        assert_eq!(under("*", 3), ["*", ""]);
    }

    #[test]
    fn a_route_is_taken_off_the_path_and_nothing_else() {
        for (target, prefix, wanted) in [
            ("/a/x?y=/a", 2, "/x?y=/a"),
            ("/a", 2, "/"),
            ("/a?q", 2, "/?q"),
            ("http://h/a//x", 2, "http://h//x"),
            ("/a/%2e%2e/x", 2, "/%2e%2e/x"),
        ] {
            let mut request = Request::get(target).body(()).unwrap();
            strip(&mut request, prefix).unwrap();
            assert_eq!(request.uri().to_string(), wanted);
        }
    }
}
