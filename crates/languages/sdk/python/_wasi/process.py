"""Programs through the contract's ``process``."""

from typing import Any

from componentize_py_types import Err
from wit_world.imports import airssys_component_process_0_1_0 as process


def run(name: str, stdin: bytes) -> Any:
    from ..process import Finished

    try:
        finished = process.run(name, bytes(stdin))
    except Err as error:
        raise _failure(name, error.value) from None
    return Finished(finished.exit_code, finished.stdout, finished.stderr)


def _failure(name: str, said: Any) -> Exception:
    from .. import process as public

    if isinstance(said, process.Error_Denied):
        return public.RunDenied(f"the program `{name}` is not granted")
    if isinstance(said, process.Error_NoSuchProgram):
        return public.NoSuchProgram(f"the operator's list has no program `{name}`")
    if isinstance(said, process.Error_Busy):
        return public.Busy(said.value)
    if isinstance(said, process.Error_TooLarge):
        return public.TooLarge(said.value)
    return public.Failed(said.value)
