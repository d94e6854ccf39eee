//! Services of one host, called by one another as they are on a node, but for routing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use airssys_wasm_host::{
    Backends, CallCtx, CallError, HttpError, Input, Output, Pool, RevisionSpec, ServiceBody,
    ServiceFault, Services, Unreached,
};
use airssys_wasm_model::Name;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};

use super::{pool, rights};

/// The host of the service that most tests call.
pub(crate) const SHOP: &str = "shop.airssys.internal";

/// A guest of each version that hands a request on, and how its path says to whom.
pub(crate) const FORWARDS: [(&str, &str); 2] =
    [("http-hello", "/forward?url=http://"), ("http-p3", "/forward?")];

/// A guest with these grants that calls these services.
pub(crate) async fn caller(
    name: &str,
    grants: &[&str],
    services: &Arc<impl Services + 'static>,
    more: impl FnOnce(&mut RevisionSpec),
) -> Arc<Pool> {
    let (rights, services) = (rights(grants), Arc::clone(services) as Arc<dyn Services>);
    pool(name, |spec| {
        spec.rights = rights;
        spec.backends = Backends { services: Some(services), ..Backends::default() };
        more(spec);
    })
    .await
}

/// Services by their names, and the calls that came to them.
#[derive(Default)]
pub(crate) struct Inside {
    pools: Mutex<HashMap<Name, Arc<Pool>>>,
    calls: Mutex<Vec<CallCtx>>,
}

impl Inside {
    /// With these services.
    pub(crate) fn of<const N: usize>(services: [(&str, &Arc<Pool>); N]) -> Arc<Self> {
        let inside = Self::default();
        for (name, pool) in services {
            inside.add(name, pool);
        }
        Arc::new(inside)
    }

    pub(crate) fn add(&self, name: &str, pool: &Arc<Pool>) {
        self.pools.lock().unwrap().insert(name.parse().unwrap(), Arc::clone(pool));
    }

    /// The contexts of the calls that came, in their order.
    pub(crate) fn calls(&self) -> Vec<CallCtx> {
        self.calls.lock().unwrap().clone()
    }

    fn find(&self, to: &Name, call: &CallCtx) -> Result<Arc<Pool>, Unreached> {
        self.calls.lock().unwrap().push(call.clone());
        let found = self.pools.lock().unwrap().get(to).cloned();
        found.ok_or_else(|| Unreached::NotFound(to.clone()))
    }
}

impl Services for Inside {
    fn http(
        &self,
        to: &Name,
        request: Request<ServiceBody>,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<Response<ServiceBody>, Unreached>> {
        let found = self.find(to, &call);
        Box::pin(async move {
            let pool = found?;
            let answered = async { pool.claim(call).await?.http(request).await }.await;
            Ok(answered.map_or_else(|_| failed(), |answer| answer.map(|body| body.boxed_unsync())))
        })
    }

    fn execute(
        &self,
        to: &Name,
        input: Input,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<Output, ServiceFault>> {
        let found = self.find(to, &call);
        Box::pin(async move {
            let pool = found?;
            let answered = async { pool.claim(call).await?.execute(input).await }.await;
            answered.map_err(fault)
        })
    }

    fn invoke(
        &self,
        to: &Name,
        function: String,
        arguments: Vec<String>,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<String, ServiceFault>> {
        let found = self.find(to, &call);
        Box::pin(async move {
            let pool = found?;
            let answered = async { pool.claim(call).await?.invoke(&function, &arguments).await };
            answered.await.map_err(fault)
        })
    }
}

fn fault(error: CallError) -> ServiceFault {
    match error {
        CallError::Fault(fault) => ServiceFault::Fault(fault),
        error => ServiceFault::Failed(error.to_string()),
    }
}

fn failed() -> Response<ServiceBody> {
    let body = Empty::new().map_err(|_| HttpError::InternalError(None));
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
    answer
}
