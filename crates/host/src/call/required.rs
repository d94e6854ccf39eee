//! What a component's own code asks for: `capabilities.required`, called on an instance of its own that
//! has seen no configuration.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use super::error::CallError;
use super::instance::bare;
use crate::bindings::exports::airssys::component::capabilities as contract;
use crate::context::{CallCtx, RequestId};
use crate::lanes::Lane;
use crate::limit::Metered;
use crate::pool::Pool;
use crate::prepare::Prepared;

/// One thing that the code asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// What.
    pub capability: RequiredCapability,
    /// Why, if it says so.
    pub reason: Option<String>,
}

/// What code can ask for. The kinds are those of the interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequiredCapability {
    /// To read below a directory, as the guest sees it.
    FileRead(String),
    /// To write below a directory, as the guest sees it.
    FileWrite(String),
    /// To send HTTP requests to a host.
    NetworkOutbound(String),
    /// To see an environment variable.
    Environment(String),
}

impl Prepared {
    /// Asks the code what it requires; a component without the interface requires nothing. The guest runs
    /// within its limits and with the rights it was prepared with, which should be none.
    pub async fn required(&self) -> Result<Vec<Required>, CallError> {
        let Some(capabilities) = &self.0.home.doors.capabilities else { return Ok(Vec::new()) };
        let pool = Pool::new(self.clone());
        let asking = pin!(async {
            let call = Arc::new(CallCtx::new(RequestId::draw()));
            let mut instance = bare(&pool, call, None, Lane::HOME).await?;
            let store = &mut instance.store;
            let answered = match capabilities.load(&mut *store, &instance.instance) {
                Ok(guest) => guest.call_required(&mut *store).await,
                Err(error) => Err(error),
            };
            answered.map_err(|error| CallError::of(&error, store.data()))
        });
        let until = Instant::now() + pool.time_limit();
        Ok(Metered::new(asking, &*pool, until).await??.into_iter().map(Required::from).collect())
    }
}

impl From<contract::Request> for Required {
    fn from(request: contract::Request) -> Self {
        let capability = match request.capability {
            contract::Capability::FileRead(dir) => RequiredCapability::FileRead(dir),
            contract::Capability::FileWrite(dir) => RequiredCapability::FileWrite(dir),
            contract::Capability::NetworkOutbound(host) => {
                RequiredCapability::NetworkOutbound(host)
            }
            contract::Capability::Environment(name) => RequiredCapability::Environment(name),
        };
        Self { capability, reason: request.reason }
    }
}
