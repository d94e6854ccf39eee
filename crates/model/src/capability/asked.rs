//! What a manifest asks for, each with its reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blobstore::BlobstoreAsk;
use super::dns::DnsAsk;
use super::env::EnvAsk;
use super::files::FilesAsk;
use super::http::HttpAsk;
use super::keyvalue::KeyvalueAsk;
use super::kind::Kind;
use super::listen::ListenAsk;
use super::messaging::MessagingAsk;
use super::net::NetAsk;
use super::process::ProcessAsk;
use super::secrets::SecretAsk;
use super::services::ServiceAsk;

/// The `[capabilities]` table of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Asked {
    /// Files.
    pub files: Vec<FilesAsk>,
    /// Outbound HTTP.
    pub http: Vec<HttpAsk>,
    /// Outbound TCP and UDP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub net: Vec<NetAsk>,
    /// Looking names up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<DnsAsk>,
    /// Inbound TCP and UDP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<ListenAsk>,
    /// Environment variables.
    pub env: Vec<EnvAsk>,
    /// Secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretAsk>,
    /// Key-value buckets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keyvalue: Vec<KeyvalueAsk>,
    /// Blob containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blobstore: Vec<BlobstoreAsk>,
    /// Message topics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messaging: Vec<MessagingAsk>,
    /// Other services.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceAsk>,
    /// Programs of the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub process: Vec<ProcessAsk>,
    /// Kinds that the manifest names and the version that read it did not enforce.
    pub unenforced: Vec<String>,
    /// Set for a file without a manifest, which has no way to ask: the grants alone decide.
    pub unstated: bool,
}

impl Asked {
    /// What a file without a manifest asks for: nothing it could say, so the grants alone decide.
    pub fn unstated() -> Self {
        Self { unstated: true, ..Self::default() }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        Self { unstated: false, ..self.clone() } == Self::default()
    }

    /// Whether anything of this kind is asked for.
    pub fn names(&self, kind: Kind) -> bool {
        !match kind {
            Kind::Files => self.files.is_empty(),
            Kind::Http => self.http.is_empty(),
            Kind::Net => self.net.is_empty(),
            Kind::Dns => self.dns.is_empty(),
            Kind::Listen => self.listen.is_empty(),
            Kind::Env => self.env.is_empty(),
            Kind::Secrets => self.secrets.is_empty(),
            Kind::Keyvalue => self.keyvalue.is_empty(),
            Kind::Blobstore => self.blobstore.is_empty(),
            Kind::Messaging => self.messaging.is_empty(),
            Kind::Services => self.services.is_empty(),
            Kind::Process => self.process.is_empty(),
        }
    }

    /// An ask that asks for nothing, by its kind and what is wrong: no access, no host, a method that there is not.
    pub(crate) fn idle(&self) -> Option<(Kind, String)> {
        let no_access =
            |kind, name: &dyn std::fmt::Display| (kind, format!("`{name}` asks for no access"));
        if let Some(ask) = self.files.iter().find(|ask| ask.access.is_empty()) {
            return Some(no_access(Kind::Files, &ask.path));
        }
        if let Some(ask) = self.keyvalue.iter().find(|ask| ask.access.is_empty()) {
            return Some(no_access(Kind::Keyvalue, &ask.bucket));
        }
        if let Some(ask) = self.blobstore.iter().find(|ask| ask.access.is_empty()) {
            return Some(no_access(Kind::Blobstore, &ask.container));
        }
        if let Some(ask) = self.messaging.iter().find(|ask| ask.access.is_empty()) {
            return Some(no_access(Kind::Messaging, &ask.topic));
        }
        if let Some(method) = self.http.iter().find_map(HttpAsk::bad_method) {
            return Some((Kind::Http, format!("`{method}` is no HTTP method such as GET")));
        }
        let unused = self.secrets.iter().find(|ask| ask.hosts.is_empty() && !ask.revealed)?;
        let name = &unused.name;
        Some((Kind::Secrets, format!("`{name}` is neither sent to hosts nor revealed")))
    }

    /// Adds what a component's own code says it asks for, leaving out what is asked already.
    pub fn merge(&mut self, more: Self) {
        fn extend<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
            for item in more {
                if !all.contains(&item) {
                    all.push(item);
                }
            }
        }
        extend(&mut self.files, more.files);
        extend(&mut self.http, more.http);
        extend(&mut self.net, more.net);
        extend(&mut self.dns, more.dns);
        extend(&mut self.listen, more.listen);
        extend(&mut self.env, more.env);
        extend(&mut self.secrets, more.secrets);
        extend(&mut self.keyvalue, more.keyvalue);
        extend(&mut self.blobstore, more.blobstore);
        extend(&mut self.messaging, more.messaging);
        extend(&mut self.services, more.services);
        extend(&mut self.process, more.process);
        extend(&mut self.unenforced, more.unenforced);
    }
}
