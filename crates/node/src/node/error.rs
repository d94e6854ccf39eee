//! Why a node does not start.

use airssys_wasm_deploy::NotSaved;
use airssys_wasm_host::{AuthoritiesError, HostError};
use airssys_wasm_model::Name;
use airssys_wasm_store::audit::{KeyError, TrailError};
use airssys_wasm_store::{RecordError, StoreError};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its data directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its audit trail.
    #[error(transparent)]
    Trail(#[from] TrailError),
    /// The key of its audit trail.
    #[error(transparent)]
    TrailKey(#[from] KeyError),
    /// Its engine, or the directory for compiled code.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The authorities that gates and metrics are to be believed by.
    #[error(transparent)]
    GateCa(AuthoritiesError),
    /// The authorities that the servers are to be believed by which services reach.
    #[error(transparent)]
    OutboundCa(AuthoritiesError),
    /// Its records.
    #[error("the records of the node cannot be read")]
    Records(#[from] RecordError),
    /// The record of a service.
    #[error("the record `{key}` cannot be read by this version")]
    Record {
        /// Its key in the store.
        key: String,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
    /// A record could not be written.
    #[error("the record of service `{service}` cannot be written: {reason}")]
    NotSaved {
        /// Which service.
        service: Name,
        /// Why.
        reason: String,
    },
    /// What was decided for several services could not be written to theirs.
    #[error("an update of several services cannot go on")]
    NotTold(#[from] NotSaved),
}

impl NodeError {
    /// Whether another process has the data directory.
    pub fn is_in_use(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Locked { .. }) | Self::Trail(TrailError::Locked { .. })
        )
    }
}
