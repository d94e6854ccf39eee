//! Who may ask: whoever has the token, from anywhere but another origin's page in a browser.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use airssys_wasm_api::{Code, Failure};
use airssys_wasm_host::RequestId;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Request};

use super::{Caller, Control, REQUEST_ID};
use crate::authority::Admitted;
use crate::tls::Identity;

/// What a probe may ask without a token: nothing in it is worth one.
const OPEN_PATHS: &[&str] = &["/healthz", "/readyz"];

/// The address that a request came from.
#[derive(Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

/// Where a request that has no connection came from, as in tests of the router.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// A longer name is no name, but something to fill a log with.
const REQUEST_NAME_MAX: usize = 64;

/// Whether a request may come in, and whose it is where it has to be somebody's.
pub(super) fn admit<B>(control: &Control, request: &Request<B>) -> Result<Option<Caller>, Failure> {
    check_browser(Asked::of(request), control.identity.as_deref())?;
    let Some(presented) = presented(request.uri().path(), request.headers())? else {
        return Ok(None);
    };
    let from = request.extensions().get::<Peer>().map_or(UNKNOWN, |peer| peer.0);
    // The right token is looked at first: nobody keeps its holder out by sending wrong ones from the same address.
    let admitted = match control.token.is(presented) {
        true => Ok(Admitted::local()),
        false => control.node.admit(presented),
    };
    admitted.map(|admitted| Some(Caller { admitted, from })).map_err(|why| {
        let now = Instant::now();
        if let Some(wait) = control.attempts.wait(from, now) {
            return Failure::new(Code::Limit, "too many wrong tokens came from this address")
                .help(format!("try again in {} seconds", wait.as_secs() + 1));
        }
        control.attempts.wrong(from, now);
        unauthorized(why)
    })
}

/// The token that a request comes with, or nothing where it needs none.
fn presented<'a>(path: &str, headers: &'a HeaderMap) -> Result<Option<&'a str>, Failure> {
    if OPEN_PATHS.contains(&path) {
        return Ok(None);
    }
    bearer(headers).map(Some).ok_or_else(|| unauthorized("no token came along".to_owned()))
}

fn unauthorized(why: String) -> Failure {
    Failure::new(Code::Unauthorized, why).help(
        "send `authorization: Bearer TOKEN`; the node's own token is in the file `token` of its data directory, \
         and `airssys-wasm token create` makes others",
    )
}

/// What a browser says of a request.
struct Asked<'a> {
    site: Option<&'a str>,
    origin: Option<&'a str>,
    /// What it was sent to, by the name that the page has for it.
    host: &'a str,
}

impl<'a> Asked<'a> {
    fn of<B>(request: &'a Request<B>) -> Self {
        let headers = request.headers();
        // HTTP/2 has it in the request's target alone.
        let authority = request.uri().authority().map(Authority::as_str);
        Self {
            site: text(headers, &HeaderName::from_static("sec-fetch-site")),
            origin: text(headers, &ORIGIN),
            host: text(headers, &HOST).or(authority).unwrap_or_default(),
        }
    }
}

/// Refuses a browser that acts for a page of another origin.
///
/// A browser marks what it sends with `origin` or `sec-fetch-site`, and no page can forge them. A page
/// whose name was rebound to this machine's address looks like its own origin, so a browser must also have
/// come by an address or as `localhost`, names that nobody can rebind; or by a name that is in the certificate,
/// which it has verified.
fn check_browser(asked: Asked<'_>, identity: Option<&Identity>) -> Result<(), Failure> {
    let Asked { site, origin, host } = asked;
    if site.is_none() && origin.is_none() {
        return Ok(());
    }
    let same_site = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    let scheme = if identity.is_some() { "https://" } else { "http://" };
    let same_origin =
        origin.is_none_or(|origin| origin.strip_prefix(scheme).is_some_and(|from| from == host));
    if same_site && same_origin && cannot_be_rebound(host, identity) {
        return Ok(());
    }
    Err(Failure::new(Code::Denied, "a page of another origin may not use the control port"))
}

fn cannot_be_rebound(host: &str, identity: Option<&Identity>) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host();
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok()
        || identity.is_some_and(|identity| identity.is_for(bare))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The request's own name where it has a plain one, so that a caller finds its request in the log; a new
/// one otherwise.
pub(super) fn request_name(headers: &HeaderMap) -> String {
    let plain = |name: &&str| {
        !name.is_empty()
            && name.len() <= REQUEST_NAME_MAX
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let own = text(headers, &HeaderName::from_static(REQUEST_ID)).filter(plain);
    own.map_or_else(|| RequestId::draw().to_string(), str::to_owned)
}

/// A header's text. One that comes twice could be read either way, so it counts as empty.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    match all.next() {
        None => Some(first.to_str().unwrap_or_default()),
        Some(_) => Some(""),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn code(path: &str, pairs: &[(&'static str, &'static str)]) -> Option<Code> {
        code_at(None, path, pairs)
    }

    fn code_at(
        identity: Option<&Identity>,
        target: &str,
        pairs: &[(&'static str, &'static str)],
    ) -> Option<Code> {
        let mut request = Request::builder().uri(target).body(()).unwrap();
        *request.headers_mut() = headers(pairs);
        if let Err(failure) = check_browser(Asked::of(&request), identity) {
            return Some(failure.code);
        }
        match presented(request.uri().path(), request.headers()) {
            Ok(None) => None,
            Ok(Some(presented)) if presented == TOKEN.1.trim_start_matches("Bearer ") => None,
            Ok(Some(_)) => Some(Code::Unauthorized),
            Err(failure) => Some(failure.code),
        }
    }

    const TOKEN: (&str, &str) = ("authorization", "Bearer 0123456789abcdef0123456789abcdef");

    #[test]
    fn only_the_token_lets_one_in() {
        assert_eq!(code("/v1/services", &[TOKEN]), None);
        assert_eq!(code("/v1/services", &[]), Some(Code::Unauthorized));
        for wrong in ["Bearer", "Bearer ", "Bearer 0", "Basic 0123456789abcdef0123456789abcdef"] {
            assert_eq!(code("/metrics", &[("authorization", wrong)]), Some(Code::Unauthorized));
        }
        assert_eq!(code("/v1/services", &[TOKEN, TOKEN]), Some(Code::Unauthorized));
        assert_eq!(code("/healthz", &[]), None);
        assert_eq!(code("/healthz/", &[]), Some(Code::Unauthorized));
    }

    #[test]
    fn a_page_of_another_origin_is_refused_even_with_the_token() {
        let host = ("host", "127.0.0.1:7070");
        let from = |origin| code("/v1/services", &[TOKEN, host, ("origin", origin)]);
        assert_eq!(from("http://127.0.0.1:7070"), None);
        for origin in
            ["http://evil.example", "null", "https://127.0.0.1:7070", "http://127.0.0.1:80"]
        {
            assert_eq!(from(origin), Some(Code::Denied), "{origin}");
        }
        let site = ("sec-fetch-site", "cross-site");
        assert_eq!(code("/healthz", &[host, site]), Some(Code::Denied));
    }

    #[test]
    fn a_name_that_was_rebound_to_this_machine_is_refused() {
        let rebound = [TOKEN, ("host", "evil.example:7070"), ("sec-fetch-site", "same-origin")];
        assert_eq!(code("/v1/services", &rebound), Some(Code::Denied));
        let own = [TOKEN, ("host", "[::1]:7070"), ("sec-fetch-site", "same-origin")];
        assert_eq!(code("/v1/services", &own), None);
        // No browser: a name in a private network is as good as an address.
        assert_eq!(code("/v1/services", &[TOKEN, ("host", "node-1.internal:7070")]), None);
    }

    #[test]
    fn over_tls_a_page_comes_by_a_name_in_the_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let encryption = crate::tls::Encryption::Own { names: vec!["node.example".to_owned()] };
        let identity = encryption.own(dir.path(), ([10, 0, 0, 5], 0).into()).unwrap().unwrap();
        let of = |host: &'static str, origin: &'static str| {
            let pairs = [TOKEN, ("host", host), ("origin", origin)];
            code_at(Some(&identity), "/v1/services", &pairs)
        };
        for host in ["node.example:7070", "10.0.0.5:7070", "localhost", "[::1]:7070"] {
            let origin: &str = format!("https://{host}").leak();
            assert_eq!(of(host, origin), None, "{host}");
        }
        for (host, origin) in [
            ("node.example:7070", "http://node.example:7070"),
            ("node.example:7070", "https://node.example"),
            ("evil.example:7070", "https://evil.example:7070"),
            ("node.example:7070", "https://evil.example:7070"),
        ] {
            assert_eq!(of(host, origin), Some(Code::Denied), "{host} {origin}");
        }
        // HTTP/2 names the host in the target and has no header for it.
        let origin = ("origin", "https://node.example");
        let by_target = |host: &str| {
            code_at(Some(&identity), &format!("https://{host}/v1/services"), &[TOKEN, origin])
        };
        assert_eq!(by_target("node.example"), None);
        assert_eq!(by_target("evil.example"), Some(Code::Denied));
    }

    #[test]
    fn a_request_keeps_a_plain_name_and_no_other() {
        assert_eq!(request_name(&headers(&[("x-request-id", "job-7")])), "job-7");
        for odd in ["", "a b", "a\u{7f}", "{}"] {
            let mut odd_headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_str(odd) {
                odd_headers.insert("x-request-id", value);
            }
            assert_eq!(request_name(&odd_headers).len(), 32, "{odd:?}");
        }
    }
}
