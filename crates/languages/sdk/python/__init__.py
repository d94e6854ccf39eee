"""Write components for airssys-wasm in Python.

    import airssys

    class Greeter(airssys.Component):
        def handle(self, input: airssys.Input, context: airssys.Context) -> str:
            return f"hello, {input.text()}!"

The host's interfaces are modules of their own, and a component imports only those that its files import:
``airssys.keyvalue``, ``airssys.http``, ``airssys.config``, ``airssys.services``, ``airssys.process``. Lines of the
standard ``logging`` go to the service's log.

Without wasm all of it runs natively over stand-ins in memory, which ``airssys.testing`` sets up.
"""

from .capability import Capability, environment, file_read, file_write, network_outbound
from .base import Component, component
from .errors import ComponentError, Denied, Failed, InvalidConfig, InvalidInput, Unavailable
from .message import Answer, Context, Input, Output
from .typed import settings

__all__ = [
    "Answer",
    "Capability",
    "Component",
    "ComponentError",
    "Context",
    "Denied",
    "Failed",
    "Input",
    "InvalidConfig",
    "InvalidInput",
    "Output",
    "Unavailable",
    "component",
    "environment",
    "file_read",
    "file_write",
    "network_outbound",
    "settings",
]
