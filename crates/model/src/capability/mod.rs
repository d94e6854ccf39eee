//! Capabilities: what a component asks for, what an operator grants, and the rights that are both.
//!
//! Each kind has a file with its three sides: what a manifest asks, what a grant says, and the right that
//! both make, with the check that the host calls. Deciding is all that happens here; `host` checks each of a
//! guest's imports against [`Rights`].

mod access;
mod address;
mod asked;
mod asking;
mod blobstore;
mod decision;
mod destination;
mod determinism;
mod difference;
mod directories;
mod dns;
mod env;
mod file_rules;
mod files;
mod gate;
mod glob;
mod grant;
mod grants;
mod grants_file;
mod host;
mod http;
mod http_host;
mod keyvalue;
mod kind;
mod listen;
mod meeting;
mod messaging;
mod missing;
mod net;
mod process;
mod rights;
mod scope;
mod secrets;
mod services;
mod standing;
mod suggest;
#[cfg(test)]
mod tests;
mod texts;
mod url_path;

pub use access::{Access, AccessWord, DataAccess, FileAccess, TopicAccess};
pub use address::{AddressBlock, BlockError, is_inside};
pub use asked::Asked;
pub use blobstore::BlobstoreAsk;
pub use decision::{Decision, Denial};
pub use destination::{Destination, Hosts, Ports, Protocol};
pub use determinism::{Determinism, FixedClock, FixedTime};
pub use difference::{Difference, MoreAsked};
pub use directories::{Directories, DirectoryRight};
pub use dns::{DnsAsk, DnsRights};
pub use env::{EnvAsk, EnvGrant, EnvRight};
pub use files::{FilesAsk, FilesGrant};
pub use glob::{Glob, GlobError};
pub use grant::{Grant, GrantError};
pub use grants::Grants;
pub use host::{HostError, NamePattern, RemoteHost};
pub use http::{HttpAsk, HttpGrant, HttpRight};
pub use http_host::HostPattern;
pub use keyvalue::KeyvalueAsk;
pub use kind::{Kind, UNENFORCED_KINDS};
pub use listen::{ListenAsk, ListenGrant, ListenRights};
pub use messaging::MessagingAsk;
pub use missing::{MissingGrant, RightsError};
pub use net::{NetAsk, NetGrant, NetRights};
pub use process::{ProcessAsk, ProcessRights, Program, Programs, ProgramsError};
pub use rights::Rights;
pub use scope::{AccessSet, Scope, ScopeRights, WordPattern};
pub use secrets::{SecretAsk, SecretGrant, SecretName, SecretRights, SecretUse};
pub use services::{ServiceAsk, ServiceGrant, ServiceRights};
pub use standing::AskStanding;
pub use suggest::{Suggestion, UnusedAsk, Use, suggest};
pub use url_path::PathPattern;
