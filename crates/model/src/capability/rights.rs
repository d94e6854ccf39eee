//! The rights of a revision: what its manifest asks for and its operator grants, both.

use std::fmt;

use super::ask::{Access, Asked, FilesAsk};
use super::grant::{Grant, Grants};
use super::pattern::{HostPattern, PathPattern};

/// What a revision may do. [`Rights::default`] is the empty set: no file, no host, no variable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Directories to preopen.
    pub files: Vec<FilesRight>,
    /// Requests that may leave.
    pub http: Vec<HttpRight>,
    /// Variables to set.
    pub env: Vec<EnvRight>,
}

/// A directory of this machine that the guest sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesRight {
    /// The directory that the operator named, an absolute path of this machine.
    pub host: String,
    /// The way from there to what is asked, as `/a/b`, or nothing. What lies on it may have been written by
    /// guests: none of it may be followed as a link.
    pub below: String,
    /// Where the guest sees it.
    pub guest: String,
    /// Whether files there may be changed. They may always be read.
    pub write: bool,
}

/// Requests that one grant lets one ask send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRight {
    /// The operator's word on the host.
    pub granted: HostPattern,
    /// The manifest's word on the host.
    pub asked: HostPattern,
    /// Methods; empty means every one.
    pub methods: Vec<String>,
    /// Paths.
    pub path: PathPattern,
}

/// A variable that the guest sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvRight {
    /// Its name.
    pub name: String,
    /// Its value; without one, the node's own.
    pub value: Option<String>,
}

/// An ask without a grant, and how to grant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingGrant {
    /// What is asked, as a person would say it.
    pub asked: String,
    /// Why, in the manifest's words.
    pub reason: String,
    /// The grant to add, with `HOST_DIRECTORY` where the operator must choose.
    pub grant: String,
}

/// Why a manifest's asks and an operator's grants give no rights.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RightsError {
    /// The manifest asks for a kind that nothing checks yet.
    #[error("the manifest asks for `{kind}`, which this version does not enforce yet")]
    Unenforced {
        /// The kind, or what about it.
        kind: String,
    },
    /// Something is asked and not granted.
    #[error("{}", list(.0))]
    Missing(Vec<MissingGrant>),
    /// A grant that covers nothing the manifest asks for would silently do nothing.
    #[error("the grant `{0}` covers nothing that the manifest asks for")]
    Unasked(Grant),
}

fn list(missing: &[MissingGrant]) -> String {
    let lines: Vec<_> = missing.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl fmt::Display for MissingGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is asked ({}) and not granted; grant `{}`",
            self.asked, self.reason, self.grant
        )
    }
}

impl Rights {
    /// What both sides agree on.
    ///
    /// An ask that no grant touches is an error, and so is a grant that touches no ask: both are more
    /// often a slip than a wish. A grant narrower than its ask narrows the right. Where the manifest is
    /// silent because there is none ([`Asked::unstated`]), the grants alone decide.
    pub fn intersect(asked: &Asked, grants: &Grants) -> Result<Self, RightsError> {
        if let Some(kind) = asked.unenforced.first() {
            return Err(RightsError::Unenforced { kind: kind.clone() });
        }
        let mut rights = Self::default();
        let mut met = Met::new(asked);
        for grant in &grants.0 {
            let touched = match grant {
                Grant::Files { host, guest, access } => {
                    rights.add_files(asked, &mut met, host, guest, access)?
                }
                Grant::Http(host) => rights.add_http(asked, &mut met, host),
                Grant::Env { name, value } => rights.add_env(asked, &mut met, name, value.as_ref()),
            };
            if !touched {
                return Err(RightsError::Unasked(grant.clone()));
            }
        }
        let missing = met.missing(asked)?;
        if missing.is_empty() { Ok(rights) } else { Err(RightsError::Missing(missing)) }
    }

    /// The grants that touch something asked: what an update keeps of its predecessor's, where it gave up what
    /// some of them were for.
    pub fn still_asked(asked: &Asked, grants: &Grants) -> Grants {
        let mut grants = grants.clone();
        while let Err(RightsError::Unasked(unasked)) = Self::intersect(asked, &grants) {
            grants.0.retain(|grant| *grant != unasked);
        }
        grants
    }

    /// The right under which this request may leave, if there is one.
    pub fn http(
        &self,
        method: &str,
        host: &str,
        port: u16,
        default_port: u16,
        path: &str,
    ) -> Option<&HttpRight> {
        let fits = |right: &&HttpRight| {
            right.granted.matches(host, port, default_port)
                && right.asked.matches(host, port, default_port)
                && (right.methods.is_empty() || right.methods.iter().any(|one| one == method))
                && right.path.matches(path)
        };
        // What a literal address grants, private addresses among it, no broader grant takes away.
        let literal = |right: &&HttpRight| right.granted.is_literal_address();
        self.http.iter().filter(fits).find(literal).or_else(|| self.http.iter().find(fits))
    }

    fn add_files(
        &mut self,
        asked: &Asked,
        met: &mut Met,
        host: &str,
        guest: &str,
        access: &[Access],
    ) -> Result<bool, RightsError> {
        if asked.unstated {
            self.files.push(FilesRight {
                host: host.to_owned(),
                below: String::new(),
                guest: guest.to_owned(),
                write: access.contains(&Access::Write),
            });
            return Ok(true);
        }
        let mut touched = false;
        for (ask, met) in asked.files.iter().zip(&mut met.files) {
            let wanted = directory(ask)?;
            let (below, guest) = if let Some(below) = below(wanted, guest) {
                (below, wanted)
            } else if below(guest, wanted).is_some() {
                ("", guest)
            } else {
                continue;
            };
            // Either access lets the guest read: a preopened directory cannot hold that back.
            let write = access.contains(&Access::Write) && ask.access.contains(&Access::Write);
            self.files.push(FilesRight {
                host: host.to_owned(),
                below: below.to_owned(),
                guest: guest.to_owned(),
                write,
            });
            touched = true;
            *met = true;
        }
        Ok(touched)
    }

    fn add_http(&mut self, asked: &Asked, met: &mut Met, granted: &HostPattern) -> bool {
        if asked.unstated {
            self.http.push(HttpRight {
                granted: granted.clone(),
                asked: granted.clone(),
                methods: Vec::new(),
                path: PathPattern::any(),
            });
            return true;
        }
        let mut touched = false;
        for (ask, met) in asked.http.iter().zip(&mut met.http) {
            if granted.covers(&ask.host) || ask.host.covers(granted) {
                self.http.push(HttpRight {
                    granted: granted.clone(),
                    asked: ask.host.clone(),
                    methods: ask.methods.clone(),
                    path: ask.path.clone(),
                });
                touched = true;
                *met = true;
            }
        }
        touched
    }

    fn add_env(
        &mut self,
        asked: &Asked,
        met: &mut Met,
        name: &str,
        value: Option<&String>,
    ) -> bool {
        let position = asked.env.iter().position(|ask| ask.name == name);
        if let Some(position) = position {
            met.env[position] = true;
        } else if !asked.unstated {
            return false;
        }
        self.env.push(EnvRight { name: name.to_owned(), value: value.cloned() });
        true
    }
}

/// Which asks a grant has touched.
struct Met {
    files: Vec<bool>,
    http: Vec<bool>,
    env: Vec<bool>,
}

impl Met {
    fn new(asked: &Asked) -> Self {
        Self {
            files: vec![false; asked.files.len()],
            http: vec![false; asked.http.len()],
            env: vec![false; asked.env.len()],
        }
    }

    fn missing(&self, asked: &Asked) -> Result<Vec<MissingGrant>, RightsError> {
        let mut missing = Vec::new();
        for (ask, _) in asked.files.iter().zip(&self.files).filter(|(_, met)| !**met) {
            let access = if ask.access.contains(&Access::Write) { "read,write" } else { "read" };
            missing.push(MissingGrant {
                asked: format!("{access} in `{}`", ask.path),
                reason: ask.reason.clone(),
                grant: format!("files:HOST_DIRECTORY={}:{access}", directory(ask)?),
            });
        }
        for (ask, _) in asked.http.iter().zip(&self.http).filter(|(_, met)| !**met) {
            missing.push(MissingGrant {
                asked: format!("HTTP to `{}`", ask.host),
                reason: ask.reason.clone(),
                grant: format!("http:{}", ask.host),
            });
        }
        for (ask, _) in asked.env.iter().zip(&self.env).filter(|(_, met)| !**met) {
            missing.push(MissingGrant {
                asked: format!("the variable `{}`", ask.name),
                reason: ask.reason.clone(),
                grant: format!("env:{}", ask.name),
            });
        }
        Ok(missing)
    }
}

/// The directory that an ask means. A preopened directory is all or nothing, so a glob inside the path
/// has nothing that would enforce it.
fn directory(ask: &FilesAsk) -> Result<&str, RightsError> {
    let path = ask.path.strip_suffix("/**").unwrap_or(&ask.path);
    let path = if path.is_empty() { "/" } else { path };
    let plain = path.starts_with('/')
        && !path.contains(['*', '?', '[', '{', '\0'])
        && !path
            .split('/')
            .skip(1)
            .any(|part| matches!(part, "." | "..") || (part.is_empty() && path != "/"));
    if plain {
        Ok(path)
    } else {
        Err(RightsError::Unenforced { kind: format!("files with the path pattern `{}`", ask.path) })
    }
}

/// What of `inner` lies below `outer`: `/a/b` below `/a` is `/b`, and `/a` below itself is nothing.
fn below<'a>(inner: &'a str, outer: &str) -> Option<&'a str> {
    let rest = inner.strip_prefix(outer.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{EnvAsk, HttpAsk};

    fn grants(all: &[&str]) -> Grants {
        Grants(all.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn files(path: &str, access: &[Access]) -> Asked {
        let ask = FilesAsk { path: path.into(), access: access.into(), reason: "words".into() };
        Asked { files: vec![ask], ..Asked::default() }
    }

    #[test]
    fn nothing_asked_and_nothing_granted_is_no_right() {
        assert_eq!(Rights::intersect(&Asked::default(), &Grants::default()), Ok(Rights::default()));
    }

    #[test]
    fn an_ask_without_a_grant_names_the_grant_to_add() {
        let error = Rights::intersect(&files("/data/**", &[Access::Read]), &Grants::default());
        let Err(RightsError::Missing(missing)) = error else { panic!("{error:?}") };
        assert_eq!(missing[0].grant, "files:HOST_DIRECTORY=/data:read");
    }

    #[test]
    fn the_deeper_directory_and_the_smaller_access_win() {
        let asked = files("/data/words/**", &[Access::Read]);
        let rights = Rights::intersect(&asked, &grants(&["files:/srv=/data:read,write"])).unwrap();
        assert_eq!(
            rights.files,
            [FilesRight {
                host: "/srv".into(),
                below: "/words".into(),
                guest: "/data/words".into(),
                write: false
            }]
        );
        let asked = files("/data", &[Access::Read, Access::Write]);
        let rights = Rights::intersect(&asked, &grants(&["files:/srv=/data/a:read"])).unwrap();
        assert_eq!(
            rights.files,
            [FilesRight {
                host: "/srv".into(),
                below: String::new(),
                guest: "/data/a".into(),
                write: false
            }]
        );
    }

    #[test]
    fn a_neighbour_with_the_same_beginning_is_another_directory() {
        let asked = files("/data", &[Access::Read]);
        assert_eq!(
            Rights::intersect(&asked, &grants(&["files:/srv=/data-secret:read"])),
            Err(RightsError::Unasked("files:/srv=/data-secret:read".parse().unwrap()))
        );
    }

    #[test]
    fn a_glob_inside_a_path_is_refused_because_nothing_enforces_it() {
        for path in ["/data/*.txt", "data", "/data/../etc", "/data//x", "/**/x"] {
            let asked = files(path, &[Access::Read]);
            let error = Rights::intersect(&asked, &Grants::default());
            assert!(matches!(error, Err(RightsError::Unenforced { .. })), "{path}: {error:?}");
        }
    }

    #[test]
    fn a_request_needs_both_keys() {
        let asked = Asked {
            http: vec![HttpAsk {
                host: "*.example.com".parse().unwrap(),
                methods: vec!["GET".into()],
                path: "/v1/**".parse().unwrap(),
                reason: "prices".into(),
            }],
            ..Asked::default()
        };
        let rights = Rights::intersect(&asked, &grants(&["http:api.example.com"])).unwrap();
        assert!(rights.http("GET", "api.example.com", 443, 443, "/v1/x").is_some());
        assert!(rights.http("POST", "api.example.com", 443, 443, "/v1/x").is_none());
        assert!(rights.http("GET", "other.example.com", 443, 443, "/v1/x").is_none());
        assert!(rights.http("GET", "api.example.com", 443, 443, "/v2/x").is_none());
        assert!(rights.http("GET", "api.example.com", 8443, 443, "/v1/x").is_none());
    }

    #[test]
    fn a_file_without_a_manifest_gets_what_is_granted() {
        let rights =
            Rights::intersect(&Asked::unstated(), &grants(&["env:A=b", "http:x.org"])).unwrap();
        assert_eq!(rights.env, [EnvRight { name: "A".into(), value: Some("b".into()) }]);
        assert_eq!(rights.http.len(), 1);
    }

    #[test]
    fn variables_are_by_exact_name() {
        let asked = Asked {
            env: vec![EnvAsk { name: "TZ".into(), reason: "dates".into() }],
            ..Asked::default()
        };
        assert!(Rights::intersect(&asked, &grants(&["env:TZ"])).is_ok());
        assert!(Rights::intersect(&asked, &grants(&["env:TZ", "env:HOME"])).is_err());
    }
}
