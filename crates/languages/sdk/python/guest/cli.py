"""The export of a command: ``main(argv)`` of ``app.py``, with the standard streams."""

import sys
import traceback
from types import ModuleType
from typing import Any, Callable, List, Optional

from componentize_py_types import Err

from ..paths import own_paths
from . import build

Main = Callable[[List[str]], Optional[int]]


def _choose(app: ModuleType) -> Main:
    main = getattr(app, "main", None)
    if not callable(main):
        raise LookupError("app.py has no command: write `def main(argv: list[str]) -> int | None`")
    return main


_main = build.load(_choose, to_log=False)


class WasiCliRun0212:
    def run(self) -> None:
        _open_streams()
        code = _code(_ended(_main))
        if not _flushed() and code == 0:
            code = 1
        if code != 0:
            # WASI 0.2 tells success from failure and no more.
            raise Err(None)


def _open_streams() -> None:
    """Standard streams that are buffered: those of the build write each piece by itself."""
    sys.stdin = open(0, "r", encoding="utf-8", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _ended(main: Main) -> Any:
    try:
        return main(sys.argv[1:])
    except SystemExit as ended:
        return ended.code
    except BaseException as error:
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        sys.stderr.write(own_paths("".join(traceback.format_exception(error.with_traceback(frames)))))
        return 1


def _code(ended: Any) -> int:
    """As Python has it: nothing is success, and a text is said and is failure."""
    if ended is None:
        return 0
    if isinstance(ended, int):
        return ended
    sys.stderr.write(f"{ended}\n")
    return 1


def _flushed() -> bool:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return False
    return True
