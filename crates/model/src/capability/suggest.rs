//! The least grants that cover what was seen used, and what was asked for and never used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{Access, FileAccess, split};
use super::asked::Asked;
use super::files::FilesGrant;
use super::glob::below;
use super::grant::Grant;
use super::grants::Grants;
use super::http::HttpGrant;
use super::kind::Kind;
use super::meeting::Ask;
use super::url_path::PathPattern;

/// A use that was seen, as the audit trail has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Use {
    /// Of which kind.
    pub kind: Kind,
    /// What was used, written as a grant of the kind has it, without access: `/data/a.txt`,
    /// `api.example.com/v1/x`, `smtp.example.com:25`, `sessions`.
    pub target: String,
    /// What was done with it: words such as `read`, an HTTP method, or nothing.
    pub access: String,
    /// How often.
    pub count: u64,
}

/// What to grant, and what to stop asking for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// The grants, as `--grant` takes them.
    pub grants: Vec<String>,
    /// What none of the uses needed.
    pub unused: Vec<UnusedAsk>,
    /// Uses that no grant could be written for: of a file that no grant reaches any more, or unreadable.
    pub uncovered: Vec<Use>,
}

/// An ask that nothing needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnusedAsk {
    /// Its kind.
    pub kind: Kind,
    /// What is asked, as a person would say it.
    pub asked: String,
    /// Why, in the manifest's words.
    pub reason: String,
}

/// The least grants that allow all of `uses`, and the asks that none of these grants touches. `granted` says
/// where on this machine the guest's files are, and which values variables have.
///
/// Uses that are alike go into one grant: files of one granted directory into their deepest common directory,
/// requests to one host into their common path, and the accesses to one bucket.
pub fn suggest(asked: &Asked, granted: &Grants, uses: &[Use]) -> Suggestion {
    let mut found = Suggestion::default();
    let mut grants: Vec<Grant> = Vec::new();
    for one in uses {
        match least(one, granted) {
            Some(grant) => add(&mut grants, grant, granted),
            None => found.uncovered.push(one.clone()),
        }
    }
    found.unused = unused(asked, &grants);
    found.grants = grants.iter().map(ToString::to_string).collect();
    found
}

/// The narrowest grant that allows one use.
fn least(one: &Use, granted: &Grants) -> Option<Grant> {
    let Use { kind, target, access, .. } = one;
    match kind {
        Kind::Files => file(target, access, granted),
        Kind::Env => {
            let is_it = |grant: &&Grant| matches!(grant, Grant::Env(env) if env.name == *target);
            let same = granted.0.iter().find(is_it).cloned();
            same.or_else(|| Grant::read(&format!("env:{target}")).ok())
        }
        kind if access.is_empty() => Grant::read(&format!("{kind}:{target}")).ok(),
        kind => Grant::read(&format!("{kind}:{target}:{access}")).ok(),
    }
}

/// The directory that a file is in, as the deepest grant that reaches it maps it.
fn file(path: &str, access: &str, granted: &Grants) -> Option<Grant> {
    let access: Vec<Access> = split(access)?;
    let dir = path.rsplit_once('/')?.0;
    let reaching = granted.0.iter().filter_map(|grant| match grant {
        Grant::Files(files) => {
            let root = files.guest.trim_end_matches('/');
            // A use of the granted directory itself is one of that, and not of its parent.
            let way = if path == root { "" } else { below(dir, root)? };
            FileAccess::of(&files.access).contains(FileAccess::of(&access)).then_some((files, way))
        }
        _ => None,
    });
    let (files, way) = reaching.max_by_key(|(files, _)| files.guest.len())?;
    let way = if way.is_empty() { String::new() } else { format!("/{}", way.trim_matches('/')) };
    let deeper = |dir: &str| match format!("{}{way}", dir.trim_end_matches('/')) {
        root if root.is_empty() => "/".to_owned(),
        deeper => deeper,
    };
    let (host, guest) = (deeper(&files.host), deeper(&files.guest));
    let access = FileAccess::of(&access).words();
    FilesGrant { host, guest, access }.checked().ok().map(Grant::Files)
}

/// Adds a grant to those so far, widening the one that is like it, but not beyond what is granted now.
fn add(grants: &mut Vec<Grant>, grant: Grant, granted: &Grants) {
    let is_granted = |one: &Grant| granted.0.iter().any(|all| all.meet(one).as_ref() == Some(one));
    for before in grants.iter_mut() {
        if let Some(both) = join(before, &grant)
            && (is_granted(&both) || !is_granted(before) || !is_granted(&grant))
        {
            *before = both;
            return;
        }
    }
    grants.push(grant);
}

/// One grant for what two allow, where they are alike.
fn join(one: &Grant, other: &Grant) -> Option<Grant> {
    match (one, other) {
        (one, other) if one == other => Some(one.clone()),
        (Grant::Files(one), Grant::Files(other)) => join_files(one, other).map(Grant::Files),
        (Grant::Http(one), Grant::Http(other)) if one.host == other.host => {
            let methods = match one.methods.is_empty() || other.methods.is_empty() {
                true => Vec::new(),
                false => one.methods.iter().chain(&other.methods).cloned().collect(),
            };
            let path = common_path(&one.path, &other.path);
            HttpGrant { host: one.host.clone(), methods, path }.checked().ok().map(Grant::Http)
        }
        (Grant::Keyvalue(one), Grant::Keyvalue(other)) => one.join(other).map(Grant::Keyvalue),
        (Grant::Blobstore(one), Grant::Blobstore(other)) => one.join(other).map(Grant::Blobstore),
        (Grant::Messaging(one), Grant::Messaging(other)) => one.join(other).map(Grant::Messaging),
        (Grant::Services(one), Grant::Services(other)) => one.join(other).map(Grant::Services),
        _ => None,
    }
}

/// The deepest directory that holds both, where both map it alike and it is not all of the guest's files.
fn join_files(one: &FilesGrant, other: &FilesGrant) -> Option<FilesGrant> {
    let mut up = one.clone();
    while below(&other.guest, up.guest.trim_end_matches('/')).is_none() {
        let (guest, name) = up.guest.rsplit_once('/').filter(|(guest, _)| !guest.is_empty())?;
        let host = up.host.strip_suffix(name)?.strip_suffix('/')?;
        up = FilesGrant { host: host.to_owned(), guest: guest.to_owned(), access: up.access };
    }
    let way = below(&other.guest, up.guest.trim_end_matches('/'))?;
    let same = below(&other.host, up.host.trim_end_matches('/'))? == way;
    up.access = FileAccess::of(&up.access).or(FileAccess::of(&other.access)).words();
    if same { up.checked().ok() } else { None }
}

/// The path itself where both are the same, else all below what they share.
fn common_path(one: &PathPattern, other: &PathPattern) -> PathPattern {
    if one.covers(other) {
        return one.clone();
    }
    let (one, other) = (one.to_string(), other.to_string());
    let pairs = one.split('/').zip(other.split('/'));
    // `**` stands for one segment at least, so each path has to keep one beyond what they share.
    let most = one.split('/').count().min(other.split('/').count()) - 1;
    let shared = pairs.take(most).take_while(|(mine, theirs)| mine == theirs && *mine != "**");
    let shared: Vec<_> = shared.map(|(segment, _)| segment).collect();
    format!("{}/**", shared.join("/")).parse().unwrap_or_else(|_| PathPattern::any())
}

fn unused(asked: &Asked, grants: &[Grant]) -> Vec<UnusedAsk> {
    fn of<A: Ask>(all: &mut Vec<UnusedAsk>, asks: &[A], is_met: impl Fn(&A) -> bool) {
        all.extend(asks.iter().filter(|ask| !is_met(ask)).map(|ask| UnusedAsk {
            kind: A::KIND,
            asked: ask.said(),
            reason: ask.reason().to_owned(),
        }));
    }
    macro_rules! unused {
        ($all:ident, $($field:ident: $kind:ident),*) => {
            $(of(&mut $all, &asked.$field, |ask| {
                grants.iter().any(|grant| matches!(grant, Grant::$kind(grant) if ask.meet(grant).is_some()))
            });)*
        };
    }
    let mut all = Vec::new();
    unused!(
        all,
        files: Files,
        http: Http,
        net: Net,
        dns: Dns,
        listen: Listen,
        env: Env,
        secrets: Secrets,
        keyvalue: Keyvalue,
        blobstore: Blobstore,
        messaging: Messaging,
        services: Services,
        process: Process
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(kind: Kind, target: &str, access: &str) -> Use {
        Use { kind, target: target.into(), access: access.into(), count: 1 }
    }

    #[test]
    fn the_least_grants_cover_what_was_used_and_no_more() {
        let grants = ["files:/srv/words=/data:read,write", "env:A=b", "http:*.example.com"];
        let granted = Grants(grants.iter().map(|text| text.parse().unwrap()).collect());
        let uses = [
            seen(Kind::Files, "/data/en/a.txt", "read"),
            seen(Kind::Files, "/data/en/deep/b.txt", "read"),
            seen(Kind::Http, "api.example.com/v1/a", "GET"),
            seen(Kind::Http, "api.example.com/v1/b/c", "HEAD"),
            seen(Kind::Env, "A", ""),
            seen(Kind::Keyvalue, "sessions", "read"),
            seen(Kind::Keyvalue, "sessions", "write"),
            seen(Kind::Net, "smtp.example.com:25", ""),
            seen(Kind::Listen, "[::1]:8443", ""),
            // As trails say it that were written before addresses were told.
            seen(Kind::Listen, "53/udp", ""),
            seen(Kind::Files, "/other/x", "read"),
        ];
        let net = |to: &str| super::super::NetAsk {
            to: to.parse().unwrap(),
            protocol: Default::default(),
            reason: "mail".into(),
        };
        let asked =
            Asked { net: vec![net("*.example.com:25"), net("b.org:25")], ..Asked::default() };
        let found = suggest(&asked, &granted, &uses);
        assert_eq!(
            found.grants,
            [
                "files:/srv/words/en=/data/en:read",
                "http:api.example.com/v1/**:GET,HEAD",
                "env:A=b",
                "keyvalue:sessions:read,write",
                "net:smtp.example.com:25",
                "listen:[::1]:8443",
                "listen:53/udp",
            ]
        );
        assert_eq!(found.unused.len(), 1);
        assert_eq!(found.unused[0].asked, "TCP to `b.org:25`");
        assert_eq!(found.uncovered, [uses[10].clone()]);
    }

    #[test]
    fn uses_of_two_grants_are_not_joined_into_one_that_is_wider_than_both() {
        let grants = ["files:/srv/a=/data/a:read", "files:/srv/b=/data/b:read"];
        let granted = Grants(grants.iter().map(|text| text.parse().unwrap()).collect());
        let uses = [
            seen(Kind::Files, "/data/a/x", "read"),
            seen(Kind::Files, "/data/b/x", "read"),
            seen(Kind::Files, "/data/b/y", "write"),
        ];
        let found = suggest(&Asked::default(), &granted, &uses);
        assert_eq!(found.grants, grants);
        assert_eq!(found.uncovered, [uses[2].clone()]);
    }
}
