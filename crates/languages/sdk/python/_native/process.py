"""Programs that a test stands in for."""

from typing import Any, Callable, Dict

programs: Dict[str, Callable[[bytes], Any]] = {}


def run(name: str, stdin: bytes) -> Any:
    from ..process import Finished, NoSuchProgram

    if name not in programs:
        raise NoSuchProgram(f"the operator's list has no program `{name}`")
    finished = programs[name](stdin)
    return Finished(0, finished) if isinstance(finished, bytes) else finished
