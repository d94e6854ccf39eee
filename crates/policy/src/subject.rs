//! What an act is done to, with what a policy may know of it.

use std::collections::BTreeSet;

use airssys_wasm_model::{Name, ReleaseRef, Signer};

use crate::act::SubjectKind;
use crate::capability::Capability;

/// What an act is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The node itself.
    Node,
    /// A service.
    Service(Service),
    /// A release to store.
    Release(Release),
    /// A service, and the release it is to run.
    Rollout(Service, Release),
    /// A service, and what it is to reach or no longer to reach.
    Grant(Service, Capability),
    /// A secret's name.
    Secret(String),
    /// A token to make or to take back.
    Token {
        /// Its name.
        name: Name,
        /// What it makes of whoever holds it.
        roles: BTreeSet<Name>,
    },
}

/// A service, as a policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: Name,
    /// Whose signatures of its active release were verified.
    pub signers: Vec<Signer>,
}

/// A release, as a policy sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Name and version.
    pub release: ReleaseRef,
    /// Whose signatures were verified.
    pub signers: Vec<Signer>,
}

impl Subject {
    /// Which kind it is.
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::Node => SubjectKind::Node,
            Self::Service(_) => SubjectKind::Service,
            Self::Release(_) => SubjectKind::Release,
            Self::Rollout(..) => SubjectKind::Rollout,
            Self::Grant(..) => SubjectKind::Grant,
            Self::Secret(_) => SubjectKind::Secret,
            Self::Token { .. } => SubjectKind::Token,
        }
    }

    /// The service it is about.
    pub const fn service(&self) -> Option<&Service> {
        match self {
            Self::Service(service) | Self::Rollout(service, _) | Self::Grant(service, _) => {
                Some(service)
            }
            Self::Node | Self::Release(_) | Self::Secret(_) | Self::Token { .. } => None,
        }
    }
}

impl Service {
    /// A service whose active release nobody signed, or that does not exist yet.
    pub const fn unsigned(name: Name) -> Self {
        Self { name, signers: Vec::new() }
    }
}
