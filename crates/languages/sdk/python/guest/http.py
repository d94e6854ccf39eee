"""The export of an HTTP service: ``app(environ, start_response)`` of ``app.py``, as WSGI (PEP 3333) has it.

The response begins with the application's first bytes, and each piece that it yields is sent as it comes.
"""

import io
import logging
import sys
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple
from urllib.parse import unquote_to_bytes

from componentize_py_types import Err, Ok
from wit_world.imports import wasi_http_types_0_2_12 as types

from .._wasi import streams
from . import build

Application = Callable[[Dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def _choose(app: ModuleType) -> Application:
    for name in ("app", "application"):
        found = getattr(app, name, None)
        if callable(found):
            return found
    raise LookupError("app.py has no WSGI application: write `def app(environ, start_response)`")


_application = build.load(_choose)
_log = logging.getLogger("app")


class WasiHttpIncomingHandler0212:
    def handle(self, request: types.IncomingRequest, response_out: types.ResponseOutparam) -> None:
        reply = _Reply(response_out)
        with request:
            body = _Body(request)
            try:
                self._answer(request, body, reply)
            except BrokenPipeError:
                # A caller who has gone away is no error of ours.
                pass
            except BaseException as error:
                _log.error("an exception ended the request", exc_info=error)
                reply.fail()
            finally:
                reply.end()
                body.end()

    def _answer(self, request: types.IncomingRequest, body: "_Body", reply: "_Reply") -> None:
        parts = _application(_environ(request, body), reply.start)
        try:
            for part in parts:
                reply.send(part)
            reply.send(b"")
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()


def _environ(request: types.IncomingRequest, body: "_Body") -> Dict[str, Any]:
    path, _, query = (request.path_with_query() or "/").partition("?")
    host, _, port = (request.authority() or "localhost").partition(":")
    scheme = "https" if isinstance(request.scheme(), types.Scheme_Https) else "http"
    method = request.method()
    environ: Dict[str, Any] = {
        "REQUEST_METHOD": getattr(method, "value", None) or type(method).__name__.removeprefix("Method_").upper(),
        "SCRIPT_NAME": "",
        # WSGI's texts are bytes in Latin-1's clothes.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": port or ("443" if scheme == "https" else "80"),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BufferedReader(body, streams.CHUNK),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    with request.headers() as fields:
        for name, value in fields.entries():
            _add_header(environ, name, value.decode("latin-1"))
    return environ


def _add_header(environ: Dict[str, Any], name: str, value: str) -> None:
    # Two names would be one variable: a caller's `x_forwarded_user` would pass for a proxy's `x-forwarded-user`.
    if "_" in name:
        return
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    separator = "; " if key == "HTTP_COOKIE" else ","
    environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value


class _Body(io.RawIOBase):
    """The request's body, read as it comes."""

    def __init__(self, request: types.IncomingRequest) -> None:
        self._body = request.consume()
        self._stream = self._body.stream()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = streams.read(self._stream, len(buffer)) if self._stream is not None else None
        if part is None:
            return 0
        buffer[: len(part)] = part
        return len(part)

    def end(self) -> None:
        if self._stream is not None:
            self._stream.__exit__(None, None, None)
            self._body.__exit__(None, None, None)
            self._stream = None


class _Reply:
    """The response: begun at its first bytes, ended once."""

    def __init__(self, out: types.ResponseOutparam) -> None:
        self._out: Optional[types.ResponseOutparam] = out
        self._head: Optional[Tuple[int, List[Tuple[str, bytes]]]] = None
        self._body: Optional[types.OutgoingBody] = None
        self._stream: Any = None
        self._broken = False

    def start(self, status: str, headers: List[Tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        try:
            if exc_info and self._out is None:
                raise exc_info[1].with_traceback(exc_info[2])
            if self._head is not None and not exc_info:
                raise AssertionError("start_response was called twice")
        finally:
            exc_info = None
        self._head = int(status.split(" ", 1)[0]), [(name.lower(), value.encode("latin-1")) for name, value in headers]
        return self.send

    def send(self, part: bytes) -> None:
        if self._out is not None:
            if self._head is None:
                raise AssertionError("the application did not call start_response")
            self._begin(*self._head)
        if part:
            streams.write(self._stream, part)

    def _begin(self, status: int, headers: List[Tuple[str, bytes]]) -> None:
        out, self._out = self._out, None
        try:
            response = types.OutgoingResponse(types.Fields.from_list(headers))
            response.set_status_code(status)
        except Err as error:
            self._out = out
            raise ValueError(f"status {status} with these headers can't be sent: {error.value}") from None
        self._body = response.body()
        types.ResponseOutparam.set(out, Ok(response))
        self._stream = self._body.write()

    def fail(self) -> None:
        """500 where nothing was sent yet; what was begun ends in the middle, and the caller sees that."""
        if self._out is not None:
            self._begin(500, [("content-type", b"text/plain; charset=utf-8")])
            streams.write(self._stream, b"internal server error\n")
        else:
            self._broken = True

    def end(self) -> None:
        if self._stream is None:
            return
        self._stream.__exit__(None, None, None)
        if self._broken:
            self._body.__exit__(None, None, None)
            return
        try:
            types.OutgoingBody.finish(self._body, None)
        except Err as error:
            _log.error("the response is not as long as it said: %s", error.value)
