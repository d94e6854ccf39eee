//! Runs WebAssembly components: the only crate that knows wasmtime.
//!
//! A [`Host`] is the engine, the linker and the cache of compiled artifacts. [`Host::prepare`] turns an
//! artifact and a [`RevisionSpec`] into a [`Prepared`] revision: compiled, its imports type-checked, its
//! rights settled. A [`Pool`] holds a revision's instances, and [`Pool::claim`] gives out a [`Lease`]:
//! one call on one instance.
//!
//! A guest's import is the check: what [`Rights`](airssys_wasm_model::Rights) do not allow has no other
//! way out. Nothing here knows of services, routing or disks beyond its own cache.

mod actor;
mod adapt;
mod artifact;
mod backends;
mod bindings;
mod blobstore;
mod cache;
mod call;
mod chain;
mod context;
mod engine;
mod gauges;
mod guest;
mod histogram;
mod instance;
mod keyvalue;
mod known;
mod lanes;
mod limit;
mod linked;
mod output;
mod pool;
mod prepare;
mod process;
mod rights;
mod secret;
mod services;
mod signature;
mod trust;
mod turns;
mod wasi;
mod watch;
mod workers;

pub use actor::{
    ActorKey, KeyTooLong, MemoryKeeper, SavedState, StateError, StateKeeper, Turn, TurnError,
};
pub use adapt::{AdaptError, adapt};
pub use artifact::{ArtifactError, FunctionSignature, Inspection, Offers, inspect};
pub use backends::Backends;
pub use blobstore::{
    BlobContainer, BlobId, BlobInfo, BlobNames, BlobReader, BlobStore, BlobStoreError, BlobWriter,
    MemoryBlobs,
};
pub use call::{
    CallError, CommandIo, Exit, Fault, HttpBody, HttpError, Input, Kind, Output, RequestBody,
    Required, RequiredCapability, Value,
};
pub use chain::{Chain, TooDeep};
pub use context::{CallCtx, Caller, Mode, RequestId};
pub use engine::{Allocation, Host, HostError, HostSettings, Pooling};
pub use gauges::Costs;
pub use histogram::Histogram;
pub use keyvalue::{Bucket, Entry, KeyPage, KeyValueError, KeyValueStore, MemoryBuckets, Swap};
pub use limit::{Limit, LimitUse};
pub use output::{Level, Line, LineSource, LogSink, NoLog};
pub use pool::{ClaimError, Lease, NoShadow, Pool, PoolStats};
pub use prepare::{CompileReport, PrepareError, Prepared, RevisionSpec};
pub use process::Processes;
pub use rights::DirectoryError;
pub use secret::{SecretError, SecretSource, SecretValue};
pub use services::{ServiceBody, ServiceFault, Services, Unreached};
pub use signature::{KeyError, KeyPair, SignError, SignatureError, read_signer, sign, signers};
pub use trust::{Authorities, AuthoritiesError};
pub use wasi::{Resolver, SystemResolver};
pub use watch::{NoWatch, Use, User, Watch};
