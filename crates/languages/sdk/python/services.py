"""Calls of other services of the same node, by their name.

    from airssys import services

    words = services.call("tokenizer", "some words").json()

The manifest asks for a service: ``services = [{ name = "tokenizer", reason = "splitting" }]``. One that speaks HTTP
alone is called by :mod:`airssys.http` at ``http://tokenizer.airssys.internal/``. Natively there is no other service
but those of ``airssys.testing.answer_service``.
"""

import sys
from typing import Union

from .errors import ComponentError, Denied, Failed, Unavailable
from .message import Input, Output

if sys.platform == "wasi":
    from ._wasi import services as _host
else:
    from ._native import services as _host


class CallDenied(Denied):
    """The component has no right to the call."""


class NotFound(Failed):
    """There is no such service, or it has no handler or function of that name."""


class LoopDetected(Failed):
    """The call would wait for itself, or calls call one another without end."""


class Invalid(Failed):
    """What was sent is not what the service takes. The same will fail again."""


class Busy(Unavailable):
    """The service takes no more calls now, or this component makes no more: to be tried again."""


class TimedOut(Unavailable):
    """It took longer than the service's calls may."""


class Fault(Failed):
    """The service answered with an error of its own."""

    def __init__(self, error: ComponentError) -> None:
        super().__init__(error.message)
        self.error = error


def call(service: str, input: Union[Input, bytes, str]) -> Output:
    """Calls a service's handler, and waits for its answer. The input's metadata may say what its routing and its
    actors go by, as headers of a request would."""
    if isinstance(input, str):
        input = Input.from_text(input)
    elif isinstance(input, bytes):
        input = Input(input)
    return _host.call(service, input)


def invoke(service: str, function: str, *arguments: str) -> str:
    """Calls a function of a service, ``name`` or ``interface#name``, with arguments in WAVE (``"a text"``, ``[1, 2]``),
    and waits for its result in WAVE; an empty text where it returns nothing."""
    return _host.invoke(service, function, list(arguments))
