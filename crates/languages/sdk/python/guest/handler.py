"""The exports of a handler: they make one instance of the component and hand calls to it."""

import inspect
import json
import logging
from types import ModuleType
from typing import Any, Callable, List, TypeVar

from wit_world.exports import airssys_component_capabilities_0_1_0 as wit
from wit_world.imports import airssys_component_types_0_1_0 as types

from .. import base, errors
from .._wasi import convert
from ..capability import Capability
from ..message import Output
from . import build

T = TypeVar("T")

_CAPABILITIES = {
    "file-read": wit.Capability_FileRead,
    "file-write": wit.Capability_FileWrite,
    "network-outbound": wit.Capability_NetworkOutbound,
    "environment": wit.Capability_Environment,
}


def _choose(app: ModuleType) -> type:
    found = base.find(app)
    _fits(found.__name__, "handle", base.member(found, "handle"), 3, "self, input, context")
    if found.handle is base.Component.handle:
        raise LookupError(f"{found.__name__} answers no calls: write `def handle(self, input, context)`")
    if found.__init__ is not object.__init__:
        _fits(found.__name__, "__init__", found.__init__, 2, "self, config")
    return found


def _fits(cls: str, name: str, function: Callable[..., Any], count: int, wanted: str) -> None:
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        raise LookupError(f"{cls}.{name} does not take what it is given: write `def {name}({wanted})`") from None


_class = build.load(_choose)
_instance: Any = None


def instance() -> Any:
    """The component, once it has its configuration."""
    return _instance


def guarded(work: Callable[[], T]) -> T:
    """Does what the component's own code does. Its exceptions become the contract's errors; the traceback of one that
    is none of the SDK's goes to the log."""
    try:
        return work()
    except errors.ComponentError as error:
        raise convert.from_error(error) from None
    except BaseException as error:
        logging.getLogger(_class.__module__).error("an exception ended the call", exc_info=error)
        raise convert.from_error(errors.from_exception(error)) from None


class AirssysComponentLifecycle010:
    def init(self, config: str) -> None:
        guarded(lambda: self._make(json.loads(config) if config.strip() else {}))

    def _make(self, config: Any) -> None:
        global _instance
        _instance = _class() if _class.__init__ is object.__init__ else _class(config)

    def health(self) -> None:
        guarded(base.member(_instance, "health"))

    def shutdown(self) -> None:
        try:
            base.member(_instance, "shutdown")()
        except Exception as error:
            logging.getLogger(_class.__module__).error("an exception ended the shutdown", exc_info=error)


class AirssysComponentHandler010:
    def execute(self, context: types.Context, input: types.Input) -> types.Output:
        call = convert.to_context(context)
        brought = convert.to_input(input)
        return guarded(lambda: convert.from_output(Output.of(_instance.handle(brought, call))))


class AirssysComponentCapabilities010:
    def required(self) -> List[wit.Request]:
        asked: List[Capability] = base.member(_class, "capabilities")()
        return [wit.Request(_CAPABILITIES[one.kind](one.what), one.reason) for one in asked]
