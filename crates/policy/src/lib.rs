//! Who may do what: the operator's policy in Cedar (<https://docs.cedarpolicy.com>), and the tokens that say
//! who asks.
//!
//! A policy stands above grants. A component asks, an operator grants, and the policy says who that operator
//! may be and what may be granted at all. Whatever no policy permits is denied.
//!
//! Everything here is pure: texts, records, the time and randomness come in as arguments. It knows no file,
//! no HTTP and no wasm.
//!
//! ```
//! use std::time::SystemTime;
//! use airssys_wasm_policy::{Act, Enforcement, Policy, Principal, Request, Service, Subject};
//!
//! let policy = Policy::parse(Policy::default_text())?;
//! let reader = Principal::token("dashboard".parse()?, ["reader".parse()?]);
//! let shop = Subject::Service(Service::unsigned("shop".parse()?));
//! let request = Request::new(reader, Act::Remove, shop, SystemTime::now())?;
//! let decision = policy.decide(&request, Enforcement::Enforce);
//! assert!(!decision.is_allowed());
//! println!("{}", policy.explain(&request, &decision));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod act;
mod capability;
mod cedar;
mod decision;
mod explain;
mod finding;
mod lint;
mod policy;
mod principal;
mod recording;
mod request;
mod rule;
mod scan;
mod subject;
mod token;

pub use act::{Act, ActError, Group, SubjectKind};
pub use capability::Capability;
pub use decision::{Because, Decision, Effect, Enforcement, RuleError, Verdict};
pub use explain::{Explanation, Near};
pub use finding::{Finding, Severity};
pub use policy::{Policy, PolicyError};
pub use principal::{Principal, UserName, UserNameError};
pub use recording::CALL_UNRECORDED;
pub use request::{Request, RequestError};
pub use subject::{Release, Service, Subject};
pub use token::{
    Presented, PresentedError, SECRET_PREFIX, TokenDraw, TokenError, TokenHash, TokenHashError,
    TokenId, TokenIdError, TokenRecord, TokenSecret, VerifyError,
};

/// The schema that every policy is checked against, in Cedar's own syntax: what `policy schema` prints and
/// editors with Cedar support read.
pub const VOCABULARY: &str = include_str!("vocabulary.cedarschema");
