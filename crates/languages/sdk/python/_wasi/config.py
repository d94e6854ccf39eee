"""Values through ``wasi:config``."""

from typing import Dict, Optional

from componentize_py_types import Err
from wit_world.imports import wasi_config_store_0_2_0_rc_1 as store

from ..errors import Unavailable


def get(name: str) -> Optional[str]:
    try:
        return store.get(name)
    except Err as error:
        raise Unavailable(f"configuration: {error.value.value}") from None


def all() -> Dict[str, str]:
    try:
        return dict(store.get_all())
    except Err as error:
        raise Unavailable(f"configuration: {error.value.value}") from None
