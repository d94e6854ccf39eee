"""HTTP requests to others, through ``wasi:http``.

    from airssys import http

    prices = http.get("https://api.example.com/v1/prices").json()

``urllib`` and what is built on it can't do this: they open sockets, and there is no ``ssl`` in here; the host makes
the connection, encrypts it, and knows whom the component may ask (``http`` in the manifest's ``[capabilities]``).
Natively nothing is sent: ``airssys.testing.answer_http`` says what comes back.
"""

import json as _json
import sys
from dataclasses import dataclass, field
from typing import Any, Iterable, List, Mapping, Optional, Tuple, Union
from urllib.parse import urlsplit

from .errors import Denied, Unavailable

if sys.platform == "wasi":
    from ._wasi import http as _host
else:
    from ._native import http as _host

Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]


class RequestDenied(Denied):
    """The component may not send this request."""


class RequestFailed(Unavailable):
    """There was no answer: no such host, no connection, no end of it in time."""


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: str
    url: str
    headers: List[Tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    timeout: Optional[float] = None

    @property
    def origin(self) -> str:
        """Who is asked: the URL's scheme and host.

        Errors name no more of a URL, because they reach the caller: a path, a query and a password can hold secrets.
        """
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


@dataclass(frozen=True)
class Response:
    """What came back, whatever its status."""

    status: int
    headers: List[Tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """The body as text, in UTF-8; what is none of it is replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON; :class:`ValueError` where it is none."""
        return _json.loads(self.body)

    def header(self, name: str) -> Optional[str]:
        """The first header of this name, without regard to the name's case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def request(
    method: str,
    url: str,
    *,
    headers: Optional[Headers] = None,
    body: Union[bytes, str] = b"",
    json: Any = None,
    timeout: Optional[float] = None,
) -> Response:
    """Sends a request and waits for all of its answer.

    ``json`` is sent as the body with its media type. ``timeout`` bounds, in seconds, the connecting, the wait for the
    first byte, and each pause after it. Redirects are not followed: whom they lead to is the component's decision.
    """
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers or [])
    if json is not None:
        body = _json.dumps(json)
        if not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("content-type", "application/json"))
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        raise ValueError(f"a URL begins with http:// or https://, and this one's scheme is `{scheme}`")
    sent = body.encode() if isinstance(body, str) else bytes(body)
    return _host.send(Request(method.upper(), url, pairs, sent, timeout))


def get(url: str, *, headers: Optional[Headers] = None, timeout: Optional[float] = None) -> Response:
    """``request("GET", ...)``."""
    return request("GET", url, headers=headers, timeout=timeout)


def post(
    url: str,
    *,
    body: Union[bytes, str] = b"",
    json: Any = None,
    headers: Optional[Headers] = None,
    timeout: Optional[float] = None,
) -> Response:
    """``request("POST", ...)``."""
    return request("POST", url, headers=headers, body=body, json=json, timeout=timeout)
