"""A code version that changes when, and only when, code behind an asset changes.

Belongs here: finding and digesting the source files an asset function leans on. No asset has to
remember to raise a number.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

_PACKAGE = "persona_assets."
# The Dagster plane holds no logic: a changed check or schedule changes no table.
_PLANE = tuple(
    f"{_PACKAGE}{name}" for name in ("assets", "checks", "resources", "partitions", "automation")
)


def code_version(function: Callable[..., object], *more: object) -> str:
    """Digest of the asset function's own source and of all domain modules it reaches.

    `more` are domain objects that the function gets from elsewhere than its module's globals.
    """
    digest = hashlib.blake2b(digest_size=6)
    digest.update(inspect.getsource(function).encode())
    assert isinstance(function, FunctionType)  # noqa: S101 - for the type checker
    referenced = [
        function.__globals__[name]
        for name in _names(function.__code__)
        if name in function.__globals__
    ]
    modules = {module for thing in (*referenced, *more) for module in _domain_modules(thing)}
    for path in sorted({path for module in modules for path in _reachable(module)}):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def _names(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _domain_modules(thing: object) -> list[str]:
    name = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    if not isinstance(name, str) or not name.startswith(_PACKAGE) or name.startswith(_PLANE):
        return []
    return [name]


@cache
def _reachable(name: str) -> frozenset[str]:
    """Source files of the domain module `name` and of all domain modules it imports from."""
    found: set[str] = set()
    paths: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        module = sys.modules[current]
        if module.__file__:
            paths.add(module.__file__)
        for thing in list(vars(module).values()):
            waiting.extend(_domain_modules(thing))
    return frozenset(paths)
