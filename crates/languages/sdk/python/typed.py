"""Configuration read into a type: ``settings(Settings, config)``."""

import dataclasses
import typing
from typing import Any, Dict, Type, TypeVar

from .errors import InvalidConfig

S = TypeVar("S")


def settings(cls: Type[S], config: Dict[str, Any]) -> S:
    """An instance of a dataclass with the configuration's values.

    A name that the dataclass does not have is refused, and so is a value of another type or the lack of one without
    a default: :class:`InvalidConfig` says which. ``float`` takes whole numbers too; lists and dicts are taken as
    they are, whatever is in them; an ``Optional`` takes ``None``; a dataclass in a dataclass is read the same way.
    """
    return _read(cls, config, "")


def _read(cls: Any, values: Any, path: str) -> Any:
    if not isinstance(values, dict):
        raise InvalidConfig(f"`{path or 'config'}` is no table")
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    for name in values:
        if name not in fields:
            known = ", ".join(fields) or "none"
            raise InvalidConfig(f"`{path}{name}` is no setting; there are: {known}")
    given = {name: _value(hints[name], value, path + name) for name, value in values.items()}
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in given:
            raise InvalidConfig(f"`{path}{name}` is not set")
    return cls(**given)


def _value(hint: Any, value: Any, path: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _read(hint, value, path + ".")
    if not _fits(hint, value):
        raise InvalidConfig(f"`{path}` is {_shown(value)}, and not {_name(hint)}")
    return value


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin in (list, dict):
        return isinstance(value, origin)
    if origin is not None:
        return any(_fits(inner, value) for inner in typing.get_args(hint))
    # To Python a truth is a number, and to whoever writes a configuration it is not.
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"of type {type(value).__name__}"


def _name(hint: Any) -> str:
    return getattr(hint, "__name__", None) if isinstance(hint, type) else str(hint).replace("typing.", "")
