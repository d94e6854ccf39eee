"""Calls of other services through the contract's ``services``."""

from typing import Any, Callable, List

from componentize_py_types import Err
from wit_world.imports import airssys_component_services_0_1_0 as services

from ..message import Input, Output
from . import convert


def call(service: str, input: Input) -> Output:
    return convert.to_output(_answered(services.call, service, convert.from_input(input)))


def invoke(service: str, function: str, arguments: List[str]) -> str:
    return _answered(services.invoke, service, function, arguments)


def _answered(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Err as error:
        raise _failure(error.value) from None


def _failure(said: Any) -> Exception:
    from .. import services as public

    if isinstance(said, services.CallError_Fault):
        return public.Fault(convert.to_error(said.value))
    if isinstance(said, services.CallError_Denied):
        return public.CallDenied("the call of the service is not granted")
    if isinstance(said, services.CallError_LoopDetected):
        return public.LoopDetected("the call would wait for itself")
    kinds = (
        (services.CallError_NotFound, public.NotFound),
        (services.CallError_Invalid, public.Invalid),
        (services.CallError_Busy, public.Busy),
        (services.CallError_TimedOut, public.TimedOut),
    )
    return next((cls for case, cls in kinds if isinstance(said, case)), public.Failed)(said.value)
