//! What an operator grants, as a flag or a file says it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ask::{Access, UNENFORCED_KINDS};
use super::pattern::HostPattern;

/// One grant. It names the operator's side: a directory of this machine, a host, a variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Grant {
    /// `files:HOST=GUEST:read,write`: the directory `host` of this machine, seen by the guest as `guest`.
    Files {
        /// An absolute path on this machine.
        host: String,
        /// An absolute path as the guest sees it.
        guest: String,
        /// What is allowed there.
        access: Vec<Access>,
    },
    /// `http:HOST`: requests to these hosts.
    Http(HostPattern),
    /// `env:NAME` passes the node's own variable on, `env:NAME=VALUE` sets one.
    Env {
        /// The variable's name.
        name: String,
        /// Its value; without one, the node's own.
        value: Option<String>,
    },
}

/// Why a text is no [`Grant`].
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GrantError {
    /// No kind before a colon, or one that does not exist.
    #[error("`{0}` is not a grant: use files:HOST=GUEST:read,write, http:HOST or env:NAME")]
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
    /// Writing without reading, which nothing holds back.
    #[error("`write` includes reading, because nothing could hold that back: grant `read,write`")]
    WriteAlone,
    /// The part after `http:`.
    #[error("{0}")]
    Http(String),
    /// The part after `env:`.
    #[error("`{0}` is not an env grant: use env:NAME or env:NAME=VALUE")]
    Env(String),
    /// A grants file.
    #[error("the grants file cannot be read: {0}")]
    File(String),
}

/// What an operator granted, in the order it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Grants(pub Vec<Grant>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct GrantsFile {
    files: Vec<FilesEntry>,
    http: Vec<HttpEntry>,
    env: Vec<EnvEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilesEntry {
    host: String,
    guest: String,
    access: Vec<Access>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpEntry {
    host: HostPattern,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvEntry {
    name: String,
    value: Option<String>,
}

impl Grants {
    /// Reads a grants file: TOML with `files = [{ host, guest, access }]`, `http = [{ host }]` and
    /// `env = [{ name, value }]`.
    pub fn parse_toml(text: &str) -> Result<Self, GrantError> {
        let file: GrantsFile =
            toml::from_str(text).map_err(|error| GrantError::File(error.to_string()))?;
        let mut grants = Vec::new();
        for FilesEntry { host, guest, access } in file.files {
            grants.push(files(host, guest, access)?);
        }
        grants.extend(file.http.into_iter().map(|entry| Grant::Http(entry.host)));
        for EnvEntry { name, value } in file.env {
            grants.push(env(name, value)?);
        }
        Ok(Self(grants))
    }
}

fn files(host: String, guest: String, mut access: Vec<Access>) -> Result<Grant, GrantError> {
    let is_plain = |path: &str| {
        path.starts_with('/') && !path.contains('\0') && !path.split('/').any(|part| part == "..")
    };
    if !is_plain(&guest) || !std::path::Path::new(&host).is_absolute() || access.is_empty() {
        return Err(GrantError::Files(format!("{host}={guest}")));
    }
    if !access.contains(&Access::Read) {
        return Err(GrantError::WriteAlone);
    }
    access.sort();
    access.dedup();
    let guest = match guest.trim_end_matches('/') {
        "" => "/".to_owned(),
        trimmed => trimmed.to_owned(),
    };
    Ok(Grant::Files { host, guest, access })
}

fn env(name: String, value: Option<String>) -> Result<Grant, GrantError> {
    let bad = name.is_empty() || name.contains(['=', '\0']);
    if bad || value.as_deref().is_some_and(|value| value.contains('\0')) {
        return Err(GrantError::Env(name));
    }
    Ok(Grant::Env { name, value })
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (kind, rest) = text.split_once(':').ok_or_else(|| GrantError::Kind(text.to_owned()))?;
        match kind {
            "files" => {
                let bad = || GrantError::Files(text.to_owned());
                // From the right: a directory of this machine may have a colon or an equals sign.
                let (paths, access) = rest.rsplit_once(':').ok_or_else(bad)?;
                let (host, guest) = paths.rsplit_once('=').ok_or_else(bad)?;
                let access = access
                    .split(',')
                    .map(|word| match word {
                        "read" => Ok(Access::Read),
                        "write" => Ok(Access::Write),
                        _ => Err(bad()),
                    })
                    .collect::<Result<_, _>>()?;
                files(host.to_owned(), guest.to_owned(), access).map_err(|error| match error {
                    GrantError::Files(_) => bad(),
                    error => error,
                })
            }
            "http" => rest.parse().map(Self::Http).map_err(GrantError::Http),
            "env" => match rest.split_once('=') {
                Some((name, value)) => env(name.to_owned(), Some(value.to_owned())),
                None => env(rest.to_owned(), None),
            },
            kind if UNENFORCED_KINDS.contains(&kind) => {
                Err(GrantError::Unenforced { kind: kind.to_owned() })
            }
            _ => Err(GrantError::Kind(text.to_owned())),
        }
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
        match self {
            Self::Files { host, guest, access } => {
                write!(f, "files:{host}={guest}:{}", access_words(access))
            }
            Self::Http(host) => write!(f, "http:{host}"),
            Self::Env { name, value: None } => write!(f, "env:{name}"),
            Self::Env { name, value: Some(value) } => write!(f, "env:{name}={value}"),
        }
    }
}

pub(super) fn access_words(access: &[Access]) -> String {
    let words: Vec<_> = access
        .iter()
        .map(|access| match access {
            Access::Read => "read",
            Access::Write => "write",
        })
        .collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_survives_its_text() {
        for text in [
            "files:/srv/words=/data:read",
            "files:/srv/a=b:c=/data:read,write",
            "http:api.example.com",
            "http:*.example.com:8443",
            "env:TZ",
            "env:GREETING=hello=there",
        ] {
            assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_enforced_is_refused_by_name() {
        assert_eq!(
            "net:smtp.example.com:25".parse::<Grant>(),
            Err(GrantError::Unenforced { kind: "net".to_owned() })
        );
        for bad in [
            "",
            "files",
            "files:/a=/b",
            "files:/a=b:read",
            "files:/a=/b/../c:read",
            "files:a=/b:read",
            "files:/a=/b:list",
            "http:",
            "env:",
            "env:=x",
            "teleport:x",
        ] {
            assert!(bad.parse::<Grant>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_grants_file_says_the_same() {
        let text = r#"
            files = [{ host = "/srv/words", guest = "/data/", access = ["read"] }]
            http = [{ host = "api.example.com" }]
            env = [{ name = "TZ" }, { name = "A", value = "b" }]
        "#;
        let said: Vec<_> =
            Grants::parse_toml(text).unwrap().0.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["files:/srv/words=/data:read", "http:api.example.com", "env:TZ", "env:A=b"]
        );
        assert!(Grants::parse_toml("net = []").is_err());
    }
}
