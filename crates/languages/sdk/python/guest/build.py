"""The build's part: ``app.py`` is run, and what is wrong with it is said as Python says it."""

import gc
import linecache
import logging
import os
import random
import sys
import traceback
from types import ModuleType
from typing import Any, Callable, TypeVar

from ..paths import own_paths
from . import imports

# The build shows this file instead of what the tool says around it.
REPORT = "/0/.build-error"

T = TypeVar("T")


def load(choose: Callable[[ModuleType], T], to_log: bool = True) -> T:
    """Runs ``app.py`` and returns what ``choose`` finds in it."""
    if to_log:
        _log_to_host()
    try:
        import app

        chosen = choose(app)
        imports.complete()
    except BaseException as error:
        _report(error)
        raise
    _forget_the_build()
    return chosen


def _log_to_host() -> None:
    # A command has no such log: its world does not import it.
    from .. import log

    root = logging.getLogger()
    root.addHandler(log.HostHandler())
    # The host decides which levels it keeps.
    root.setLevel(1)


def _report(error: BaseException) -> None:
    if isinstance(error, LookupError) and error.__traceback__ is not None and _is_ours(error):
        text = f"error: {error}\n"
    else:
        below = _below_app(error.__traceback__)
        # A file that can't be read as Python has no frames of its own: the error says its place itself.
        if below is not None or isinstance(error, SyntaxError):
            error = error.with_traceback(below)
        text = own_paths("".join(traceback.format_exception(error)))
    with open(REPORT, "w", encoding="utf-8") as file:
        file.write(text)


def _is_ours(error: BaseException) -> bool:
    """Whether it was raised by the SDK itself, which says what to write, and not in the project's code."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith("/0/airssys/")


def _below_app(frames: Any) -> Any:
    """The traceback without the frames of the SDK and of Python's import above the project's own."""
    rest = frames
    while rest is not None:
        name = rest.tb_frame.f_code.co_filename
        if name.startswith(("/0/", "/1/")) and not name.startswith("/0/airssys/"):
            return rest
        rest = rest.tb_next
    return None


def _forget_the_build() -> None:
    """Lets go of what is of no use later, and differs from build to build: chance, files' times, cached source."""
    # At an instance's first call it is seeded anew.
    random.seed(0)
    sys.path_importer_cache.clear()
    linecache.clearcache()
    os.environ.pop("PYTHONPATH", None)
    gc.collect()
    gc.freeze()
