"""Services that a test stands in for."""

from typing import Any, Callable, Dict, List

from ..message import Input, Output

services: Dict[str, Callable[[Input], Any]] = {}


def call(service: str, input: Input) -> Output:
    return Output.of(_named(service)(input))


def invoke(service: str, function: str, arguments: List[str]) -> str:
    raise _missing(f"the service `{service}` has no function `{function}` in a native test")


def _named(service: str) -> Callable[[Input], Any]:
    if service not in services:
        raise _missing(f"no service `{service}` is on this node")
    return services[service]


def _missing(why: str) -> Exception:
    from ..services import NotFound

    return NotFound(why)
