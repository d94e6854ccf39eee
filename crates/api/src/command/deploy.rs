//! Bringing a component to the node.

use airssys_wasm_model::{
    Asked, Determinism, Digest, Grant, Grants, Name, ReleaseRef, Rights, RightsError, Version,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where the component's bytes are. They were uploaded before: a command carries none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Uploaded bytes, by the digest that the upload answered.
    Artifact(Digest),
    /// A release stored before.
    Release(ReleaseRef),
}

/// Store, prepare, start and route a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// What to deploy.
    pub source: Source,
    /// The service's name; the component's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The release's version; the component's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Configuration, laid over the manifest's defaults key by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// What the operator allows. Nothing unless said.
    #[serde(default)]
    pub grants: Grants,
    /// Allow all that the manifest asks for, besides `grants`.
    #[serde(default)]
    pub grant_asked: bool,
    /// What is fixed of its surroundings, over the manifest's word, for this revision alone.
    #[serde(default, skip_serializing_if = "Determinism::is_none")]
    pub determinism: Determinism,
    /// Take a release that others have signed than the one before of its name, or nobody.
    #[serde(default)]
    pub accept_signer: bool,
    /// Say what would happen and change nothing.
    #[serde(default)]
    pub plan_only: bool,
}

impl Deploy {
    /// As it is, under its own name and version, with nothing granted.
    pub fn of(source: Source) -> Self {
        Self {
            source,
            name: None,
            version: None,
            config: None,
            grants: Grants::default(),
            grant_asked: false,
            determinism: Determinism::default(),
            accept_signer: false,
            plan_only: false,
        }
    }
}

/// Store a release without running it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Uploaded bytes, by the digest that the upload answered.
    pub artifact: Digest,
    /// The release's name; the component's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The release's version; the component's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Take a release that others have signed than the one before of its name, or nobody.
    #[serde(default)]
    pub accept_signer: bool,
}

/// The grants with those added that cover what is asked and not granted yet: what `grant_asked` means.
///
/// A directory that is asked for is granted under the same path on the node, since nobody named another.
pub fn grant_all_asked(asked: &Asked, grants: &Grants) -> Result<Grants, RightsError> {
    let missing = match Rights::intersect(asked, grants) {
        Ok(_) => return Ok(grants.clone()),
        Err(RightsError::Missing(missing)) => missing,
        Err(other) => return Err(other),
    };
    let mut all = grants.clone();
    for one in missing {
        all.0.push(same_directory(&one.grant).ok_or(RightsError::Missing(vec![one]))?);
    }
    Rights::intersect(asked, &all).map(|_| all)
}

/// The grant that a missing one suggests, with the guest's own path where the operator would choose.
fn same_directory(suggested: &str) -> Option<Grant> {
    let text = match suggested.strip_prefix("files:HOST_DIRECTORY=") {
        Some(rest) => format!("files:{}={rest}", rest.rsplit_once(':')?.0),
        None => suggested.to_owned(),
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use airssys_wasm_model::{Access, EnvAsk, FilesAsk};

    use super::*;

    #[test]
    fn all_that_is_asked_is_granted_beside_what_was_chosen() {
        let file = |path: &str| FilesAsk {
            path: path.into(),
            access: vec![Access::Read],
            reason: "words".into(),
        };
        let asked = Asked {
            files: vec![file("/data/**"), file("/etc/words")],
            env: vec![EnvAsk { name: "TZ".into(), reason: "dates".into() }],
            ..Asked::default()
        };
        let chosen = Grants(vec!["files:/srv=/data:read".parse().unwrap()]);
        let all = grant_all_asked(&asked, &chosen).unwrap();
        let said: Vec<_> = all.0.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["files:/srv=/data:read", "files:/etc/words=/etc/words:read", "env:TZ"]);
    }

    #[test]
    fn what_nothing_enforces_is_not_granted_either() {
        let asked = Asked { unenforced: vec!["messaging".into()], ..Asked::default() };
        assert!(grant_all_asked(&asked, &Grants::default()).is_err());
    }
}
