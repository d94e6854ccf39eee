//! What an operator grants, as a flag says it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{DataAccess, TopicAccess};
use super::env::EnvGrant;
use super::files::FilesGrant;
use super::gate;
use super::host::NamePattern;
use super::http::HttpGrant;
use super::kind::Kind;
use super::listen::ListenGrant;
use super::net::NetGrant;
use super::scope::Scope;
use super::secrets::SecretGrant;
use super::services::ServiceGrant;
use crate::name::Name;

/// One grant, written `KIND:…`. It names the operator's side: a directory of this machine, a host, a variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Grant {
    /// `files:/srv/words=/data:read,write`
    Files(FilesGrant),
    /// `http:api.example.com`, `http:api.example.com/v1/**:GET`
    Http(HttpGrant),
    /// `net:smtp.example.com:25`, `net:10.0.0.0/8:5432`, `net:ntp.example.com:123/udp`
    Net(NetGrant),
    /// `dns:*.example.com`
    Dns(NamePattern),
    /// `listen:8443`, `listen:5000-5010/udp`, `listen:127.0.0.1:8443`
    Listen(ListenGrant),
    /// `env:TZ`, `env:GREETING=hello`
    Env(EnvGrant),
    /// `secrets:stripe=api.stripe.com`, `secrets:stripe:revealed`
    Secrets(SecretGrant),
    /// `keyvalue:sessions:read,write`
    Keyvalue(Scope<DataAccess>),
    /// `blobstore:images:read`
    Blobstore(Scope<DataAccess>),
    /// `messaging:orders.new:publish`
    Messaging(Scope<TopicAccess>),
    /// `services:tokenizer`, `services:tokenizer#split`
    Services(ServiceGrant),
    /// `process:thumbs`
    Process(Name),
}

/// Why a text is no [`Grant`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GrantError {
    /// No kind before a colon, or one that does not exist.
    #[error(
        "`{0}` is not a grant: use files:HOST=GUEST:read,write, http:HOST, net:HOST:PORT, dns:NAME, listen:PORT, env:NAME, \
         secrets:NAME=HOST, keyvalue:BUCKET:read,write, blobstore:CONTAINER:read,write, services:NAME or process:NAME"
    )]
    Kind(String),
    /// A kind that is not enforced yet.
    #[error("`{kind}` can't be granted: this version does not enforce that kind yet")]
    Unenforced {
        /// The kind.
        kind: String,
    },
    /// The part after `files:`.
    #[error("`{0}` is not a files grant: use files:HOST=GUEST:read,write with absolute paths")]
    Files(String),
    /// The part after `http:`.
    #[error("{0}")]
    Http(String),
    /// The part after `env:`.
    #[error("`{0}` is not an env grant: use env:NAME or env:NAME=VALUE")]
    Env(String),
    /// What stands behind another kind.
    #[error("not a grant of `{kind}`: {why}")]
    Scope {
        /// The kind.
        kind: Kind,
        /// What is wrong, and what to write.
        why: String,
    },
    /// A grants file.
    #[error("the grants file cannot be read: {0}")]
    File(String),
}

impl Grant {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Files(_) => Kind::Files,
            Self::Http(_) => Kind::Http,
            Self::Net(_) => Kind::Net,
            Self::Dns(_) => Kind::Dns,
            Self::Listen(_) => Kind::Listen,
            Self::Env(_) => Kind::Env,
            Self::Secrets(_) => Kind::Secrets,
            Self::Keyvalue(_) => Kind::Keyvalue,
            Self::Blobstore(_) => Kind::Blobstore,
            Self::Messaging(_) => Kind::Messaging,
            Self::Services(_) => Kind::Services,
            Self::Process(_) => Kind::Process,
        }
    }

    /// Reads a grant of any kind, also of one that is not enforced.
    pub(super) fn read(text: &str) -> Result<Self, GrantError> {
        fn scope<T: FromStr>(kind: Kind, text: &str) -> Result<T, GrantError>
        where
            T::Err: fmt::Display,
        {
            let wrong = |error: T::Err| GrantError::Scope { kind, why: error.to_string() };
            text.parse().map_err(wrong)
        }
        let not_one = || GrantError::Kind(text.to_owned());
        let (name, rest) = text.split_once(':').ok_or_else(not_one)?;
        let kind = Kind::named(name).ok_or_else(|| match gate::is_unenforced(name) {
            true => GrantError::Unenforced { kind: name.to_owned() },
            false => not_one(),
        })?;
        Ok(match kind {
            Kind::Files => Self::Files(rest.parse().map_err(GrantError::Files)?),
            Kind::Http => Self::Http(rest.parse().map_err(GrantError::Http)?),
            Kind::Env => Self::Env(rest.parse().map_err(GrantError::Env)?),
            Kind::Net => Self::Net(scope(kind, rest)?),
            Kind::Dns => Self::Dns(scope(kind, rest)?),
            Kind::Listen => Self::Listen(scope(kind, rest)?),
            Kind::Secrets => Self::Secrets(scope(kind, rest)?),
            Kind::Keyvalue => Self::Keyvalue(scope(kind, rest)?),
            Kind::Blobstore => Self::Blobstore(scope(kind, rest)?),
            Kind::Messaging => Self::Messaging(scope(kind, rest)?),
            Kind::Services => Self::Services(scope(kind, rest)?),
            Kind::Process => Self::Process(scope(kind, rest)?),
        })
    }

    /// Whether this grant would still allow some of what `revoked` does. In doubt it would: two patterns of paths
    /// that could share a path, and two values of one variable.
    pub fn allows_any_of(&self, revoked: &Self) -> bool {
        match (self, revoked) {
            (Self::Http(one), Self::Http(other)) => one.meets_on_any_path(other),
            (Self::Env(one), Self::Env(other)) => one.name == other.name,
            _ => self.meet(revoked).is_some(),
        }
    }

    /// What both grants allow, as one grant. Nothing also where it could not be written as one: the answer is
    /// never wider than either.
    pub fn meet(&self, other: &Self) -> Option<Self> {
        if self == other {
            return Some(self.clone());
        }
        match (self, other) {
            (Self::Files(one), Self::Files(other)) => one.meet(other).map(Self::Files),
            (Self::Http(one), Self::Http(other)) => one.meet(other).map(Self::Http),
            (Self::Net(one), Self::Net(other)) => one.meet(other).map(Self::Net),
            (Self::Dns(one), Self::Dns(other)) => one.meet(other).map(Self::Dns),
            (Self::Listen(one), Self::Listen(other)) => one.meet(other).map(Self::Listen),
            (Self::Env(one), Self::Env(other)) => one.meet(other).map(Self::Env),
            (Self::Secrets(one), Self::Secrets(other)) => one.meet(other).map(Self::Secrets),
            (Self::Keyvalue(one), Self::Keyvalue(other)) => one.meet(other).map(Self::Keyvalue),
            (Self::Blobstore(one), Self::Blobstore(other)) => one.meet(other).map(Self::Blobstore),
            (Self::Messaging(one), Self::Messaging(other)) => one.meet(other).map(Self::Messaging),
            (Self::Services(one), Self::Services(other)) => one.meet(other).map(Self::Services),
            (Self::Process(one), Self::Process(other)) => {
                (one == other).then(|| Self::Process(one.clone()))
            }
            _ => None,
        }
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let grant = Self::read(text)?;
        gate::grant(&grant)?;
        Ok(grant)
    }
}

impl TryFrom<String> for Grant {
    type Error = GrantError;

    fn try_from(text: String) -> Result<Self, GrantError> {
        text.parse()
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> Self {
        grant.to_string()
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind())?;
        match self {
            Self::Files(grant) => write!(f, "{grant}"),
            Self::Http(grant) => write!(f, "{grant}"),
            Self::Net(grant) => write!(f, "{grant}"),
            Self::Dns(name) => write!(f, "{name}"),
            Self::Listen(grant) => write!(f, "{grant}"),
            Self::Env(grant) => write!(f, "{grant}"),
            Self::Secrets(grant) => write!(f, "{grant}"),
            Self::Keyvalue(scope) | Self::Blobstore(scope) => write!(f, "{scope}"),
            Self::Messaging(scope) => write!(f, "{scope}"),
            Self::Services(grant) => write!(f, "{grant}"),
            Self::Process(name) => write!(f, "{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_survives_its_text() {
        for text in [
            "files:/srv/words=/data:read",
            "files:/srv/in=/in:create",
            "files:/srv/log=/log:write",
            "files:/srv/a=b:c=/data:read,write",
            "files:/srv/words=/data:list,create",
            "http:api.example.com",
            "http:*.example.com:8443/v1/**:GET,HEAD",
            "net:smtp.example.com:25",
            "net:10.0.0.0/8:*/udp",
            "dns:*.example.com",
            "listen:5000-5010/udp",
            "listen:127.0.0.1:8443",
            "listen:[::1]:5000-5010/udp",
            "listen:10.0.0.0/8:53/udp",
            "env:TZ",
            "env:GREETING=hello=there",
            "secrets:stripe=api.stripe.com:8443",
            "secrets:stripe:revealed",
            "keyvalue:sessions-*:read,write",
            "blobstore:images:read",
            "messaging:orders.new:publish,subscribe",
            "services:tokenizer#demo:words/split@1.0.0#split",
            "process:thumbs",
        ] {
            assert_eq!(Grant::read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_enforced_is_refused_by_name() {
        assert_eq!(
            "messaging:orders:publish".parse::<Grant>(),
            Err(GrantError::Unenforced { kind: "messaging".to_owned() })
        );
        assert_eq!(
            "clocks:x".parse::<Grant>(),
            Err(GrantError::Unenforced { kind: "clocks".to_owned() })
        );
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for bad in [
            "",
            "files",
            "files:/a=/b",
            "files:/a=b:read",
            "files:/a=/b/../c:read",
            "files:a=/b:read",
            "files:/a=/b:see",
            "files:/a=/b/*:read",
            "http:",
            "http:0x7f.1",
            "http:example.com/v1/x:GET:HEAD",
            "env:",
            "env:=x",
            "net:smtp.example.com",
            "dns:127.1",
            "listen:0",
            "listen:localhost:80",
            "listen:::1:80",
            "secrets:stripe",
            "secrets:=x.org",
            "keyvalue:sessions",
            "keyvalue:a*b:read",
            "keyvalue:a b:read",
            "services:Tokenizer",
            "services:tokenizer#",
            "process:/bin/sh",
            "teleport:x",
        ] {
            assert!(Grant::read(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
