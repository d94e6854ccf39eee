//! Fields of the connection, which end at the node: they say how a message travels on one hop and nothing of it.

use http::header::{CONNECTION, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::metadata::is_of_message;

/// Whether a field is about the connection by its name alone (RFC 9110, section 7.6.1).
pub fn is_of_connection(name: &HeaderName) -> bool {
    [CONNECTION, TE, TRANSFER_ENCODING, UPGRADE].contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// Takes away what is about the connection, by its name or because the request says so. Where the message ends, whom it
/// is for and what it holds is about no connection, whatever the request says.
pub(crate) fn remove_of_connection(fields: &mut HeaderMap) {
    let said: Vec<HeaderName> = fields
        .get_all(CONNECTION)
        .iter()
        .flat_map(options)
        .filter(|it| !is_of_message(it))
        .collect();
    let known: Vec<HeaderName> =
        fields.keys().filter(|name| is_of_connection(name)).cloned().collect();
    // The one coding that trailers need; what asks for it asks the component.
    let trailers = fields.get(TE).filter(|te| *te == "trailers").cloned();
    for name in said.iter().chain(&known) {
        fields.remove(name);
    }
    if let Some(trailers) = trailers {
        fields.insert(TE, trailers);
    }
}

/// The fields that a `connection` header names. What nearly every one says is no field, or known already.
fn options(value: &HeaderValue) -> impl Iterator<Item = HeaderName> {
    let options = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let names = options.filter(|option| {
        !option.eq_ignore_ascii_case(b"close") && !option.eq_ignore_ascii_case(b"keep-alive")
    });
    names.filter_map(|option| HeaderName::from_bytes(option).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(fields: &[(&'static str, &'static str)]) -> Vec<String> {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut map = fields.iter().map(pair).collect();
        remove_of_connection(&mut map);
        let mut left: Vec<_> = map.keys().map(ToString::to_string).collect();
        left.sort();
        left
    }

    #[test]
    fn what_is_about_the_connection_ends_here_also_by_the_requests_own_word() {
        let fields = [
            ("connection", "close, X-Hop,,  x-other "),
            ("connection", "x-third, not a name"),
            ("keep-alive", "5"),
            ("http2-settings", "AAM"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
            ("x-hop", "1"),
            ("x-other", "1"),
            ("x-third", "1"),
            ("x-end", "1"),
        ];
        assert_eq!(left(&fields), ["x-end"]);
    }

    #[test]
    fn a_request_does_not_take_away_its_own_length_or_host() {
        let fields =
            [("connection", "host, content-length"), ("host", "h"), ("content-length", "3")];
        assert_eq!(left(&fields), ["content-length", "host"]);
        assert_eq!(left(&[("te", "trailers"), ("connection", "te")]), ["te"]);
    }
}
