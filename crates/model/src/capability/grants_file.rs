//! Grants as the text of a grants file.

use std::fmt::Display;

use toml::{Table, Value};

use super::access::AccessWord as _;
use super::destination::Protocol;
use super::grant::Grant;
use super::grants::Grants;
use super::kind::Kind;
use super::secrets::SecretUse;
use super::url_path::PathPattern;

impl Grants {
    /// The file that [`Grants::parse_toml`] reads these from: a list for each kind, a grant a line.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for kind in Kind::ALL {
            let entries = self.0.iter().filter(|grant| grant.kind() == kind).map(entry);
            let lines: Vec<_> = entries.map(|entry| format!("    {entry},\n")).collect();
            if !lines.is_empty() {
                text.push_str(&format!("{kind} = [\n{}]\n", lines.concat()));
            }
        }
        text
    }
}

fn entry(grant: &Grant) -> Value {
    let mut fields = Table::new();
    let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    match grant {
        Grant::Files(files) => {
            set("host", text(&files.host));
            set("guest", text(&files.guest));
            set("access", list(files.access.iter().map(|access| access.as_str())));
        }
        Grant::Http(http) => {
            set("host", text(&http.host));
            if !http.methods.is_empty() {
                set("methods", list(http.methods.iter()));
            }
            if http.path != PathPattern::any() {
                set("path", text(&http.path));
            }
        }
        Grant::Net(net) => {
            set("to", text(&net.to));
            protocol(&mut set, net.protocol);
        }
        Grant::Dns(name) => set("name", text(name)),
        Grant::Listen(listen) => {
            if let Some(address) = listen.address {
                set("address", text(address));
            }
            set("port", text(listen.port));
            protocol(&mut set, listen.protocol);
        }
        Grant::Env(env) => {
            set("name", text(&env.name));
            if let Some(value) = &env.value {
                set("value", text(value));
            }
        }
        Grant::Secrets(secret) => {
            set("name", text(&secret.name));
            match &secret.to {
                SecretUse::SentTo(host) => set("hosts", list([host])),
                SecretUse::Revealed => set("revealed", Value::Boolean(true)),
            }
        }
        Grant::Keyvalue(scope) => {
            set("bucket", text(&scope.name));
            set("access", list(scope.access.iter().map(|access| access.as_str())));
        }
        Grant::Blobstore(scope) => {
            set("container", text(&scope.name));
            set("access", list(scope.access.iter().map(|access| access.as_str())));
        }
        Grant::Messaging(scope) => {
            set("topic", text(&scope.name));
            set("access", list(scope.access.iter().map(|access| access.as_str())));
        }
        Grant::Services(service) => {
            set("name", text(&service.name));
            if let Some(function) = &service.function {
                set("function", text(function));
            }
        }
        Grant::Process(name) => set("name", text(name)),
    }
    Value::Table(fields)
}

fn protocol(set: &mut impl FnMut(&str, Value), protocol: Protocol) {
    if protocol == Protocol::Udp {
        set("protocol", text("udp"));
    }
}

fn text(value: impl Display) -> Value {
    Value::String(value.to_string())
}

fn list<T: Display>(values: impl IntoIterator<Item = T>) -> Value {
    Value::Array(values.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_the_same() {
        let texts = [
            "files:/srv/a \"b\"=/data:read,write",
            "http:*.example.com",
            "http:b.org/v1/**:GET,HEAD",
            "net:10.0.0.0/8:53/udp",
            "dns:*.example.com",
            "listen:5000-5010/udp",
            "listen:127.0.0.1:8443",
            "listen:[2001:db8::/32]:*/udp",
            "env:TZ",
            "env:A=it's \\ \n",
            "secrets:stripe=api.stripe.com",
            "secrets:stripe:revealed",
            "keyvalue:s*:read,write",
        ];
        let grants = Grants(texts.iter().map(|text| text.parse().unwrap()).collect());
        let text = grants.to_toml();
        assert_eq!(Grants::parse_toml(&text), Ok(grants), "{text}");
    }
}
