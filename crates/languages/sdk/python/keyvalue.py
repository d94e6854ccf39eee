"""The host's key-value store, through ``wasi:keyvalue``.

    from airssys import keyvalue

    visits = keyvalue.open("visits")
    count = visits.increment(user)

The manifest asks for a bucket: ``keyvalue = [{ bucket = "visits", access = ["read", "write"], reason = "counts" }]``.
Natively a bucket is a dict, and ``airssys.testing.deny_bucket`` refuses one.
"""

import sys
from typing import Iterator, Optional

from .errors import Denied, Unavailable

if sys.platform == "wasi":
    from ._wasi import keyvalue as _host
else:
    from ._native import keyvalue as _host


class AccessDenied(Denied):
    """The component has no access to the bucket, which may or may not exist."""


class StoreError(Unavailable):
    """The store failed, or a quota was reached."""


class Bucket:
    """A collection of entries: bytes by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._host = _host.open(name, _fail)

    def get(self, key: str) -> Optional[bytes]:
        """The value under this key, if there is one."""
        return self._host.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Sets the value under this key, whether there was one or not."""
        self._host.set(key, value)

    def delete(self, key: str) -> None:
        """Deletes the entry under this key, if there is one."""
        self._host.delete(key)

    def exists(self, key: str) -> bool:
        """Whether there is an entry under this key."""
        return self._host.exists(key)

    def keys(self) -> Iterator[str]:
        """All keys, fetched by pages, in no particular order."""
        return self._host.keys()

    def increment(self, key: str, delta: int = 1) -> int:
        """Adds to the number under this key, which begins at 0, and returns the sum. Nothing comes between."""
        return self._host.increment(key, delta)


def open(name: str) -> Bucket:
    """The bucket of this name; :class:`AccessDenied` where it is not granted."""
    return Bucket(name)


def _fail(bucket: str, why: Optional[str]) -> Exception:
    """The error for what the host says; no reason means that it refuses."""
    if why is None:
        return AccessDenied(f"no access to the bucket `{bucket}`")
    return StoreError(f"bucket `{bucket}`: {why}")
