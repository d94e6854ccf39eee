//! A capability as a policy sees it: its kind, and what can be said of its target.

use std::collections::BTreeSet;

use airssys_wasm_model::Grant;

/// What a service is to reach: the context of `grant` and `revoke`.
///
/// Fields that a kind does not have stay empty; a policy asks for them with `context has host`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capability {
    /// `files`, `http`, `env` and so on.
    pub kind: String,
    /// The grant without its kind. Never a variable's value, which may be a password.
    pub target: String,
    /// A host's name, pattern or address.
    pub host: Option<String>,
    /// A port, where one is named.
    pub port: Option<u16>,
    /// A directory of the node's machine.
    pub path: Option<String>,
    /// `read`, `write` and so on.
    pub access: BTreeSet<String>,
}

impl Capability {
    /// Reads a grant's text form, `kind:target`. A kind without a form known here keeps its target whole.
    pub fn of_text(text: &str) -> Self {
        let (kind, target) = text.split_once(':').unwrap_or((text, ""));
        let named = Self { kind: kind.to_owned(), target: target.to_owned(), ..Self::default() };
        match kind {
            "files" => files(named),
            "http" | "net" | "dns" => hosts(named),
            "env" => Self { target: before(target, '=').to_owned(), ..named },
            _ => named,
        }
    }

    /// Whether it means more than one thing of its kind.
    pub fn is_wildcard(&self) -> bool {
        self.target.contains('*')
    }
}

impl From<&Grant> for Capability {
    fn from(grant: &Grant) -> Self {
        Self::of_text(&grant.to_string())
    }
}

/// `HOST=GUEST:read,write`, split from the right as the grant itself is.
fn files(named: Capability) -> Capability {
    let (paths, access) = named.target.rsplit_once(':').unwrap_or((&named.target, ""));
    let path = paths.rsplit_once('=').map_or(paths, |(host, _)| host).to_owned();
    let access = access.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    Capability { path: Some(path), access, ..named }
}

fn hosts(named: Capability) -> Capability {
    let (host, port) = match named.target.rsplit_once(':') {
        // The last group of an address without brackets is no port.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().ok())
        }
        _ => (named.target.as_str(), None),
    };
    Capability { host: Some(host.to_owned()), port, ..named }
}

fn before(text: &str, mark: char) -> &str {
    text.split_once(mark).map_or(text, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variables_value_is_no_business_of_a_policy() {
        let capability = Capability::of_text("env:PASSWORD=hunter2");
        assert_eq!(capability.target, "PASSWORD");
        assert!(!format!("{capability:?}").contains("hunter2"));
    }

    #[test]
    fn a_directory_is_that_of_the_nodes_machine() {
        let grant: Grant = "files:/srv/a=b:c=/data:read,write".parse().unwrap();
        let capability = Capability::from(&grant);
        assert_eq!(capability.path.as_deref(), Some("/srv/a=b:c"));
        assert_eq!(Vec::from_iter(capability.access), ["read", "write"]);
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        let cases = [
            ("http:api.example.com", "api.example.com", None),
            ("net:smtp.example.com:25", "smtp.example.com", Some(25)),
            ("net:[::1]:25", "[::1]", Some(25)),
            ("http:*.example.com:8443", "*.example.com", Some(8443)),
            ("dns:2001:db8::7", "2001:db8::7", None),
        ];
        for (text, host, port) in cases {
            let capability = Capability::of_text(text);
            assert_eq!((capability.host.as_deref(), capability.port), (Some(host), port), "{text}");
            assert_eq!(capability.is_wildcard(), text.contains('*'));
        }
    }
}
