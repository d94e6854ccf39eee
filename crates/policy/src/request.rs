//! One question to a policy: may this principal do this act to this subject, now?

use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use airssys_wasm_model::Name;

use crate::act::{Act, SubjectKind};
use crate::principal::Principal;
use crate::subject::Subject;

/// One question to a policy.
///
/// A deploy that brings grants is several questions: one `deploy`, and a `grant` for each capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    principal: Principal,
    act: Act,
    subject: Subject,
    now: SystemTime,
    source: Option<IpAddr>,
    node: Name,
}

/// Why a question can't be put.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RequestError {
    /// The act is done to something else.
    #[error("`{act}` is done to {wanted}, not to {given}")]
    Subject {
        /// The act.
        act: Act,
        /// What it is done to.
        wanted: SubjectKind,
        /// What was given.
        given: SubjectKind,
    },
    /// A text that a policy would have to read is too long.
    #[error("{what} has more than {} bytes", Request::MAX_TEXT_BYTES)]
    TooLong {
        /// Which text.
        what: &'static str,
    },
    /// More roles than a principal or a token may have.
    #[error("{given} roles are more than the {} that one may have", Request::MAX_ROLES)]
    Roles {
        /// How many.
        given: usize,
    },
}

impl Request {
    /// The longest text of a request. A path of Linux has 4,096 bytes, and a grant names two of them.
    pub const MAX_TEXT_BYTES: usize = 16 << 10;

    /// The most roles of a principal. Each is looked at for each policy.
    pub const MAX_ROLES: usize = 16;

    /// Puts a question. `now` is what policies see as `context.now`.
    ///
    /// # Errors
    ///
    /// When the subject is not of the act's kind, or something in it is beyond its bound.
    pub fn new(
        principal: Principal,
        act: Act,
        subject: Subject,
        now: SystemTime,
    ) -> Result<Self, RequestError> {
        let (wanted, given) = (act.subject(), subject.kind());
        if wanted != given {
            return Err(RequestError::Subject { act, wanted, given });
        }
        check_roles(principal.roles().len())?;
        check_bounds(&subject)?;
        let node = "local".parse().expect("a literal name");
        Ok(Self { principal, act, subject, now, source: None, node })
    }

    /// Says where it comes from: `context.source` in a policy.
    #[must_use]
    pub fn from_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Names the node, which is `Node::"local"` otherwise.
    #[must_use]
    pub fn at_node(mut self, node: Name) -> Self {
        self.node = node;
        self
    }

    /// Who asks.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What they want to do.
    pub const fn act(&self) -> Act {
        self.act
    }

    /// What they want to do it to.
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) const fn now(&self) -> SystemTime {
        self.now
    }

    pub(crate) const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    pub(crate) const fn node(&self) -> &Name {
        &self.node
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.principal, self.act)?;
        match &self.subject {
            Subject::Node => Ok(()),
            Subject::Service(service) => write!(f, " `{}`", service.name),
            Subject::Release(release) => write!(f, " `{}`", release.release),
            Subject::Rollout(service, release) => {
                write!(f, " `{}` with `{}`", service.name, release.release)
            }
            Subject::Grant(service, capability) => {
                write!(f, " `{}:{}` on `{}`", capability.kind, capability.target, service.name)
            }
            Subject::Secret(name) => write!(f, " `{name}`"),
            Subject::Token { name, .. } => write!(f, " `{name}`"),
        }
    }
}

fn check_bounds(subject: &Subject) -> Result<(), RequestError> {
    match subject {
        Subject::Node => Ok(()),
        Subject::Service(_) | Subject::Release(_) | Subject::Rollout(..) => Ok(()),
        Subject::Grant(_, capability) => {
            check_text("the capability", &capability.target)?;
            check_text("the capability's kind", &capability.kind)
        }
        Subject::Secret(name) => check_text("the secret's name", name),
        Subject::Token { roles, .. } => check_roles(roles.len()),
    }
}

fn check_text(what: &'static str, text: &str) -> Result<(), RequestError> {
    (text.len() <= Request::MAX_TEXT_BYTES).then_some(()).ok_or(RequestError::TooLong { what })
}

fn check_roles(given: usize) -> Result<(), RequestError> {
    (given <= Request::MAX_ROLES).then_some(()).ok_or(RequestError::Roles { given })
}
