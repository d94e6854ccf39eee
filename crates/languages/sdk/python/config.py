"""Values that the host gives by name, through ``wasi:config``: the configuration, and secrets.

    from airssys import config

    key = config.get("secrets/API_KEY")

The configuration comes to ``__init__`` as a whole, too, with its types; here each value is a text. An HTTP service gets it
here alone. Natively the values are ``airssys.testing.values``.
"""

import sys
from typing import Dict, Optional, overload

if sys.platform == "wasi":
    from ._wasi import config as _host
else:
    from ._native import config as _host


@overload
def get(name: str) -> Optional[str]: ...
@overload
def get(name: str, default: str) -> str: ...
def get(name: str, default: Optional[str] = None) -> Optional[str]:
    """The value of this name; ``default`` where there is none that the component may see."""
    value = _host.get(name)
    return default if value is None else value


def all() -> Dict[str, str]:
    """All values that the component may see."""
    return _host.all()
