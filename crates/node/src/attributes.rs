//! What a call is routed by: the attributes of an HTTP request, and those of a call of a handler or function.
//!
//! Nothing here allocates: what has to be made up, an address as text or a decoded query, is made up on the stack.

use std::fmt;
use std::io::Write as _;
use std::net::IpAddr;

use airssys_wasm_deploy::Attributes;
use airssys_wasm_host::Caller;
use airssys_wasm_model::{Attribute, Condition, FieldName, KEY_HEADER, Name, StickyBy};
use http::header::COOKIE;
use http::{HeaderMap, Method, Uri};

/// The header, or the entry of an input's metadata, by which a call names its revision or version.
pub(crate) const ROUTE: &str = "x-airssys-route";

/// A call that can be routed.
pub(crate) trait Routable: Attributes {
    /// The revision or version that the call names, as it was sent.
    fn named(&self) -> Option<&[u8]>;
}

/// An HTTP request, as the caller sent it.
pub(crate) struct OfRequest<'a> {
    pub(crate) method: &'a Method,
    /// With the service's route.
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) caller: Option<&'a Caller>,
}

/// A call of a handler or of a function.
pub(crate) struct OfCall<'a> {
    pub(crate) trigger: &'static str,
    /// What a request has in its headers.
    pub(crate) metadata: &'a [(String, String)],
    pub(crate) caller: Option<&'a Caller>,
}

impl Attributes for OfRequest<'_> {
    fn value<R>(&self, of: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        match of {
            Attribute::Header(name) => see(self.header(name.as_str())),
            Attribute::Cookie(name) => see(self.cookie(name.as_str())),
            Attribute::Query(name) => parameter(self.uri.query().unwrap_or_default(), name, see),
            Attribute::Path => see(Some(self.uri.path().as_bytes())),
            Attribute::Method => see(Some(self.method.as_str().as_bytes())),
            Attribute::Caller => caller(self.caller, see),
            Attribute::Trigger => see(Some(b"http")),
        }
    }

    fn key<R>(&self, by: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        match by {
            StickyBy::Header(name) => see(self.header(name.as_str())),
            StickyBy::Cookie(name) => see(self.cookie(name.as_str())),
            StickyBy::Address => address(self.caller, see),
            StickyBy::Key => see(self.header(KEY_HEADER)),
        }
    }
}

impl Routable for OfRequest<'_> {
    fn named(&self) -> Option<&[u8]> {
        self.header(ROUTE)
    }
}

impl OfRequest<'_> {
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(|value| value.as_bytes())
    }

    /// RFC 6265, section 4.2: pairs with `; ` between them. HTTP/2 may send each in a header of its own.
    fn cookie(&self, name: &str) -> Option<&[u8]> {
        let headers = self.headers.get_all(COOKIE).iter();
        let mut pairs = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
        pairs.find_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }
}

impl Attributes for OfCall<'_> {
    fn value<R>(&self, of: &Attribute, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        match of {
            Attribute::Header(name) => see(self.entry(name.as_str())),
            Attribute::Caller => caller(self.caller, see),
            Attribute::Trigger => see(Some(self.trigger.as_bytes())),
            Attribute::Cookie(_) | Attribute::Query(_) | Attribute::Path | Attribute::Method => {
                see(None)
            }
        }
    }

    fn key<R>(&self, by: &StickyBy, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
        match by {
            StickyBy::Header(name) => see(self.entry(name.as_str())),
            StickyBy::Cookie(_) => see(None),
            StickyBy::Address => address(self.caller, see),
            StickyBy::Key => see(self.entry(KEY_HEADER)),
        }
    }
}

impl Routable for OfCall<'_> {
    fn named(&self) -> Option<&[u8]> {
        self.entry(ROUTE)
    }
}

impl OfCall<'_> {
    fn entry(&self, name: &str) -> Option<&[u8]> {
        let found = self.metadata.iter().find(|(entry, _)| entry.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_bytes())
    }
}

fn caller<R>(caller: Option<&Caller>, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
    match caller {
        Some(Caller::Named(name)) => see(Some(name.as_bytes())),
        Some(Caller::Address(address)) => shown(address.to_canonical(), see),
        Some(service @ Caller::Service(_)) => shown(service, see),
        None => see(None),
    }
}

/// An IPv6 address has 39 characters, and one that ends as an IPv4 address 45; a service's name is longer.
const SHOWN_BYTES: usize = Caller::SERVICE.len() + Name::MAX_LEN;

fn shown<R>(caller: impl fmt::Display, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
    let mut text = [0; SHOWN_BYTES];
    let mut left = &mut text[..];
    let written = write!(left, "{caller}");
    let length = SHOWN_BYTES - left.len();
    see(written.is_ok().then_some(&text[..length]))
}

fn address<R>(caller: Option<&Caller>, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
    match caller {
        Some(Caller::Address(address)) => match address.to_canonical() {
            IpAddr::V4(address) => see(Some(&address.octets())),
            IpAddr::V6(address) => see(Some(&address.octets())),
        },
        Some(Caller::Named(_) | Caller::Service(_)) | None => see(None),
    }
}

/// What of a query parameter is decoded: a byte more than the longest value of a condition, so that a longer one
/// is equal to none.
const DECODED_BYTES: usize = Condition::VALUE_MAX_BYTES + 1;

fn parameter<R>(query: &str, name: &FieldName, see: impl FnOnce(Option<&[u8]>) -> R) -> R {
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let found = pairs.find(|(found, _)| decoded(found).eq(name.as_str().bytes()));
    let Some((_, value)) = found else { return see(None) };
    let mut bytes = [0; DECODED_BYTES];
    let mut length = 0;
    for (place, byte) in bytes.iter_mut().zip(decoded(value)) {
        *place = byte;
        length += 1;
    }
    see(Some(&bytes[..length]))
}

/// The bytes of a part of a query, as a form sends it (the URL standard, section 5.1): `+` is a blank, `%XX` a
/// byte, and a `%` before anything else itself.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        if first == b'%'
            && let (Some(high), Some(low)) = (digit(0), digit(1))
        {
            rest = &after[2..];
            return Some((high * 16 + low) as u8);
        }
        rest = after;
        Some(if first == b'+' { b' ' } else { first })
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request() -> Request<()> {
        Request::get("/shop/a?to=x%20y&empty&plus=a+b&odd=%zz%4&f%5Bn%5D=1&to=second")
            .header("x-beta", "1")
            .header("x-beta", "2")
            .header("x-airssys-key", "cart-7")
            .header("cookie", "a=1; session=abc=d ;b")
            .header("cookie", "late=yes")
            .body(())
            .unwrap()
    }

    fn of<'a>(request: &'a Request<()>, caller: &'a Caller) -> OfRequest<'a> {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        OfRequest { method, uri, headers, caller: Some(caller) }
    }

    fn text(value: Option<&[u8]>) -> Option<String> {
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    }

    #[test]
    fn a_request_has_the_attributes_that_its_caller_sent() {
        let (request, caller) = (request(), Caller::Address("::ffff:10.1.2.3".parse().unwrap()));
        let request = of(&request, &caller);
        for (attribute, wanted) in [
            ("header:X-Beta", Some("1")),
            ("header:y", None),
            ("cookie:session", Some("abc=d")),
            ("cookie:late", Some("yes")),
            ("cookie:b", None),
            ("cookie:sess", None),
            ("query:to", Some("x y")),
            ("query:empty", Some("")),
            ("query:plus", Some("a b")),
            ("query:odd", Some("%zz%4")),
            ("query:f[n]", Some("1")),
            ("query:t", None),
            ("path", Some("/shop/a")),
            ("method", Some("GET")),
            ("caller", Some("10.1.2.3")),
            ("trigger", Some("http")),
        ] {
            let found = request.value(&attribute.parse().unwrap(), text);
            assert_eq!(found.as_deref(), wanted, "{attribute}");
        }
    }

    #[test]
    fn a_request_has_the_keys_that_a_split_sticks_to() {
        let (request, caller) = (request(), Caller::Address("10.1.2.3".parse().unwrap()));
        let request = of(&request, &caller);
        let key = |by: &str| request.key(&by.parse().unwrap(), |key| key.map(<[u8]>::to_vec));
        assert_eq!(key("cookie:session").unwrap(), b"abc=d");
        assert_eq!(key("header:x-beta").unwrap(), b"1");
        assert_eq!(key("address").unwrap(), [10, 1, 2, 3]);
        assert_eq!(key("key").unwrap(), b"cart-7");
        assert_eq!(key("cookie:none"), None);
    }

    #[test]
    fn a_service_that_calls_is_told_from_a_client_of_its_name() {
        let (named, long) = (Caller::from("shop"), "x".repeat(Name::MAX_LEN));
        let service = |name: &str| Caller::Service(name.parse().unwrap());
        for (caller, wanted) in [
            (named, "shop".to_owned()),
            (service("shop"), "service:shop".to_owned()),
            (service(&long), format!("service:{long}")),
        ] {
            let request = request();
            let found = of(&request, &caller).value(&Attribute::Caller, text);
            assert_eq!(found, Some(wanted));
            assert_eq!(of(&request, &caller).key(&StickyBy::Address, text), None);
        }
    }

    #[test]
    fn a_long_query_is_equal_to_no_condition() {
        let long = format!("/?x={}", "y".repeat(10_000));
        let request = Request::get(long).body(()).unwrap();
        let caller = Caller::from("nobody");
        let wanted: Condition = format!("query:x={}", "y".repeat(256)).parse().unwrap();
        let passes = |value: Option<&[u8]>| wanted.test().passes(value.unwrap());
        assert!(!of(&request, &caller).value(wanted.attribute(), passes));
    }

    #[test]
    fn a_call_has_its_metadata_where_a_request_has_headers() {
        let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let metadata = [entry("X-Beta", "1"), entry("x-airssys-key", "k")];
        let caller = Caller::from("tester");
        let call = OfCall { trigger: "invoke", metadata: &metadata, caller: Some(&caller) };
        let value = |attribute: &str| call.value(&attribute.parse().unwrap(), text);
        assert_eq!(value("header:x-beta").as_deref(), Some("1"));
        assert_eq!(value("caller").as_deref(), Some("tester"));
        assert_eq!(value("trigger").as_deref(), Some("invoke"));
        assert_eq!((value("path"), value("cookie:a")), (None, None));
        assert_eq!(call.key(&StickyBy::Key, text).as_deref(), Some("k"));
        assert_eq!(call.key(&StickyBy::Address, text), None);
    }
}
