"""The standard ``logging``, carried to the service's log by ``wasi:logging``.

Nothing has to be set up: ``logging.info("...")``. The logger's name is the line's context. Natively, ``logging`` is
as Python has it.
"""

import logging
import sys

from .paths import own_paths

TRACE = 5
"""Below ``logging.DEBUG``: ``logging.log(airssys.log.TRACE, ...)``."""

logging.addLevelName(TRACE, "TRACE")


def event(name: str) -> None:
    """Says that something happened in this call, such as ``bought``: an experiment whose success is ``event:bought``
    counts the call. It is a line of the log too, under the context ``event``."""
    logging.getLogger("event").info(name)


class HostHandler(logging.Handler):
    """Gives each line to the host, with its level and its logger's name."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line(record.levelno, record.name, own_paths(self.format(record)))
        except Exception:  # A line that can't be made into text is no reason to fail a call.
            self.handleError(record)


if sys.platform == "wasi":
    from ._wasi.log import line
else:

    def line(level: int, context: str, message: str) -> None:
        print(f"{logging.getLevelName(level)} {context}: {message}", file=sys.stderr)
