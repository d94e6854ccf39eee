"""What the host's interfaces do in native tests, where there is no host.

    def setUp(self):
        airssys.testing.reset()
        airssys.testing.answer_http(lambda request: http.Response(200, body=b"[]"))
"""

from typing import Callable, Dict, Union

from ._native import config as _config
from ._native import http as _http
from ._native import keyvalue as _keyvalue
from ._native import process as _process
from ._native import services as _services
from .http import Request, Response
from .message import Answer, Input
from .process import Finished

values: Dict[str, str] = _config.values
"""What ``airssys.config`` finds."""


def deny_bucket(name: str) -> None:
    """Refuses access to a bucket."""
    _keyvalue.denied.add(name)


def answer_http(answer: Callable[[Request], Response]) -> None:
    """What ``airssys.http`` gets for a request; raise ``http.RequestDenied`` to refuse it."""
    _http.answers.append(answer)


def answer_service(name: str, answer: Callable[[Input], Answer]) -> None:
    """What ``airssys.services`` gets from a service."""
    _services.services[name] = answer


def answer_program(name: str, answer: Callable[[bytes], Union[Finished, bytes]]) -> None:
    """What ``airssys.process`` gets from a program: how it ended, or what it wrote."""
    _process.programs[name] = answer


def reset() -> None:
    """Forgets all of it, and what buckets hold."""
    for kept in (values, _keyvalue.denied, _keyvalue.buckets, _http.answers, _services.services, _process.programs):
        kept.clear()
