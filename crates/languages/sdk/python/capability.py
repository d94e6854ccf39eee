"""What a component asks the operator for. It is read once, when the component is built, and written to the manifest.

    class Prices(airssys.Component):
        @classmethod
        def capabilities(cls):
            return [airssys.network_outbound("api.example.com", reason="prices")]
"""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Capability:
    """One thing that nobody has unless it is granted, and why it is asked for."""

    kind: str
    """``file-read``, ``file-write``, ``network-outbound`` or ``environment``."""
    what: str
    reason: Optional[str] = None
    """Said to the operator who is asked to grant it."""


def file_read(directory: str, reason: Optional[str] = None) -> Capability:
    """To read below this directory, as the component sees it."""
    return Capability("file-read", directory, reason)


def file_write(directory: str, reason: Optional[str] = None) -> Capability:
    """To write, create, rename and delete below this directory, as the component sees it."""
    return Capability("file-write", directory, reason)


def network_outbound(host: str, reason: Optional[str] = None) -> Capability:
    """To send HTTP requests to this host; ``*.example.com`` is every name below it."""
    return Capability("network-outbound", host, reason)


def environment(name: str, reason: Optional[str] = None) -> Capability:
    """To see the environment variable of this name."""
    return Capability("environment", name, reason)
