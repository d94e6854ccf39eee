//! Secrets. Using one for a host and seeing it are two things, asked and granted apart.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::Decision;
use super::http_host::HostPattern;
use super::kind::Kind;
use super::meeting::Ask;

/// A secret that a component wants to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretAsk {
    /// Which.
    pub name: SecretName,
    /// The hosts that it is sent to. The component holds a placeholder, and the host puts the value into
    /// requests to these hosts only.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// Whether the component wants to see the value.
    #[serde(default)]
    pub revealed: bool,
    /// Why.
    pub reason: String,
}

/// `secrets:stripe=api.stripe.com` lets it be sent to a host, `secrets:stripe:revealed` lets it be seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretGrant {
    /// Which secret.
    pub name: SecretName,
    /// What for.
    pub to: SecretUse,
}

/// What a secret may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretUse {
    /// To be put into requests to these hosts.
    SentTo(HostPattern),
    /// To be seen.
    Revealed,
}

/// The name of a secret: 1 to 128 of letters, digits, `.`, `_` and `-`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct SecretName(Box<str>);

/// A use of a secret that one grant lets one ask make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretRight {
    name: SecretName,
    /// The operator's and the manifest's word on the host; without it the secret may be seen.
    hosts: Option<[HostPattern; 2]>,
}

/// The secrets of a revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretRights(Box<[SecretRight]>);

impl SecretRights {
    pub(super) fn compile(rights: Vec<Vec<SecretRight>>) -> Self {
        Self(rights.into_iter().flatten().collect())
    }

    /// Whether the guest may hold a placeholder for the secret.
    pub fn check_handle(&self, name: &str) -> Decision {
        Decision::when(self.0.iter().any(|right| *right.name.0 == *name))
    }

    /// Whether the host may put the value into a request to this host. `default_port` is the scheme's.
    pub fn check_send(&self, name: &str, host: &str, port: u16, default_port: u16) -> Decision {
        let meant = |hosts: &[HostPattern; 2]| {
            hosts.iter().all(|pattern| pattern.matches(host, port, default_port))
        };
        let fits =
            |right: &SecretRight| *right.name.0 == *name && right.hosts.as_ref().is_some_and(meant);
        Decision::when(self.0.iter().any(fits))
    }

    /// Whether the guest may see the value.
    pub fn check_reveal(&self, name: &str) -> Decision {
        let fits = |right: &SecretRight| right.hosts.is_none() && *right.name.0 == *name;
        Decision::when(self.0.iter().any(fits))
    }

    /// The names that the guest may know, each once.
    pub fn names(&self) -> impl Iterator<Item = &SecretName> {
        let first = |at: usize| !self.0[..at].iter().any(|one| one.name == self.0[at].name);
        (0..self.0.len()).filter(move |at| first(*at)).map(|at| &self.0[at].name)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ask for SecretAsk {
    const KIND: Kind = Kind::Secrets;
    type Grant = SecretGrant;
    type Right = Vec<SecretRight>;

    fn of(grant: &SecretGrant) -> Self {
        let hosts = match &grant.to {
            SecretUse::SentTo(host) => vec![host.clone()],
            SecretUse::Revealed => Vec::new(),
        };
        let revealed = grant.to == SecretUse::Revealed;
        Self { name: grant.name.clone(), hosts, revealed, reason: String::new() }
    }

    fn meet(&self, grant: &SecretGrant) -> Option<Vec<SecretRight>> {
        let right = |hosts| SecretRight { name: self.name.clone(), hosts };
        let rights: Vec<_> = match &grant.to {
            SecretUse::Revealed => self.revealed.then(|| right(None)).into_iter().collect(),
            SecretUse::SentTo(granted) => {
                let meets = |asked: &&HostPattern| asked.covers(granted) || granted.covers(asked);
                let hosts = self.hosts.iter().filter(meets);
                hosts.map(|asked| right(Some([granted.clone(), asked.clone()]))).collect()
            }
        };
        (self.name == grant.name && !rights.is_empty()).then_some(rights)
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        let mut same = before.iter().filter(|one| one.name == self.name);
        let sent = |host: &HostPattern| {
            let holds = |one: &&Self| one.hosts.iter().any(|wide| wide.covers(host));
            before.iter().filter(|one| one.name == self.name).any(|one| holds(&one))
        };
        self.hosts.iter().all(sent) && (!self.revealed || same.any(|one| one.revealed))
    }

    fn said(&self) -> String {
        let hosts: Vec<_> = self.hosts.iter().map(|host| format!("for `{host}`")).collect();
        let to_see = self.revealed.then(|| "to see".to_owned());
        let what: Vec<_> = to_see.into_iter().chain(hosts).collect();
        format!("the secret `{}` {}", self.name, what.join(" and "))
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        let sent = self.hosts.iter().map(|host| format!("secrets:{}={host}", self.name));
        let seen = self.revealed.then(|| format!("secrets:{}:revealed", self.name));
        sent.chain(seen).collect()
    }
}

impl SecretGrant {
    /// What both allow.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let to = match (&self.to, &other.to) {
            (SecretUse::Revealed, SecretUse::Revealed) => SecretUse::Revealed,
            (SecretUse::SentTo(mine), SecretUse::SentTo(theirs)) if mine.covers(theirs) => {
                SecretUse::SentTo(theirs.clone())
            }
            (SecretUse::SentTo(mine), SecretUse::SentTo(theirs)) if theirs.covers(mine) => {
                SecretUse::SentTo(mine.clone())
            }
            _ => return None,
        };
        (self.name == other.name).then(|| Self { name: self.name.clone(), to })
    }
}

impl SecretName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=128).contains(&text.len()) && text.bytes().all(is_part) {
            return Ok(Self(text.into()));
        }
        Err(format!("`{text}` is no name of a secret: use letters, digits, `.`, `_` and `-`"))
    }
}

impl FromStr for SecretGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((name, host)) = text.split_once('=') {
            return Ok(Self { name: name.parse()?, to: SecretUse::SentTo(host.parse()?) });
        }
        match text.split_once(':') {
            Some((name, "revealed")) => Ok(Self { name: name.parse()?, to: SecretUse::Revealed }),
            _ => Err(format!("`{text}` is not NAME=HOST, to be sent there, or NAME:revealed")),
        }
    }
}

impl TryFrom<String> for SecretName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SecretGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            SecretUse::SentTo(host) => write!(f, "{}={host}", self.name),
            SecretUse::Revealed => write!(f, "{}:revealed", self.name),
        }
    }
}
