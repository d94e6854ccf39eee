//! Outbound HTTP: methods, hosts and paths.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http_host::HostPattern;
use super::kind::Kind;
use super::meeting::Ask;
use super::url_path::PathPattern;

/// One host that a component wants to call over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpAsk {
    /// Which host.
    pub host: HostPattern,
    /// Which methods; none named means every method.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Which paths.
    #[serde(default = "PathPattern::any")]
    pub path: PathPattern,
    /// Why.
    pub reason: String,
}

/// `http:api.example.com`, `http:api.example.com/v1/**:GET,HEAD`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpGrant {
    /// Which host.
    pub host: HostPattern,
    /// Which methods; none named means every method.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Which paths.
    #[serde(default = "PathPattern::any")]
    pub path: PathPattern,
}

/// Requests that one grant lets one ask send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRight {
    /// The operator's word on the host.
    pub granted: HostPattern,
    /// The manifest's word on the host.
    pub asked: HostPattern,
    /// Methods that both name; empty means every one.
    pub methods: Vec<String>,
    /// The manifest's word on the path.
    pub path: PathPattern,
    /// The operator's word on the path.
    pub granted_path: PathPattern,
}

impl HttpRight {
    /// Whether it allows this request.
    pub fn allows(&self, method: &str, host: &str, port: u16, default: u16, path: &str) -> bool {
        self.granted.matches(host, port, default)
            && self.asked.matches(host, port, default)
            && (self.methods.is_empty() || self.methods.iter().any(|one| one == method))
            && self.path.matches(path)
            && self.granted_path.matches(path)
    }
}

impl Ask for HttpAsk {
    const KIND: Kind = Kind::Http;
    type Grant = HttpGrant;
    type Right = HttpRight;

    fn of(grant: &HttpGrant) -> Self {
        let HttpGrant { host, methods, path } = grant.clone();
        Self { host, methods, path, reason: String::new() }
    }

    fn meet(&self, grant: &HttpGrant) -> Option<HttpRight> {
        let hosts = grant.host.covers(&self.host) || self.host.covers(&grant.host);
        let meets = hosts && self.path.meets(&grant.path);
        let methods = common(&self.methods, &grant.methods).filter(|_| meets)?;
        Some(HttpRight {
            granted: grant.host.clone(),
            asked: self.host.clone(),
            methods,
            path: self.path.clone(),
            granted_path: grant.path.clone(),
        })
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        before.iter().any(|one| {
            one.host.covers(&self.host)
                && has_all(&one.methods, &self.methods)
                && one.path.covers(&self.path)
        })
    }

    fn said(&self) -> String {
        let methods = match self.methods.join(",") {
            every if every.is_empty() => "HTTP".to_owned(),
            methods => methods,
        };
        let path = if self.path == PathPattern::any() { "" } else { self.path.as_str() };
        format!("{methods} to `{}{path}`", self.host)
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        vec![format!("http:{}", self.grant())]
    }
}

/// Whether the first list names all of the second, in any order, where an empty one names all methods.
fn has_all(these: &[String], those: &[String]) -> bool {
    these.is_empty() || (!those.is_empty() && those.iter().all(|one| these.contains(one)))
}

/// The methods that both lists name, where an empty one names all. Nothing, if they share none.
fn common(mine: &[String], theirs: &[String]) -> Option<Vec<String>> {
    match (mine, theirs) {
        (all, []) | ([], all) => Some(all.to_vec()),
        (mine, theirs) => {
            let both: Vec<_> = mine.iter().filter(|one| theirs.contains(one)).cloned().collect();
            (!both.is_empty()).then_some(both)
        }
    }
}

impl HttpAsk {
    /// The grant of just this. Where a path can't be written in one, its last segment is any.
    fn grant(&self) -> HttpGrant {
        let Self { host, methods, path, .. } = self.clone();
        let parent = path.as_str().rsplit_once('/').map(|(parent, _)| format!("{parent}/*"));
        let wider = parent.and_then(|path| path.parse().ok()).unwrap_or_else(PathPattern::any);
        let grant = |path| HttpGrant { host: host.clone(), methods: methods.clone(), path };
        grant(path).checked().unwrap_or_else(|_| grant(wider))
    }

    /// Whether it is among what is asked to send such a request. Without a path, to send one of any.
    pub(super) fn holds(&self, method: &str, authority: &str, path: &str) -> bool {
        let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| is_port(port)) {
            Some((host, port)) => (host, port.parse().ok()),
            None => (authority, None),
        };
        // The port is left out where it is its scheme's.
        [443, 80].into_iter().any(|usual| self.host.matches(host, port.unwrap_or(usual), usual))
            && (self.methods.is_empty() || self.methods.iter().any(|one| one == method))
            && (path.is_empty() || self.path.matches(path))
    }

    /// A method that no request can have, as it is written.
    pub(super) fn bad_method(&self) -> Option<&str> {
        self.methods.iter().map(String::as_str).find(|method| !is_method(method))
    }
}

impl HttpGrant {
    /// Methods are compared as they are sent, so they have to be written that way.
    pub(super) fn checked(mut self) -> Result<Self, String> {
        if let Some(bad) = self.methods.iter().find(|method| !is_method(method)) {
            return Err(format!("`{bad}` is no HTTP method such as GET"));
        }
        let path = self.path.to_string();
        if path.rsplit_once(':').is_some_and(|(_, last)| last.split(',').all(is_method)) {
            return Err(format!("the path `{path}` ends as a list of methods does: use `*` there"));
        }
        self.methods.sort();
        self.methods.dedup();
        Ok(self)
    }

    /// Whether both allow a method at some host, whatever their paths.
    pub(super) fn meets_on_any_path(&self, other: &Self) -> bool {
        let hosts = self.host.covers(&other.host) || other.host.covers(&self.host);
        hosts && common(&self.methods, &other.methods).is_some()
    }

    /// What both allow, if that is written as one grant.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let (host, path) = (&self.host, &self.path);
        let host = narrower(host, &other.host, HostPattern::covers)?.clone();
        let path = narrower(path, &other.path, PathPattern::covers)?.clone();
        Some(Self { host, path, methods: common(&self.methods, &other.methods)? })
    }
}

fn narrower<'a, T>(one: &'a T, other: &'a T, covers: fn(&T, &T) -> bool) -> Option<&'a T> {
    if covers(one, other) { Some(other) } else { covers(other, one).then_some(one) }
}

fn is_method(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

impl FromStr for HttpGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A port is digits, a method is capitals: what stands behind the last colon tells.
        let (place, methods) = match text.rsplit_once(':') {
            Some((place, words)) if words.split(',').all(is_method) => {
                (place, words.split(',').map(ToOwned::to_owned).collect())
            }
            _ => (text, Vec::new()),
        };
        let (host, path) = match place.find('/') {
            Some(slash) => (&place[..slash], place[slash..].parse()?),
            None => (place, PathPattern::any()),
        };
        Self { host: host.parse()?, methods, path }.checked()
    }
}

impl fmt::Display for HttpGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.host)?;
        let methods = self.methods.join(",");
        if self.path != PathPattern::any() {
            write!(f, "{}", self.path)?;
        }
        if methods.is_empty() { Ok(()) } else { write!(f, ":{methods}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> HttpGrant {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_narrows_methods_and_paths() {
        let ask =
            HttpAsk { reason: "prices".into(), ..HttpAsk::of(&grant("*.example.com:GET,PUT")) };
        let right = ask.meet(&grant("api.example.com/v1/**:GET")).unwrap();
        assert!(right.allows("GET", "api.example.com", 443, 443, "/v1/x"));
        assert!(!right.allows("PUT", "api.example.com", 443, 443, "/v1/x"));
        assert!(!right.allows("GET", "api.example.com", 443, 443, "/v2/x"));
        assert!(!right.allows("GET", "b.example.com", 443, 443, "/v1/x"));
        assert_eq!(ask.meet(&grant("api.example.com:POST")), None);
    }

    #[test]
    fn a_grant_of_other_paths_gives_nothing() {
        let ask = |text| HttpAsk { reason: "prices".into(), ..HttpAsk::of(&grant(text)) };
        for (asked, granted) in
            [("a.org/v1/**", "a.org/v2/**"), ("a.org/v1/*", "a.org/v1/x/y"), ("a.org/x", "a.org/y")]
        {
            assert_eq!(ask(asked).meet(&grant(granted)), None, "{asked} {granted}");
            assert_eq!(ask(granted).meet(&grant(asked)), None, "{asked} {granted}");
        }
        assert!(ask("a.org/*/x").meet(&grant("a.org/v1/**:GET")).is_some());
    }

    #[test]
    fn an_ask_is_said_with_its_methods_and_its_path() {
        for (text, said) in [
            ("a.org", "HTTP to `a.org`"),
            ("a.org/v1/**", "HTTP to `a.org/v1/**`"),
            ("a.org:8080:GET", "GET to `a.org:8080`"),
            ("a.org/v1/*:POST,GET", "GET,POST to `a.org/v1/*`"),
        ] {
            assert_eq!(HttpAsk::of(&grant(text)).said(), said);
        }
    }

    #[test]
    fn what_would_grant_it_grants_its_methods_and_paths_and_no_more() {
        for (text, granted) in [
            ("a.org", "http:a.org"),
            ("*.a.org:8080/v1/**:GET,POST", "http:*.a.org:8080/v1/**:GET,POST"),
            ("a.org/v1/prices", "http:a.org/v1/prices"),
        ] {
            assert_eq!(HttpAsk::of(&grant(text)).suggestions(), [granted]);
        }
        // What ends as a list of methods does can't be written as a grant.
        let ask =
            HttpAsk { path: "/v1/x:GET".parse().unwrap(), ..HttpAsk::of(&grant("a.org:PUT")) };
        assert_eq!(ask.suggestions(), ["http:a.org/v1/*:PUT"]);
        let right = ask.meet(&grant("a.org/v1/*:PUT")).unwrap();
        assert!(right.allows("PUT", "a.org", 443, 443, "/v1/x:GET"));
        assert!(!right.allows("PUT", "a.org", 443, 443, "/v1/y"));
    }

    #[test]
    fn what_asks_for_more_methods_or_paths_is_more_and_another_order_is_not() {
        let ask = |methods: &[&str], path: &str| HttpAsk {
            host: "a.org".parse().unwrap(),
            methods: methods.iter().map(ToString::to_string).collect(),
            path: path.parse().unwrap(),
            reason: "prices".into(),
        };
        let before = [ask(&["GET", "POST"], "/v1/**")];
        assert!(ask(&["POST", "GET"], "/v1/**").is_covered(&before));
        assert!(ask(&["POST"], "/v1/a").is_covered(&before));
        for more in [ask(&["PUT"], "/v1/**"), ask(&[], "/v1/**"), ask(&["GET"], "/**")] {
            assert!(!more.is_covered(&before), "{more:?}");
            assert!(more.is_covered(&[ask(&[], "/**")]), "{more:?}");
        }
    }

    #[test]
    fn a_grant_survives_its_text() {
        for text in ["a.org", "a.org:8080:GET", "[::1]:80/v1/*:GET,HEAD", "*.a.org/x:cancel"] {
            assert_eq!(grant(text).to_string(), text);
        }
        assert!("a.org/../x".parse::<HttpGrant>().is_err());
    }
}
