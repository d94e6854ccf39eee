"""Buckets through ``wasi:keyvalue``."""

from typing import Any, Callable, Iterator, Optional

from componentize_py_types import Err
from wit_world.imports import wasi_keyvalue_atomics_0_2_0_draft2 as atomics
from wit_world.imports import wasi_keyvalue_store_0_2_0_draft2 as store

Fail = Callable[[str, Optional[str]], Exception]


class Bucket:
    def __init__(self, name: str, fail: Fail) -> None:
        self.name, self.fail = name, fail
        self.handle = self._said(store.open, name)

    def get(self, key: str) -> Optional[bytes]:
        return self._said(self.handle.get, key)

    def set(self, key: str, value: bytes) -> None:
        self._said(self.handle.set, key, bytes(value))

    def delete(self, key: str) -> None:
        self._said(self.handle.delete, key)

    def exists(self, key: str) -> bool:
        return self._said(self.handle.exists, key)

    def keys(self) -> Iterator[str]:
        cursor = None
        while True:
            page = self._said(self.handle.list_keys, cursor)
            yield from page.keys
            cursor = page.cursor
            if cursor is None:
                return

    def increment(self, key: str, delta: int) -> int:
        return self._said(atomics.increment, self.handle, key, delta)

    def _said(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Err as error:
            said = error.value
        if isinstance(said, store.Error_AccessDenied):
            raise self.fail(self.name, None)
        raise self.fail(self.name, getattr(said, "value", "no such store"))


def open(name: str, fail: Fail) -> Bucket:
    return Bucket(name, fail)
