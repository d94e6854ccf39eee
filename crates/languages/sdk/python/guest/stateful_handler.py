"""The exports of an actor: those of a handler, and its state."""

from .. import base
from .handler import (
    AirssysComponentCapabilities010,
    AirssysComponentHandler010,
    AirssysComponentLifecycle010,
    guarded,
    instance,
)

__all__ = [
    "AirssysComponentCapabilities010",
    "AirssysComponentHandler010",
    "AirssysComponentLifecycle010",
    "AirssysComponentState010",
]


class AirssysComponentState010:
    def save(self) -> bytes:
        return guarded(lambda: _as_bytes(base.member(instance(), "save")()))

    def restore(self, saved: bytes, saved_by: str) -> None:
        guarded(lambda: base.member(instance(), "restore")(saved, saved_by))


def _as_bytes(saved: object) -> bytes:
    if isinstance(saved, (bytes, bytearray, memoryview)):
        return bytes(saved)
    raise TypeError(f"save returned a {type(saved).__name__}: return the state as bytes")
