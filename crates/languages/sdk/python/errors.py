"""The errors a component reports: whose fault it is, and a sentence.

The message reaches the caller, so it holds no secret. An exception that is none of these becomes :class:`Failed` with
its type and message, and its traceback goes to the log.
"""

from typing import ClassVar


class ComponentError(Exception):
    """What went wrong, said to the person who can do something about it. Raise one of its kinds."""

    kind: ClassVar[str] = "failed"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """What went wrong."""
        return str(self)


class InvalidInput(ComponentError):
    """The caller's input can't be used. The same input will fail again."""

    kind = "invalid-input"


class InvalidConfig(ComponentError):
    """The operator's configuration can't be used. From ``__init__`` it fails the deployment."""

    kind = "invalid-config"


class Denied(ComponentError):
    """The caller may not do this, or the component was not granted what it needs."""

    kind = "denied"


class Unavailable(ComponentError):
    """Something the component needs isn't there right now. Trying again later may help."""

    kind = "unavailable"


class Failed(ComponentError):
    """Anything else that went wrong inside the component."""

    kind = "failed"


def from_exception(error: BaseException) -> ComponentError:
    """The error that the caller is told of for an exception of any type."""
    if isinstance(error, ComponentError):
        return error
    name = type(error).__name__
    message = f"{name}: {error}" if str(error) else name
    return Denied(message) if isinstance(error, PermissionError) else Failed(message)
