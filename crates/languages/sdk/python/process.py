"""Programs of the host, out of the operator's list.

    from airssys import process

    small = process.run("thumbs", picture).stdout

The manifest asks for an entry by name: ``process = [{ name = "thumbs", reason = "previews" }]``. Which program that
is, with which arguments, variables and directory, the operator's list alone says. Natively there is no list but
``airssys.testing.answer_program``.
"""

import sys
from dataclasses import dataclass

from .errors import Denied, Failed, Unavailable

if sys.platform == "wasi":
    from ._wasi import process as _host
else:
    from ._native import process as _host


class RunDenied(Denied):
    """The component has no right to it, or lost it while the program ran: it was killed then."""


class NoSuchProgram(Failed):
    """The operator's list has no such entry."""


class Busy(Unavailable):
    """As many programs run already as may: to be tried again."""


class TooLarge(Failed):
    """The input, or what the program wrote, is larger than may be. In the second case it was killed."""


@dataclass(frozen=True)
class Finished:
    """What a program that ended leaves."""

    exit_code: int
    """128 and the signal's number where a signal ended it, as shells say it."""
    stdout: bytes = b""
    stderr: bytes = b""


def run(name: str, stdin: bytes = b"") -> Finished:
    """Runs the entry of this name with these bytes as its standard input, and waits for its end. A program that fails
    is no error: its exit code says so."""
    return _host.run(name, stdin)
