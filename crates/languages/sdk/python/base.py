"""What a component is: a class in ``app.py`` whose instances answer calls."""

from typing import Any, Dict, List, Optional, Type, TypeVar

from .capability import Capability
from .errors import Failed
from .message import Answer, Context, Input

T = TypeVar("T", bound=type)

_marked: List[type] = []


class Component:
    """The base of a component. Only ``handle`` has to be written.

    An instance of the class lives as long as the host's instance does: one call (``fresh``), many (``pooled``), or
    as long as its state (``actor``). It gets one call at a time.
    """

    def __init__(self, config: Dict[str, Any]) -> None:
        """``config`` is the manifest's ``[config]`` with the operator's values over it; :func:`airssys.settings` reads
        it into a dataclass. Raise :class:`airssys.InvalidConfig` where it can't be used."""

    def handle(self, input: Input, context: Context) -> Answer:
        """Answers one call."""
        raise NotImplementedError

    def health(self) -> None:
        """Raises where the instance can't go on doing its work. Asked between the calls of one that is reused."""

    def shutdown(self) -> None:
        """The last call to an instance that is let go in peace; no place to save anything."""

    def save(self) -> bytes:
        """An actor's state as it is now. The same bytes as before are not stored again."""
        return b""

    def restore(self, saved: bytes, saved_by: str) -> None:
        """Takes up a saved state, after ``__init__`` and before the first call. ``saved_by`` is the version that saved
        it: an older one, or after a rollback a newer one."""
        if saved:
            raise Failed(f"the state that {saved_by} saved is not taken up: write `def restore(self, saved, saved_by)`")

    @classmethod
    def capabilities(cls) -> List[Capability]:
        """What the component asks the operator for."""
        return []


def component(cls: T) -> T:
    """Marks the class that is the component: one that is no :class:`Component`, or one of several that are."""
    if not callable(getattr(cls, "handle", None)):
        raise TypeError(f"{cls.__name__} answers no calls: write `def handle(self, input, context)`")
    _marked.append(cls)
    return cls


def find(module: Any) -> Type[Any]:
    """The component that a module holds: the marked class, else the only one that is a :class:`Component`."""
    if _marked:
        return _only(_marked)
    found = [value for value in vars(module).values() if _is_component(value)]
    if not found:
        wanted = "`class Name(airssys.Component)` with `def handle(self, input, context)`"
        raise LookupError(f"app.py has no component: write {wanted}")
    return _only(found)


def _is_component(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Component) and value is not Component


def _only(classes: List[type]) -> type:
    classes = list(dict.fromkeys(classes))
    if len(classes) > 1:
        names = ", ".join(cls.__name__ for cls in classes)
        raise LookupError(f"app.py has several components ({names}): mark one alone with `@airssys.component`")
    return classes[0]


def member(target: Any, name: str) -> Any:
    """A function of a component, or what :class:`Component` does in its place."""
    own: Optional[Any] = getattr(target, name, None)
    if own is not None:
        return own
    inherited = getattr(Component, name)
    return inherited if isinstance(target, type) else inherited.__get__(target)
