"""Buckets that are dicts, shared by all that open one of the same name."""

from typing import Callable, Dict, Iterator, Optional, Set

buckets: Dict[str, Dict[str, bytes]] = {}
denied: Set[str] = set()

Fail = Callable[[str, Optional[str]], Exception]


class Bucket:
    def __init__(self, name: str, fail: Fail) -> None:
        self.name, self.fail = name, fail

    @property
    def entries(self) -> Dict[str, bytes]:
        if self.name in denied:
            raise self.fail(self.name, None)
        return buckets.setdefault(self.name, {})

    def get(self, key: str) -> Optional[bytes]:
        return self.entries.get(key)

    def set(self, key: str, value: bytes) -> None:
        self.entries[key] = bytes(value)

    def delete(self, key: str) -> None:
        self.entries.pop(key, None)

    def exists(self, key: str) -> bool:
        return key in self.entries

    def keys(self) -> Iterator[str]:
        return iter(list(self.entries))

    def increment(self, key: str, delta: int) -> int:
        number = int(self.entries.get(key, b"0")) + delta
        self.entries[key] = str(number).encode()
        return number


def open(name: str, fail: Fail) -> Bucket:
    bucket = Bucket(name, fail)
    bucket.entries
    return bucket
