"""What a call brings, what may be known of it, and what it gives back."""

import json
import time
from dataclasses import dataclass, field
from typing import Any, List, Optional, Tuple, Union

from .errors import InvalidInput

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"

Metadata = List[Tuple[str, str]]


@dataclass(frozen=True)
class Input:
    """A call's input. A test makes one: ``Input(b"ada")``, ``Input.from_text("ada")``, ``Input.from_json([1])``."""

    body: bytes = b""
    """The bytes, as they came."""
    content_type: Optional[str] = None
    """What the bytes are, as a media type; none where nobody said."""
    metadata: Metadata = field(default_factory=list)
    """What else came with the call, in its order. A name may stand more than once."""

    @classmethod
    def from_text(cls, text: str) -> "Input":
        """Text."""
        return cls(text.encode(), TEXT)

    @classmethod
    def from_json(cls, value: Any) -> "Input":
        """A value as JSON."""
        return cls(dump(value), JSON)

    def text(self) -> str:
        """The bytes as text; :class:`InvalidInput` where they are not UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"the input is no text: {error}") from error

    def json(self) -> Any:
        """The bytes as JSON; :class:`InvalidInput` where they are not."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"the input is no JSON: {error}") from error

    def get(self, name: str, default: Optional[str] = None) -> Optional[str]:
        """The first piece of metadata of this name, without regard to the name's case."""
        wanted = name.lower()
        return next((value for key, value in self.metadata if key.lower() == wanted), default)


@dataclass(frozen=True)
class Output:
    """A call's output, where the bytes or the text alone don't say enough."""

    body: bytes = b""
    content_type: Optional[str] = None
    """What the bytes are, as a media type; without one they are read as bytes."""
    metadata: Metadata = field(default_factory=list)
    """What else is to be told to the caller."""

    @classmethod
    def text(cls, text: str) -> "Output":
        """Text."""
        return cls(text.encode(), TEXT)

    @classmethod
    def json(cls, value: Any) -> "Output":
        """A value as JSON."""
        return cls(dump(value), JSON)

    @classmethod
    def of(cls, answer: "Answer") -> "Output":
        """What ``handle`` returned, as an output: text and JSON get their media types."""
        if isinstance(answer, Output):
            return answer
        if isinstance(answer, (bytes, bytearray, memoryview)):
            return cls(bytes(answer))
        if isinstance(answer, str):
            return cls.text(answer)
        if answer is None:
            return cls()
        if isinstance(answer, (dict, list, tuple, int, float)):
            return cls.json(answer)
        kind = type(answer).__name__
        raise TypeError(f"handle returned a {kind}: return an Output, bytes, str, or what JSON can say")


Answer = Union[Output, bytes, bytearray, memoryview, str, dict, list, tuple, int, float, None]
"""What ``handle`` can return."""


@dataclass(frozen=True)
class Context:
    """What may be known of the call. By default it is that of a test: no id, no deadline, no caller, first try."""

    request_id: str = ""
    """The call's id: the same in the caller's answer, in the log and in the audit trail."""
    trace_parent: Optional[str] = None
    """The caller's W3C ``traceparent``."""
    deadline_ns: Optional[int] = None
    """Nanoseconds that were left of the call's time limit when the call began."""
    caller: Optional[str] = None
    """Who calls; none for a caller who has no name."""
    attempt: int = 1
    """1 for the first try, 2 for its first repetition."""
    began_ns: int = field(default_factory=time.monotonic_ns, repr=False, compare=False)

    def time_left(self) -> Optional[float]:
        """Seconds left of the call's time limit; none where it has no limit. The host ends the call when nothing is
        left, whatever the component does."""
        if self.deadline_ns is None:
            return None
        return max(0, self.began_ns + self.deadline_ns - time.monotonic_ns()) / 1e9


def dump(value: Any) -> bytes:
    """JSON as it goes out: unicode as it is, and nothing that is no JSON, such as NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
