"""Requests through ``wasi:http``."""

from typing import Any, List, Tuple
from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from wit_world.imports import wasi_http_outgoing_handler_0_2_12 as outgoing
from wit_world.imports import wasi_http_types_0_2_12 as types

from . import streams

_METHODS = {
    name.upper(): getattr(types, f"Method_{name}")
    for name in ("Get", "Head", "Post", "Put", "Delete", "Connect", "Options", "Trace", "Patch")
}


def send(request: Any) -> Any:
    from ..http import Response

    sent = _prepared(request)
    body = sent.body()
    try:
        future = outgoing.handle(sent, _options(request.timeout))
        _fill(body, request.body)
        answer = _awaited(future)
        with answer:
            return Response(answer.status(), _headers(answer), _body(answer))
    except Err as error:
        raise _failure(request.origin, error.value) from None
    except OSError as error:
        raise _broken(request.origin, str(error)) from None


def _prepared(request: Any) -> types.OutgoingRequest:
    url = urlsplit(request.url)
    pairs = [(name, value.encode()) for name, value in request.headers]
    try:
        prepared = types.OutgoingRequest(types.Fields.from_list(pairs))
    except Err as error:
        raise ValueError(f"these headers can't be sent: {type(error.value).__name__}") from None
    method = _METHODS.get(request.method)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        prepared.set_method(method() if method else types.Method_Other(request.method))
        prepared.set_scheme(types.Scheme_Https() if url.scheme == "https" else types.Scheme_Http())
        prepared.set_authority(url.netloc)
        prepared.set_path_with_query(target)
    except Err:
        raise ValueError(f"`{request.method} {request.origin}` can't be sent") from None
    return prepared


def _options(timeout: Any) -> Any:
    if timeout is None:
        return None
    options, limit = types.RequestOptions(), max(1, int(timeout * 1e9))
    options.set_connect_timeout(limit)
    options.set_first_byte_timeout(limit)
    options.set_between_bytes_timeout(limit)
    return options


def _fill(body: types.OutgoingBody, data: bytes) -> None:
    try:
        with body.write() as stream:
            streams.write(stream, data)
        types.OutgoingBody.finish(body, None)
    except BrokenPipeError:
        # The other side can answer before it has read all; what it says is in the answer.
        body.__exit__(None, None, None)
    except Err:
        pass


def _awaited(future: types.FutureIncomingResponse) -> types.IncomingResponse:
    with future:
        with future.subscribe() as ready:
            ready.block()
        got = future.get()
    # What was waited for is there, and it is taken once: what is left to tell apart is answer and error.
    said = got.value
    if isinstance(said, Ok):
        return said.value
    raise said


def _headers(answer: types.IncomingResponse) -> List[Tuple[str, str]]:
    with answer.headers() as fields:
        return [(name, value.decode("latin-1")) for name, value in fields.entries()]


def _body(answer: types.IncomingResponse) -> bytes:
    body, parts = answer.consume(), []
    with body.stream() as stream:
        while (part := streams.read(stream)) is not None:
            parts.append(part)
    with types.IncomingBody.finish(body):
        return b"".join(parts)


def _failure(origin: str, code: Any) -> Exception:
    from ..http import RequestDenied

    if isinstance(code, types.ErrorCode_HttpRequestDenied):
        return RequestDenied(f"the request to {origin} is not granted")
    if isinstance(code, types.ErrorCode_DestinationIpProhibited):
        return RequestDenied(f"{origin} is inside the operator's network, and is not granted by its address")
    name = type(code).__name__.removeprefix("ErrorCode_")
    more = getattr(code, "value", None)
    return _broken(origin, f"{name}: {more}" if more else name)


def _broken(origin: str, why: str) -> Exception:
    from ..http import RequestFailed

    return RequestFailed(f"{origin}: {why}")
