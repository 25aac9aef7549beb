"""What the source of the package says, read once and kept beside Python's own compiled files.

Belongs here: keeping all definitions of the package in one file, and knowing when it is out of
date. Does not belong here: reading source (`source_code.py`), or versions (`code_version.py`).

Reading takes more than a second, and every process that loads the graph needs it: each command,
each step that runs beside others, each server of the web UI.
"""

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.util import cache_from_source
from pathlib import Path

from persona_assets.orchestration.source_code import (
    Definition,
    Symbol,
    modules,
    read_definition,
    read_names,
    source,
)

Definitions = dict[str, dict[str, Definition]]
"""Module → top-level name → what it stands for."""


def definition(symbol: Symbol) -> Definition:
    """What a name stands for, its `text` as a digest."""
    found = _definitions().get(symbol.module, {}).get(symbol.name)
    return found or Definition("", frozenset())


def names(module: str) -> frozenset[str]:
    """Every top-level name of a module of the package, imported ones included."""
    return frozenset(_definitions()[module])


@cache
def _definitions() -> Definitions:
    kept, states = _load(), _states()
    fresh = {
        module: kept[module]
        if module in kept and kept[module].state == state
        else _Kept(state, _read(module))
        for module, state in states.items()
    }
    if fresh != kept and not sys.dont_write_bytecode:
        _save(fresh)
    return {module: each.definitions for module, each in fresh.items()}


@dataclass(frozen=True)
class _Kept:
    """What a module said when its source, and all that reading it depends on, had this digest."""

    state: str
    definitions: dict[str, Definition]


def _states() -> dict[str, str]:
    """Module → digest of its source, the way it is read, and the names that may be modules."""
    names = modules()
    of_all = repr((sys.version, source(read_definition.__module__), names)).encode()
    return {
        name: blake2b(source(name), key=blake2b(of_all).digest(), digest_size=16).hexdigest()
        for name in names
    }


def _read(module: str) -> dict[str, Definition]:
    found = {}
    for name in sorted(read_names(module)):
        read = read_definition(Symbol(module, name))
        text = blake2b(read.text.encode(), digest_size=12).hexdigest() if read.text else ""
        found[name] = Definition(text, read.references)
    return found


def _file() -> Path:
    return Path(cache_from_source(__file__)).with_suffix(".json")


def _load() -> dict[str, _Kept]:
    try:
        return {
            module: _Kept(
                state,
                {
                    name: Definition(text, frozenset(Symbol(*each) for each in references))
                    for name, (text, references) in definitions.items()
                },
            )
            for module, (state, definitions) in json.loads(_file().read_bytes()).items()
        }
    # Not there, not for us, damaged, or as another version wrote it: the source says it all.
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _save(kept: Mapping[str, _Kept]) -> None:
    document = {
        module: (
            each.state,
            {
                name: (found.text, sorted((to.module, to.name) for to in found.references))
                for name, found in each.definitions.items()
            },
        )
        for module, each in kept.items()
    }
    # As Python does with compiled files: an installation that may not be written to is read anew.
    with suppress(OSError):
        _file().parent.mkdir(exist_ok=True)
        whole = _file().with_name(f"{_file().name}.{os.getpid()}")
        whole.write_text(json.dumps(document), encoding="utf-8")
        whole.replace(_file())  # two processes may write at once


if __name__ == "__main__":  # as `compileall` does: asked for, it is kept in any case
    _save({module: _Kept(state, _read(module)) for module, state in _states().items()})
