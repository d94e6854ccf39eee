//! The words every part of airssys-wasm shares: names, versions, digests, capabilities, limits and
//! manifests.
//!
//! This crate parses once, at the edge, so that later code never re-checks. It does no I/O, starts no
//! thread and knows nothing of wasm, HTTP or disks.

#![forbid(unsafe_code)]

mod build;
mod capability;
mod checks;
mod digest;
mod instances;
mod limits;
mod manifest;
mod name;
mod rollout;
mod routing;
mod signer;
mod unit;
mod version;

pub use build::{Build, ComponentKind, UnknownComponentKind};
pub use capability::{
    Access, AccessSet, AccessWord, AddressBlock, AskStanding, Asked, BlobstoreAsk, BlockError,
    DataAccess, Decision, Denial, Destination, Determinism, Difference, Directories,
    DirectoryRight, DnsAsk, DnsRights, EnvAsk, EnvGrant, EnvRight, FileAccess, FilesAsk,
    FilesGrant, FixedClock, FixedTime, Glob, GlobError, Grant, GrantError, Grants, HostError,
    HostPattern, Hosts, HttpAsk, HttpGrant, HttpRight, KeyvalueAsk, Kind, ListenAsk, ListenGrant,
    ListenRights, MessagingAsk, MissingGrant, MoreAsked, NamePattern, NetAsk, NetGrant, NetRights,
    PathPattern, Ports, ProcessAsk, ProcessRights, Program, Programs, ProgramsError, Protocol,
    RemoteHost, Rights, RightsError, Scope, ScopeRights, SecretAsk, SecretGrant, SecretName,
    SecretRights, SecretUse, ServiceAsk, ServiceGrant, ServiceRights, Suggestion, TopicAccess,
    UNENFORCED_KINDS, UnusedAsk, Use, WordPattern, is_inside, suggest,
};
pub use digest::{Digest, DigestError};
pub use instances::{InstanceModel, Instances};
pub use limits::Limits;
pub use manifest::{
    Component, HttpSettings, MANIFEST_SECTION, Manifest, ManifestError, ManifestPosition,
};
pub use name::{Name, NameError};
pub use rollout::{
    CompareBy, Endpoint, ExperimentSettings, Gate, GateAt, GateBy, GateSettings, LONGEST_WINDOW,
    MetricSettings, OnDecision, OnInconclusive, OnTimeout, PauseFor, RolloutError, RolloutSettings,
    ShadowSettings, ShadowThen, StepAct, StepSettings, StrategyName, Success,
};
pub use routing::{
    Attribute, AttributeError, Condition, ConditionError, FieldName, KEY_HEADER, Match, MatchError,
    RoutingSettings, StickyBy, Test,
};
pub use signer::{Signer, SignerError};
pub use unit::{ByteSize, Span};
pub use version::{ReleaseRef, ReleaseRefError, RevisionNumber, Version, VersionError};
