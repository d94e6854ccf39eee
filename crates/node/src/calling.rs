//! Calls that the guests of one service make of another. Once the service is found they go the way of calls from
//! outside: its rules, its split, its limits, its trail.

use std::sync::{Arc, Weak};

use airssys_wasm_api::{Code, MAX_COMMAND_BYTES};
use airssys_wasm_host::{
    CallCtx, CallError, Input, Output, RequestId, ServiceBody, ServiceFault, Services, Unreached,
};
use airssys_wasm_model::Name;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;

use crate::handled::{self, Held, InputError};
use crate::ingress::{AnswerBody, BODY_BYTES_MAX, Routed, Routes, admitted, said};
use crate::live::{LiveService, ServiceError};

/// Calls the services of one node. It does not hold them: each holds what its guests call through.
pub(crate) struct Calling(Weak<Routes>);

impl Calling {
    pub(crate) fn over(routes: &Arc<Routes>) -> Self {
        Self(Arc::downgrade(routes))
    }

    fn find(&self, name: &Name) -> Result<Arc<LiveService>, Unreached> {
        let found = self.0.upgrade().and_then(|routes| routes.named(name));
        found.ok_or_else(|| Unreached::NotFound(name.clone()))
    }
}

impl Services for Calling {
    fn http(
        &self,
        to: &Name,
        request: Request<ServiceBody>,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<Response<ServiceBody>, Unreached>> {
        let (found, request_id) = (self.find(to), call.request_id);
        Box::pin(async move {
            let service = found?;
            let (name, is_head) = (service.name.clone(), request.method() == Method::HEAD);
            let answered = match admitted(request, BODY_BYTES_MAX) {
                Ok(request) => {
                    let (prefix, revision) = (0, None);
                    Routed { service, prefix, revision, request, call }.answer().await
                }
                Err(failure) => Err(failure.into()),
            };
            if answered.as_ref().is_err_and(|refused| refused.is_loop) {
                return Err(Unreached::Loop(name));
            }
            // The answer to HEAD has no body, whatever its component sent: as it is over a connection.
            let body = |body| if is_head { AnswerBody::Own(None) } else { body };
            Ok(said(answered, request_id).map(|answer| body(answer).boxed_unsync()))
        })
    }

    fn execute(
        &self,
        to: &Name,
        mut input: Input,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<Output, ServiceFault>> {
        let (found, request_id) = (self.find(to), call.request_id);
        Box::pin(async move {
            let service = found?;
            let _held = held(input.size_bytes())?;
            handled::leave_out_of_http(&mut input.metadata);
            let called = service.execute(input, call).await;
            Ok(called.map_err(|error| fault(error, &service.name, request_id))?.answer)
        })
    }

    fn invoke(
        &self,
        to: &Name,
        function: String,
        arguments: Vec<String>,
        call: CallCtx,
    ) -> BoxFuture<'static, Result<String, ServiceFault>> {
        let (found, request_id) = (self.find(to), call.request_id);
        Box::pin(async move {
            let service = found?;
            let said = function.len() + arguments.iter().map(String::len).sum::<usize>();
            if said > MAX_COMMAND_BYTES {
                let why = format!("the arguments are longer than {MAX_COMMAND_BYTES} bytes");
                return Err(ServiceFault::Invalid(why));
            }
            let _held = held(said)?;
            let called = service.invoke(&function, &arguments, call).await;
            Ok(called.map_err(|error| fault(error, &service.name, request_id))?.answer)
        })
    }
}

/// Counts what is sent against what all inputs may hold together.
fn held(bytes: usize) -> Result<Held, ServiceFault> {
    Held::of(bytes).map_err(|error| match error {
        InputError::TooLarge => ServiceFault::Invalid(error.to_string()),
        _ => ServiceFault::Busy(error.to_string()),
    })
}

/// What a guest is told of a call without an answer: no more than a caller from outside.
fn fault(error: ServiceError, service: &Name, request_id: RequestId) -> ServiceFault {
    let said = error.failure(service, request_id);
    match error {
        ServiceError::Loop(_) => Unreached::Loop(service.clone()).into(),
        ServiceError::Call(CallError::Fault(fault)) => ServiceFault::Fault(fault),
        ServiceError::Call(CallError::NoFunction { .. } | CallError::Unsupported { .. }) => {
            ServiceFault::NoDoor(said.message)
        }
        _ => match said.code {
            Code::Usage => ServiceFault::Invalid(said.message),
            Code::Saturated | Code::Unavailable => ServiceFault::Busy(said.message),
            Code::TimedOut => ServiceFault::TimedOut(said.message),
            _ => ServiceFault::Failed(said.message),
        },
    }
}
