//! Files: what is asked by globs as the guest sees paths, granted by directories of this machine.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{Access, FileAccess, join, sorted, split};
use super::glob::{Glob, GlobError, below};
use super::kind::Kind;
use super::meeting::Ask;

/// Files that a component wants to use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesAsk {
    /// Where the guest sees them: `/data/**` or `/data`, a whole directory with all below it, or a glob such as
    /// `/data/**/*.txt`.
    pub path: String,
    /// What it does there.
    pub access: Vec<Access>,
    /// Why.
    pub reason: String,
}

/// `files:HOST=GUEST:read,write`: the directory `host` of this machine, seen by the guest as `guest`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesGrant {
    /// An absolute path on this machine.
    pub host: String,
    /// An absolute path as the guest sees it.
    pub guest: String,
    /// What is allowed there.
    pub access: Vec<Access>,
}

/// What one grant allows of one ask, before those of one directory are put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilesShare {
    pub(super) host: String,
    /// Where the grant begins.
    pub(super) granted: String,
    /// Where the guest enters: the deeper one of the grant and of the glob's literal beginning.
    pub(super) mount: String,
    /// The ask, relative to `/`.
    pub(super) glob: Glob,
    pub(super) access: FileAccess,
}

impl FilesAsk {
    /// The glob, relative to `/`.
    pub fn glob(&self) -> Result<Glob, GlobError> {
        Glob::parse_absolute(&self.path)
    }

    /// The literal directory under which all of it lies, and which a grant has to reach.
    fn directory(&self) -> Option<String> {
        self.glob().ok().map(|glob| format!("/{}", glob.prefix()))
    }
}

impl Ask for FilesAsk {
    const KIND: Kind = Kind::Files;
    type Grant = FilesGrant;
    type Right = FilesShare;

    fn of(grant: &FilesGrant) -> Self {
        let FilesGrant { guest, access, .. } = grant.clone();
        Self { path: guest, access, reason: String::new() }
    }

    fn meet(&self, grant: &FilesGrant) -> Option<FilesShare> {
        let glob = self.glob().ok()?;
        let access = FileAccess::of(&self.access).and(FileAccess::of(&grant.access));
        let granted = grant.guest.trim_start_matches('/');
        let mount = if below(glob.prefix(), granted).is_some() {
            glob.prefix().to_owned()
        } else {
            (!glob.below(granted).is_empty()).then(|| granted.to_owned())?
        };
        let (host, granted) = (grant.host.clone(), granted.to_owned());
        (!access.is_empty()).then_some(FilesShare { host, granted, mount, glob, access })
    }

    fn is_covered(&self, before: &[Self]) -> bool {
        let Ok(glob) = self.glob() else { return false };
        let holds = |one: &Self, access| {
            FileAccess::of(&one.access).contains(access)
                && one.glob().is_ok_and(|wide| wide.covers(&glob))
        };
        FileAccess::of(&self.access)
            .each()
            .all(|access| before.iter().any(|one| holds(one, access)))
    }

    fn said(&self) -> String {
        format!("{} in `{}`", join(&self.granted_words()), self.path)
    }

    fn reason(&self) -> &str {
        &self.reason
    }

    fn suggestions(&self) -> Vec<String> {
        let dir = self.directory().unwrap_or_else(|| self.path.clone());
        vec![format!("files:HOST_DIRECTORY={dir}:{}", join(&self.granted_words()))]
    }
}

impl FilesAsk {
    /// The words to grant: a directory given for writing is given for reading too.
    fn granted_words(&self) -> Vec<Access> {
        let mut words = self.access.clone();
        if words.contains(&Access::Write) {
            words.push(Access::Read);
        }
        sorted(words)
    }
}

impl FilesGrant {
    pub(super) fn checked(mut self) -> Result<Self, String> {
        let said = format!("{}={}", self.host, self.guest);
        let parts: Vec<_> = self.guest.split('/').filter(|part| !part.is_empty()).collect();
        let guest = format!("/{}", parts.join("/"));
        // The guest's path is read as a glob where it meets asks: it may be none, and nothing else.
        let is_plain = self.guest.starts_with('/')
            && !guest.contains('=')
            && Glob::parse_absolute(&guest)
                .is_ok_and(|glob| format!("/{}", glob.prefix()) == guest);
        let is_host = std::path::Path::new(&self.host).is_absolute() && !self.host.contains('\0');
        if !is_plain || !is_host || self.access.is_empty() {
            return Err(said);
        }
        self.access = sorted(self.access);
        self.guest = guest;
        Ok(self)
    }

    /// What both allow: the deeper directory, where both give it the same place for the guest.
    pub(super) fn meet(&self, other: &Self) -> Option<Self> {
        let access = FileAccess::of(&self.access).and(FileAccess::of(&other.access));
        let inside = |inner: &Self, outer: &Self| {
            let relative = |path: &str, dir: &str| {
                let (path, dir) = (path.trim_matches('/'), dir.trim_matches('/'));
                below(path, dir).map(ToOwned::to_owned)
            };
            let way = relative(&inner.guest, &outer.guest);
            way.is_some() && way == relative(&inner.host, &outer.host)
        };
        let deeper =
            if inside(self, other) { self } else { inside(other, self).then_some(other)? };
        (!access.is_empty()).then(|| Self { access: access.words(), ..deeper.clone() })
    }
}

impl FromStr for FilesGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || text.to_owned();
        // From the right: a directory of this machine may have a colon or an equals sign.
        let (paths, access) = text.rsplit_once(':').ok_or_else(bad)?;
        let (host, guest) = paths.rsplit_once('=').ok_or_else(bad)?;
        let access = split(access).ok_or_else(bad)?;
        Self { host: host.to_owned(), guest: guest.to_owned(), access }.checked().map_err(|_| bad())
    }
}

impl fmt::Display for FilesGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}:{}", self.host, self.guest, join(&self.access))
    }
}
