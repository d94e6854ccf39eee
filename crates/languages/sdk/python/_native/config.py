"""Values in a dict."""

from typing import Dict, Optional

values: Dict[str, str] = {}


def get(name: str) -> Optional[str]:
    return values.get(name)


def all() -> Dict[str, str]:
    return dict(values)
