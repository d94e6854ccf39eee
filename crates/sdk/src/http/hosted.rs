//! Requests by the host's `wasi:http`.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme, http_error_code,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::{InputStream, StreamError};

use super::url::Target;
use super::{Error, Request, Response, Timeouts};

/// How much of a body is asked for at once.
const PART_BYTES: u64 = 64 << 10;

pub(super) fn send(request: &Request, target: &Target<'_>) -> Result<Response, Error> {
    let outgoing = outgoing(request, target)?;
    let body = match request.body.is_empty() {
        true => None,
        false => Some(outgoing.body().map_err(|()| impossible("a request has one body"))?),
    };
    let options = options(request.timeouts)?;
    let answer = handle(outgoing, options).map_err(|code| told(code, target))?;
    if let Some(body) = body {
        write(body, &request.body, &answer);
    }
    answer.subscribe().block();
    let response =
        answer.get().and_then(Result::ok).ok_or(impossible("an answer is taken once"))?;
    read(response.map_err(|code| told(code, target))?, request, target)
}

fn outgoing(request: &Request, target: &Target<'_>) -> Result<OutgoingRequest, Error> {
    let outgoing = OutgoingRequest::new(fields(request)?);
    let scheme = if target.is_https { Scheme::Https } else { Scheme::Http };
    outgoing
        .set_method(&method(&request.method))
        .map_err(|()| Error::Invalid(format!("`{}` is no method", request.method)))?;
    outgoing
        .set_scheme(Some(&scheme))
        .and_then(|()| outgoing.set_authority(Some(target.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&target.path_with_query)))
        .map_err(|()| Error::Invalid(format!("`{}` can't be called", request.url)))?;
    Ok(outgoing)
}

/// The request's headers, and how long its body is: many servers take no body of a length that they are not told.
fn fields(request: &Request) -> Result<Fields, Error> {
    let fields = Fields::new();
    let refused = |name: &str, error| {
        let why = match error {
            HeaderError::Forbidden => "is the host's to set",
            _ => "is no header",
        };
        Error::Invalid(format!("`{name}` {why}"))
    };
    for (name, value) in &request.headers {
        fields.append(name, value).map_err(|error| refused(name, error))?;
    }
    let length = "content-length";
    if !request.body.is_empty() && !fields.has(length) {
        let bytes = request.body.len().to_string().into_bytes();
        fields.append(length, &bytes).map_err(|error| refused(length, error))?;
    }
    Ok(fields)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn options(timeouts: Timeouts) -> Result<Option<RequestOptions>, Error> {
    if timeouts == Timeouts::default() {
        return Ok(None);
    }
    let options = RequestOptions::new();
    let nanoseconds = |of: Option<std::time::Duration>| {
        of.map(|of| u64::try_from(of.as_nanos()).unwrap_or(u64::MAX))
    };
    options
        .set_connect_timeout(nanoseconds(timeouts.connect))
        .and_then(|()| options.set_first_byte_timeout(nanoseconds(timeouts.first_byte)))
        .and_then(|()| options.set_between_bytes_timeout(nanoseconds(timeouts.between_bytes)))
        .map_err(|()| Error::Invalid("the host keeps no such timeout".to_owned()))?;
    Ok(Some(options))
}

/// Writes the body as the host takes it. A server may answer before it has read all, and may then read no more: the
/// rest is not sent then. What fails here, the answer says.
fn write(body: OutgoingBody, bytes: &[u8], answer: &FutureIncomingResponse) {
    let Ok(stream) = body.write() else { return };
    let (writable, answered) = (stream.subscribe(), answer.subscribe());
    let mut rest = bytes;
    while !rest.is_empty() {
        match stream.check_write() {
            Ok(0) => {
                if !poll(&[&writable, &answered]).contains(&0) {
                    return;
                }
            }
            Ok(room) => {
                let part = rest.len().min(usize::try_from(room).unwrap_or(usize::MAX));
                if stream.write(&rest[..part]).is_err() {
                    return;
                }
                rest = &rest[part..];
            }
            Err(_) => return,
        }
    }
    if stream.flush().is_ok() {
        drop((writable, stream));
        // A body that can't be finished is told by the answer, too.
        let _ = OutgoingBody::finish(body, None);
    }
}

fn read(
    response: IncomingResponse,
    request: &Request,
    target: &Target<'_>,
) -> Result<Response, Error> {
    let (status, headers) = (response.status(), response.headers().entries());
    let body = response.consume().map_err(|()| impossible("an answer has one body"))?;
    let stream = body.stream().map_err(|()| impossible("a body has one stream"))?;
    let body = read_all(&stream, request.body_limit_bytes, target)?;
    Ok(Response { status, headers, body })
}

fn read_all(stream: &InputStream, limit: usize, target: &Target<'_>) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(PART_BYTES) {
            Ok(part) if part.len() > limit - all.len() => {
                return Err(Error::TooLarge { limit_bytes: limit });
            }
            Ok(part) => all.extend(part),
            Err(StreamError::Closed) => return Ok(all),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(match http_error_code(&error) {
                    Some(code) => told(code, target),
                    None => Error::Failed(error.to_debug_string()),
                });
            }
        }
    }
}

/// What the host's reason means to a component.
fn told(code: ErrorCode, target: &Target<'_>) -> Error {
    use ErrorCode as Code;
    let at = target.authority;
    let reason = format!("{code:?}").replace("ErrorCode::", "");
    match code {
        Code::HttpRequestDenied => Error::Denied(format!("the request to {at} is not granted")),
        Code::DestinationIpProhibited => Error::Denied(format!(
            "{at} is inside the operator's network, and is not granted by its address"
        )),
        Code::DnsTimeout
        | Code::ConnectionTimeout
        | Code::ConnectionReadTimeout
        | Code::ConnectionWriteTimeout
        | Code::HttpResponseTimeout => Error::TimedOut(format!("{at} took too long: {reason}")),
        Code::DnsError(_)
        | Code::DestinationNotFound
        | Code::DestinationUnavailable
        | Code::DestinationIpUnroutable
        | Code::ConnectionRefused
        | Code::ConnectionTerminated
        | Code::ConnectionLimitReached => {
            Error::Unreachable(format!("{at} can't be reached: {reason}"))
        }
        Code::HttpRequestMethodInvalid
        | Code::HttpRequestUriInvalid
        | Code::HttpRequestUriTooLong
        | Code::HttpRequestHeaderSectionSize(_)
        | Code::HttpRequestHeaderSize(_) => {
            Error::Invalid(format!("the request to {at} can't be sent: {reason}"))
        }
        _ => Error::Failed(format!("the request to {at} failed: {reason}")),
    }
}

/// For what a host that keeps to the contract never says.
fn impossible(why: &str) -> Error {
    Error::Failed(format!("the host broke its contract: {why}"))
}
