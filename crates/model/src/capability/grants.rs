//! All that an operator grants, as flags or a file say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{DataAccess, TopicAccess};
use super::address::AddressBlock;
use super::destination::{Destination, Ports, Protocol};
use super::env::EnvGrant;
use super::files::FilesGrant;
use super::gate;
use super::grant::{Grant, GrantError};
use super::host::NamePattern;
use super::http::HttpGrant;
use super::http_host::HostPattern;
use super::kind::Kind;
use super::listen::ListenGrant;
use super::net::NetGrant;
use super::scope::{Scope, WordPattern};
use super::secrets::{SecretGrant, SecretName, SecretUse};
use super::services::ServiceGrant;
use crate::name::Name;

/// What an operator granted, in the order it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

/// The file, a list for each kind.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GrantsFile {
    files: Vec<FilesGrant>,
    http: Vec<HttpGrant>,
    net: Vec<NetEntry>,
    dns: Vec<NameEntry<NamePattern>>,
    listen: Vec<ListenEntry>,
    env: Vec<EnvGrant>,
    secrets: Vec<SecretEntry>,
    keyvalue: Vec<BucketEntry>,
    blobstore: Vec<ContainerEntry>,
    messaging: Vec<TopicEntry>,
    services: Vec<ServiceEntry>,
    process: Vec<NameEntry<Name>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetEntry {
    to: Destination,
    #[serde(default)]
    protocol: Protocol,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameEntry<T> {
    name: T,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenEntry {
    #[serde(default)]
    address: Option<AddressBlock>,
    port: Ports,
    #[serde(default)]
    protocol: Protocol,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretEntry {
    name: SecretName,
    #[serde(default)]
    hosts: Vec<HostPattern>,
    #[serde(default)]
    revealed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BucketEntry {
    bucket: WordPattern,
    access: Vec<DataAccess>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContainerEntry {
    container: WordPattern,
    access: Vec<DataAccess>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicEntry {
    topic: WordPattern,
    access: Vec<TopicAccess>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceEntry {
    name: Name,
    function: Option<String>,
}

impl Grants {
    /// Reads a grants file: TOML with a list for each kind, such as `files = [{ host, guest, access }]`,
    /// `http = [{ host, methods, path }]`, `net = [{ to, protocol }]` and `env = [{ name, value }]`. The fields
    /// are those of the manifest's asks, without a reason.
    pub fn parse_toml(text: &str) -> Result<Self, GrantError> {
        let file: GrantsFile =
            toml::from_str(text).map_err(|error| GrantError::File(error.to_string()))?;
        let grants = file.grants()?;
        grants.iter().try_for_each(gate::grant)?;
        Ok(Self(grants))
    }

    /// What both allow.
    pub fn meet(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for one in &self.0 {
            for grant in other.0.iter().filter_map(|other| one.meet(other)) {
                if !both.contains(&grant) {
                    both.push(grant);
                }
            }
        }
        Self(both)
    }
}

impl GrantsFile {
    fn grants(self) -> Result<Vec<Grant>, GrantError> {
        let wrong = |kind| move |why| GrantError::Scope { kind, why };
        let mut all = Vec::new();
        for entry in self.files {
            all.push(Grant::Files(entry.checked().map_err(GrantError::Files)?));
        }
        for entry in self.http {
            all.push(Grant::Http(entry.checked().map_err(GrantError::Http)?));
        }
        for NetEntry { to, protocol } in self.net {
            all.push(Grant::Net(NetGrant { to, protocol }));
        }
        all.extend(self.dns.into_iter().map(|entry| Grant::Dns(entry.name)));
        for ListenEntry { address, port, protocol } in self.listen {
            all.push(Grant::Listen(ListenGrant { address, port, protocol }));
        }
        for entry in self.env {
            all.push(Grant::Env(entry.checked().map_err(GrantError::Env)?));
        }
        all.extend(self.secrets.into_iter().flat_map(SecretEntry::grants));
        for BucketEntry { bucket: name, access } in self.keyvalue {
            let scope = Scope { name, access }.checked().map_err(wrong(Kind::Keyvalue))?;
            all.push(Grant::Keyvalue(scope));
        }
        for ContainerEntry { container: name, access } in self.blobstore {
            let scope = Scope { name, access }.checked().map_err(wrong(Kind::Blobstore))?;
            all.push(Grant::Blobstore(scope));
        }
        for TopicEntry { topic: name, access } in self.messaging {
            let scope = Scope { name, access }.checked().map_err(wrong(Kind::Messaging))?;
            all.push(Grant::Messaging(scope));
        }
        for ServiceEntry { name, function } in self.services {
            let grant = ServiceGrant { name, function }.checked();
            all.push(Grant::Services(grant.map_err(wrong(Kind::Services))?));
        }
        all.extend(self.process.into_iter().map(|entry| Grant::Process(entry.name)));
        Ok(all)
    }
}

impl SecretEntry {
    fn grants(self) -> impl Iterator<Item = Grant> {
        let sent = self.hosts.into_iter().map(SecretUse::SentTo);
        let uses = sent.chain(self.revealed.then_some(SecretUse::Revealed));
        uses.map(move |to| Grant::Secrets(SecretGrant { name: self.name.clone(), to }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grants_file_says_the_same() {
        let text = r#"
            files = [{ host = "/srv/words", guest = "/data/", access = ["read"] }]
            http = [{ host = "api.example.com" }, { host = "b.org", path = "/v1/*", methods = ["GET"] }]
            net = [{ to = "smtp.example.com:25" }, { to = "10.0.0.0/8:53", protocol = "udp" }]
            dns = [{ name = "*.example.com" }]
            listen = [{ port = 8443 }, { port = "5000-5010", protocol = "udp" },
                { address = "127.0.0.1", port = 8443 }]
            env = [{ name = "TZ" }, { name = "A", value = "b" }]
            secrets = [{ name = "stripe", hosts = ["api.stripe.com"], revealed = true }]
            keyvalue = [{ bucket = "sessions", access = ["write", "read"] }]
            blobstore = [{ container = "images-*", access = ["read"] }]
            messaging = [{ topic = "orders.new", access = ["publish"] }]
            services = [{ name = "tokenizer", function = "split" }]
            process = [{ name = "thumbs" }]
        "#;
        let file: GrantsFile = toml::from_str(text).unwrap();
        let said: Vec<_> = file.grants().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "files:/srv/words=/data:read",
                "http:api.example.com",
                "http:b.org/v1/*:GET",
                "net:smtp.example.com:25",
                "net:10.0.0.0/8:53/udp",
                "dns:*.example.com",
                "listen:8443",
                "listen:5000-5010/udp",
                "listen:127.0.0.1:8443",
                "env:TZ",
                "env:A=b",
                "secrets:stripe=api.stripe.com",
                "secrets:stripe:revealed",
                "keyvalue:sessions:read,write",
                "blobstore:images-*:read",
                "messaging:orders.new:publish",
                "services:tokenizer#split",
                "process:thumbs",
            ]
        );
    }

    #[test]
    fn a_file_grants_nothing_that_a_flag_could_not() {
        for bad in [
            "messaging = [{ topic = \"a\", access = [\"publish\"] }]",
            "files = [{ host = \"/a\", guest = \"/b\", access = [] }]",
            "files = [{ host = \"/a\", guest = \"/b=/c\", access = [\"read\"] }]",
            "http = [{ host = \"a.org\", path = \"/x:GET\" }]",
            "env = [{ name = \"A=B\" }]",
            "teleport = []",
        ] {
            assert!(Grants::parse_toml(bad).is_err(), "{bad} was accepted");
        }
        assert_eq!(Grants::parse_toml(""), Ok(Grants::default()));
    }
}
