"""Imports that code does only when it runs, done at build time: later there is no disk to import from."""

import ast
import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Iterator, List, Set

# What the standard library imports inside its own functions, where common code leads to it.
STANDARD = (
    "_strptime",
    "encodings.ascii",
    "encodings.cp1252",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_8_sig",
    "unicodedata",
)


def complete() -> None:
    """Imports what the project's modules, and those that they vendor, import inside functions."""
    for name in STANDARD:
        importlib.import_module(name)
    done: Set[str] = set()
    while fresh := [module for module in _project() if module.__name__ not in done]:
        for module in fresh:
            done.add(module.__name__)
            for name in _named(module):
                _try(name)


def _project() -> List[ModuleType]:
    return [module for module in list(sys.modules.values()) if _is_own(module)]


def _is_own(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None) or ""
    return file.startswith(("/0/", "/1/")) and file.endswith(".py") and not file.startswith("/0/airssys/")


def _named(module: ModuleType) -> Iterator[str]:
    """The names that a module imports anywhere in it; of a `from`, what it names may be modules too."""
    with open(module.__file__, "rb") as file:
        tree = ast.parse(file.read())
    package = module.__package__ or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _try(name: str) -> None:
    if name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except Exception:
        # Code that imports inside a function is often ready for there being no such module; it is told when it runs.
        pass
