"""What the source of the package says, read once and kept beside Python's own compiled files.

Belongs here: keeping all definitions of the package in one file, and knowing when it is out of
date. Does not belong here: reading source (`source_code.py`), or versions (`code_version.py`).

Reading takes more than a second, and every process that loads the graph needs it: each command,
each step that runs beside others, each server of the web UI.
"""

import json
import os
import sys
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from importlib.util import cache_from_source
from pathlib import Path

from persona_assets.assets.source_code import (
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
    state = _state()
    kept = _load(_file(), state)
    if kept is None:
        kept = _read()
        if not sys.dont_write_bytecode:
            _save(_file(), state, kept)
    return kept


def _file() -> Path:
    return Path(cache_from_source(__file__)).with_suffix(".json")


def _read() -> Definitions:
    return {module: _digested(module) for module in modules()}


def _digested(module: str) -> dict[str, Definition]:
    found = {}
    for name in sorted(read_names(module)):
        read = read_definition(Symbol(module, name))
        text = blake2b(read.text.encode(), digest_size=12).hexdigest() if read.text else ""
        found[name] = Definition(text, read.references)
    return found


def _state() -> str:
    """Digest of all source of the package, and of the Python whose syntax it is read as."""
    digest = blake2b(sys.version.encode(), digest_size=16)
    for module in modules():
        digest.update(f"\n{module}\n".encode())
        digest.update(source(module))
    return digest.hexdigest()


def _load(file: Path, state: str) -> Definitions | None:
    """What was kept of this very source; None: nothing."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError):  # not there, not for us, or damaged: the source says it all
        return None
    if document.get("state") != state:
        return None
    return {
        module: {
            name: Definition(text, frozenset(Symbol(*each) for each in references))
            for name, (text, references) in found.items()
        }
        for module, found in document["definitions"].items()
    }


def _save(file: Path, state: str, definitions: Definitions) -> None:
    document = {
        "state": state,
        "definitions": {
            module: {
                name: (each.text, sorted((to.module, to.name) for to in each.references))
                for name, each in found.items()
            }
            for module, found in definitions.items()
        },
    }
    # As Python does with compiled files: an installation that may not be written to is read anew.
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        whole = file.with_name(f"{file.name}.{os.getpid()}")
        whole.write_text(json.dumps(document), encoding="utf-8")
        whole.replace(file)  # two processes may write at once


if __name__ == "__main__":  # as `compileall` does: asked for, it is kept in any case
    _save(_file(), _state(), _read())
