//! What of a request's head is refused, whoever it is for.

use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Method, Request};

use crate::body::BoundedBody;
use crate::fields::remove_of_connection;

/// A longer target is nobody's link.
pub const TARGET_BYTES_MAX: usize = 16 << 10;

/// Why a request goes to no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A target beyond [`TARGET_BYTES_MAX`].
    #[error("the request's path is longer than {TARGET_BYTES_MAX} bytes")]
    LongTarget,
    /// It announces a body that is not taken.
    #[error("the body has {announced} bytes; this node takes {most}")]
    LongBody {
        /// By its header.
        announced: u64,
        /// The bound.
        most: u64,
    },
    /// It announces a body by what is not one number.
    #[error("the request's content-length is not one number")]
    BadLength,
    /// It wants bytes passed on unread.
    #[error("this node is no proxy: it makes no tunnel by CONNECT")]
    Tunnel,
    /// Neither its target nor a header says whom it is for.
    #[error("the request names no host")]
    NoHost,
    /// More than one header says so.
    #[error("the request has two host headers")]
    TwoHosts,
    /// What it says is no host and port.
    #[error("the host header is not a host")]
    BadHost,
    /// Whoever was before this door may have looked at either one.
    #[error("the request names one host in its target and another in its header")]
    OtherHost,
    /// What is left of it without its route cannot be read.
    #[error("the request's target cannot be read")]
    BadTarget,
}

impl Refusal {
    /// Whether less of it would have been taken.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::LongTarget | Self::LongBody { .. })
    }
}

/// A request as services may have it: of a size that is taken, with its body bounded and without what is about the
/// connection it came by. Whom it is for, [`authority`] says.
pub fn admit<B>(
    mut request: Request<B>,
    body_bytes_max: u64,
) -> Result<Request<BoundedBody<B>>, Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::Tunnel);
    }
    check_size(&request, body_bytes_max)?;
    remove_of_connection(request.headers_mut());
    Ok(request.map(|body| BoundedBody::new(body, body_bytes_max)))
}

/// The host that the client means, and the only one that it names: the `host` header, or the target's.
pub fn authority<B>(request: &Request<B>) -> Result<&str, Refusal> {
    let named = request.uri().authority().map(|authority| authority.as_str());
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().map(HeaderValue::to_str).transpose();
    let host = host.map_err(|_| Refusal::BadHost)?;
    if hosts.next().is_some() {
        return Err(Refusal::TwoHosts);
    }
    let meant = match (named, host) {
        (Some(named), Some(host)) if !named.eq_ignore_ascii_case(host) => {
            return Err(Refusal::OtherHost);
        }
        (named, host) => named.or(host).filter(|it| !it.is_empty()).ok_or(Refusal::NoHost)?,
    };
    if is_host_and_port(meant) { Ok(meant) } else { Err(Refusal::BadHost) }
}

/// Refuses what is no link.
fn check_target<B>(request: &Request<B>) -> Result<(), Refusal> {
    match request.uri().path_and_query() {
        Some(target) if target.as_str().len() > TARGET_BYTES_MAX => Err(Refusal::LongTarget),
        _ => Ok(()),
    }
}

/// Whether a text is a name or an address, with a port or without one. Marks that URIs allow and no host has are none
/// here: a list, a path or a user's name would be read as another host by somebody.
fn is_host_and_port(text: &str) -> bool {
    let (host, rest) = match text.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, rest)) => (address, rest),
            None => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let is_address = text.starts_with('[');
    let of_host = |byte: u8| match byte {
        b':' => is_address,
        byte => byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
    };
    let port = rest.strip_prefix(':').unwrap_or(rest);
    !host.is_empty()
        && host.bytes().all(of_host)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (rest.is_empty() || rest.starts_with(':'))
}

fn check_size<B>(request: &Request<B>, body_bytes_max: u64) -> Result<(), Refusal> {
    check_target(request)?;
    let mut lengths = request.headers().get_all(CONTENT_LENGTH).iter();
    let announced = lengths.next().map(number).transpose()?.unwrap_or(0);
    if lengths.next().is_some() {
        return Err(Refusal::BadLength);
    }
    match announced > body_bytes_max {
        true => Err(Refusal::LongBody { announced, most: body_bytes_max }),
        false => Ok(()),
    }
}

/// Digits alone: what reads the same number twice, or one with a sign, may read another one elsewhere.
fn number(length: &HeaderValue) -> Result<u64, Refusal> {
    let digits = length.to_str().ok().filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(Refusal::BadLength)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(target: &str, hosts: &[&str]) -> Result<String, Refusal> {
        let begun = Request::get(target);
        let request = hosts.iter().fold(begun, |request, host| request.header(HOST, *host));
        authority(&request.body(()).unwrap()).map(str::to_owned)
    }

    #[test]
    fn a_request_is_for_one_host() {
        assert_eq!(host("/", &["h:80"]).unwrap(), "h:80");
        assert_eq!(host("http://h/", &[]).unwrap(), "h");
        assert_eq!(host("http://H/", &["h"]).unwrap(), "H");
        assert_eq!(host("/", &["[::1]:80"]).unwrap(), "[::1]:80");
        assert_eq!(host("/", &[]), Err(Refusal::NoHost));
        assert_eq!(host("/", &[""]), Err(Refusal::NoHost));
        assert_eq!(host("/", &["h", "h"]), Err(Refusal::TwoHosts));
        assert_eq!(host("http://h/", &["g"]), Err(Refusal::OtherHost));
    }

    #[test]
    fn what_somebody_would_read_as_another_host_is_none() {
        for text in [
            "a,b", "a b", "h@g", "h/x", "h:80:80", "h:", "[::1", "[::1]x", "::1", ":80", "h#",
            "h\\g", "%", "h%2e",
        ] {
            let expected = if text == "h:" { Ok("h:".to_owned()) } else { Err(Refusal::BadHost) };
            assert_eq!(host("/", &[text]), expected, "{text}");
        }
        assert_eq!(host("http://user@h/", &[]), Err(Refusal::BadHost));
    }

    #[test]
    fn a_tunnel_is_refused_and_so_is_what_is_too_large() {
        let refused = |request: Request<()>| admit(request, 8).err();
        let tunnel = Request::connect("h:443").body(()).unwrap();
        assert_eq!(refused(tunnel), Some(Refusal::Tunnel));
        let sent = |length| Request::post("http://h/").header(CONTENT_LENGTH, length);
        assert_eq!(refused(sent("8").body(()).unwrap()), None);
        let long = Refusal::LongBody { announced: 9, most: 8 };
        assert_eq!(refused(sent("9").body(()).unwrap()), Some(long));
        for length in ["+3", "3, 3", "0x3", "", "18446744073709551616"] {
            assert_eq!(refused(sent(length).body(()).unwrap()), Some(Refusal::BadLength));
        }
        let twice = sent("3").header(CONTENT_LENGTH, "3").body(()).unwrap();
        assert_eq!(refused(twice), Some(Refusal::BadLength));
        let target = format!("http://h/{}", "a".repeat(TARGET_BYTES_MAX));
        let target = Request::get(target).body(()).unwrap();
        assert_eq!(refused(target), Some(Refusal::LongTarget));
    }
}
