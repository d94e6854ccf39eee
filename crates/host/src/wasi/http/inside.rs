//! Requests to services of this node: `http://NAME.airssys.internal/path`. They never leave it, whatever is granted.
//!
//! The call runs on a task of its own. It would otherwise run within its caller's turn on a processor, and its time
//! would be its caller's.

use std::sync::Arc;
use std::time::Duration;

use airssys_wasm_model::{Name, ServiceGrant};
use http::uri::{Scheme, Uri};
use http::{HeaderName, Request};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::answer::AnswerBody;
use super::held::HeldBody;
use super::{Io, OutboundHttp, Places, Sending, of_path, patience};
use crate::services::Unreached;
use crate::wasi::secrets::Receiver;
use crate::wasi::services::apart;
use crate::wasi::transfer::{Counted, Way};
use crate::watch::Teller;

/// What every host ends in that is a service. `.internal` is kept out of the public DNS for good (ICANN's resolution
/// 2024.07.29.06), so no such name means anything to anybody else.
const SUFFIX: &str = "airssys.internal";

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Why a host of this suffix is no service that could be called.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misaddressed {
    /// What stands before it is no name.
    #[error("`{0}` is no service's host: one is `NAME.{SUFFIX}`")]
    Name(String),
    /// Another scheme, or port.
    #[error("a request to `{0}` is refused: services of this node are called by http, on port 80")]
    Door(String),
}

/// The service that a request is for; `None` if it is for a host of the network.
pub(super) fn addressed(uri: &Uri) -> Option<Result<Name, Misaddressed>> {
    let authority = uri.authority()?;
    // A name that ends in a dot is the same, said in full.
    let host = authority.host().trim_end_matches('.');
    let at = host.len().checked_sub(SUFFIX.len())?;
    let (before, suffix) = (host.get(..at)?, host.get(at..)?);
    if !suffix.eq_ignore_ascii_case(SUFFIX) || !(before.is_empty() || before.ends_with('.')) {
        return None;
    }
    let is_http = uri.scheme().is_none_or(|scheme| *scheme == Scheme::HTTP);
    let is_port = authority.port().is_none_or(|port| port.as_u16() == 80);
    if !is_http || !is_port {
        let scheme = uri.scheme_str().unwrap_or_default();
        return Some(Err(Misaddressed::Door(format!("{scheme}://{authority}"))));
    }
    let name = before.strip_suffix('.').unwrap_or(before).to_ascii_lowercase();
    Some(name.parse().map_err(|_| Misaddressed::Name(host.to_owned())))
}

impl OutboundHttp {
    /// Checks a request to a service, and gives what sends it.
    pub(super) fn send_inside(
        &self,
        to: Result<Name, Misaddressed>,
        mut request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Sending, Error> {
        let name = to.map_err(|misaddressed| self.misaddressed(&misaddressed))?;
        let to = ServiceGrant { name, function: None };
        let hold = self.may_call(&to).map_err(|_refused| Error::HttpRequestDenied)?;
        self.in_time()?;
        let host = format!("{}.{SUFFIX}", to.name);
        self.fill(&mut request, Receiver { host: &host, port: 80, tls: false })?;
        let mut call = self.onward().map_err(|_too_deep| Error::LoopDetected)?;
        trace(&mut request, &mut call.traceparent);
        of_path(&mut request)?;

        let services = self.revision.spec.backends.services.clone();
        let (own, teller) = (self.own(), self.telling.now());
        let (allowance, over) = (Arc::clone(&self.allowance), self.over());
        let sent = Arc::clone(&hold);
        let request = self.counted(request).map(|body| HeldBody::new(body, sent).boxed_unsync());
        Ok(Box::new(async move {
            let calling = async {
                let patience = patience(options.connect_timeout);
                let places = Places::inside(own, patience, &teller).await?;
                let Some(services) = services else {
                    return Err(unreached(&teller, &Unreached::NotFound(to.name)));
                };
                let called = apart(services.http(&to.name, request, call));
                let called = within(options.first_byte_timeout, called).await?;
                let answered = called.map_err(|why| Error::InternalError(Some(why.to_string())))?;
                let answer = answered.map_err(|why| unreached(&teller, &why))?;
                Ok((answer, places))
            };
            let answered = tokio::select! {
                biased;
                () = Arc::clone(&hold).revoked_in_use() => return Err(Error::HttpRequestDenied),
                // Its caller has answered without it.
                () = over.cancelled() => return Err(Error::ConnectionTerminated),
                answered = calling => answered,
            };
            // An answer that comes with the revocation comes too late.
            if !hold.check() {
                return Err(Error::HttpRequestDenied);
            }
            let (answer, places) = answered?;
            let gap = options.between_bytes_timeout;
            let answer = answer.map(|body| {
                let body = AnswerBody::new(body, places, Arc::clone(&hold), over);
                let body = HeldBody::new(body, hold).with_gap(gap);
                Counted::new(body, Way::In, allowance, teller).boxed_unsync()
            });
            // There is no connection to drive: each side has a task of its own.
            let io: Io = Box::new(std::future::ready(Ok(())));
            Ok((answer, io))
        }))
    }

    fn misaddressed(&self, why: &Misaddressed) -> Error {
        self.telling.says("services", &why.to_string());
        match why {
            Misaddressed::Name(_) => Error::DestinationNotFound,
            Misaddressed::Door(_) => Error::HttpRequestDenied,
        }
    }
}

/// A guest that follows its trace says so in its request. One that does not is part of its caller's.
fn trace(request: &mut Request<WasiBody>, traceparent: &mut Option<http::HeaderValue>) {
    let headers = request.headers_mut();
    match (headers.get(TRACEPARENT), &traceparent) {
        (Some(own), _) => *traceparent = Some(own.clone()),
        (None, Some(caller)) => {
            headers.insert(TRACEPARENT, caller.clone());
        }
        (None, None) => {}
    }
}

/// What the guest is told of a call that came to no service, and the service's log.
fn unreached(teller: &Teller, why: &Unreached) -> Error {
    teller.says("services", &why.to_string());
    match why {
        Unreached::NotFound(_) => Error::DestinationNotFound,
        Unreached::Loop(_) => Error::LoopDetected,
    }
}

/// A service has a limit on time of its own, so there is none here but what the guest asks for.
async fn within<T>(
    asked: Option<Duration>,
    answering: impl Future<Output = T>,
) -> Result<T, Error> {
    match asked {
        None => Ok(answering.await),
        Some(asked) => {
            let answered = tokio::time::timeout(asked, answering).await;
            answered.map_err(|_elapsed| Error::ConnectionReadTimeout)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_meant_by_its_name_alone() {
        let addressed = |uri: &str| addressed(&uri.parse().unwrap());
        for uri in [
            "http://shop.airssys.internal",
            "http://shop.airssys.internal/x?y",
            "http://SHOP.Airssys.INTERNAL.",
            "http://shop.airssys.internal:80/",
            "http://someone@shop.airssys.internal/",
        ] {
            assert_eq!(addressed(uri).unwrap().unwrap().as_str(), "shop", "{uri}");
        }
        for uri in [
            "http://shop.airssys.internal.evil.example/",
            "http://evilairssys.internal/",
            "http://internal/",
            "http://shop.airssys.internal@evil.example/",
            "http://[::1]/",
            "/shop.airssys.internal",
        ] {
            assert_eq!(addressed(uri), None, "{uri}");
        }
    }

    #[test]
    fn whatever_ends_as_a_service_does_is_nobody_elses() {
        let refused = |uri: &str| addressed(&uri.parse().unwrap()).unwrap().unwrap_err();
        for uri in [
            "http://airssys.internal/",
            "http://.airssys.internal/",
            "http://r3.shop.airssys.internal/",
            "http://shop..airssys.internal/",
            "http://3.airssys.internal/",
            "http://a_b.airssys.internal/",
        ] {
            assert!(matches!(refused(uri), Misaddressed::Name(_)), "{uri}");
        }
        for uri in [
            "https://shop.airssys.internal/",
            "https://shop.airssys.internal:80/",
            "http://shop.airssys.internal:8080/",
            "http://shop.airssys.internal:443/",
        ] {
            assert!(matches!(refused(uri), Misaddressed::Door(_)), "{uri}");
        }
    }
}
