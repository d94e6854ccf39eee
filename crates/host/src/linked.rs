//! A component linked in one engine: what its instances are made of, and by what their exports are found.

use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi::p2::bindings::CommandIndices as CommandP2;
use wasmtime_wasi::p3::bindings::CommandIndices as CommandP3;
use wasmtime_wasi_http::p2::bindings::ProxyIndices as HttpP2;
use wasmtime_wasi_http::p3::bindings::ServiceIndices as HttpP3;

use crate::artifact::{HttpVersion, Inspection};
use crate::bindings::exports::airssys::component as contract;
use crate::call::Functions;
use crate::engine::Runtime;
use crate::guest::Guest;
use crate::prepare::PrepareError;

/// A component in one engine. An export found here is found in instances of this, and in no other engine's.
pub(crate) struct Linked {
    pub(crate) pre: InstancePre<Guest>,
    pub(crate) doors: Doors,
    pub(crate) functions: Functions,
}

/// The exports that this host calls, found once.
#[derive(Default)]
pub(crate) struct Doors {
    pub(crate) http_p2: Option<HttpP2>,
    pub(crate) http_p3: Option<HttpP3>,
    pub(crate) command_p2: Option<CommandP2>,
    pub(crate) command_p3: Option<CommandP3>,
    pub(crate) handler: Option<contract::handler::GuestIndices>,
    pub(crate) lifecycle: Option<contract::lifecycle::GuestIndices>,
    pub(crate) state: Option<contract::state::GuestIndices>,
    pub(crate) capabilities: Option<contract::capabilities::GuestIndices>,
}

impl Linked {
    /// Links a component that was compiled for this runtime's engine.
    pub(crate) fn new(
        runtime: &Runtime,
        component: &Component,
        inspection: &Inspection,
    ) -> Result<Self, PrepareError> {
        let pre = link(runtime, component)?;
        let doors = Doors::find(&pre, inspection)
            .map_err(|error| PrepareError::Export(format!("{error:#}")))?;
        let functions = Functions::find(component, &runtime.engine, &inspection.offers);
        Ok(Self { pre, doors, functions })
    }
}

fn link(runtime: &Runtime, component: &Component) -> Result<InstancePre<Guest>, PrepareError> {
    runtime.linker.instantiate_pre(component).map_err(|error| {
        let reason = format!("{:#}", error.root_cause());
        let said = format!("{error:#}");
        let import = component
            .component_type()
            .imports(&runtime.engine)
            .map(|(name, _)| name.to_owned())
            .find(|name| said.contains(&format!("`{name}`")));
        PrepareError::Import { import: import.unwrap_or_else(|| "?".into()), reason }
    })
}

impl Doors {
    fn find(pre: &InstancePre<Guest>, inspection: &Inspection) -> wasmtime::Result<Self> {
        let offers = &inspection.offers;
        let mut doors = Self::default();
        match offers.http {
            Some(HttpVersion::P2) => doors.http_p2 = Some(HttpP2::new(pre)?),
            Some(HttpVersion::P3) => doors.http_p3 = Some(HttpP3::new(pre)?),
            None => {}
        }
        if offers.command {
            match CommandP3::new(pre) {
                Ok(command) => doors.command_p3 = Some(command),
                Err(_not_0_3) => doors.command_p2 = Some(CommandP2::new(pre)?),
            }
        }
        if offers.handler {
            doors.handler = Some(contract::handler::GuestIndices::new(pre)?);
        }
        if offers.lifecycle {
            doors.lifecycle = Some(contract::lifecycle::GuestIndices::new(pre)?);
        }
        if offers.state {
            doors.state = Some(contract::state::GuestIndices::new(pre)?);
        }
        if offers.capabilities {
            doors.capabilities = Some(contract::capabilities::GuestIndices::new(pre)?);
        }
        Ok(doors)
    }
}
