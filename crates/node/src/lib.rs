//! Runs WebAssembly components and changes them while they run: the node, and the library to embed.

#![forbid(unsafe_code)]

mod acting;
mod asking;
mod attributes;
mod audit;
mod authority;
mod authors;
mod batches;
mod buckets;
mod calling;
mod collecting;
mod containers;
mod control;
mod deploying;
mod events;
mod evidence;
mod failing;
mod fleet;
mod granting;
mod handled;
mod ingress;
mod listen;
mod live;
mod logs;
mod mailbox;
mod metrics;
mod naming;
mod node;
mod outside;
mod patience;
mod plugin;
mod recovery;
mod releases;
mod reports;
mod resting;
mod rings;
mod secrets;
mod server;
mod service;
mod shadow;
mod single;
mod starting;
mod state;
mod steering;
mod successes;
mod suggesting;
#[cfg(test)]
mod testing;
mod tls;
mod waiting;
mod walking;

pub use airssys_wasm_host::{
    CallError, Fault, HostSettings, Input, Kind, Level, Limit, Line, LineSource, LogSink, Output,
    Pooling, Resolver, SystemResolver, Value,
};
pub use airssys_wasm_model as model;
pub use airssys_wasm_policy::VOCABULARY as POLICY_VOCABULARY;
pub use airssys_wasm_store::{KeyRing, KeySource, SecretKey};
pub use audit::{AuditChoice, AuditLevel, AuditLevelError, TrailKey, verify_stopped};
pub use authority::{check_policy, default_policy};
pub use node::{Node, NodeError, NodeSettings};
pub use plugin::{Plugin, PluginError, PluginSettings, Plugins};
pub use server::{Server, ServerError, ServerSettings};
pub use single::serve_pool;
pub use tls::{CertificateAuthority, Encryption, TlsError};
