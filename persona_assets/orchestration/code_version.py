"""A code version that moves when, and only when, something that can change the table changes.

Belongs here: which definitions and values are behind an asset, and their digest. No asset has to
remember to raise a number. Does not belong here: reading source (`source_code.py`) or keeping what
was read (`source_cache.py`).

Behind a table are the asset's function and every definition that it uses, directly or through
others, in the Dagster plane as well; the contract of each table it names, by columns and key; what
it reads, by table, columns and partition mapping; and how partitions are read and written. Words
(comments, documentation, meanings of columns, texts of errors) and places (which module a
definition stands in) are not. Neither are:

- settings, which runs compare by value (`orchestration/runs/fingerprint.py`);
- the store and the engines, which give back the rows that they were given, whatever their code;
- the source of the shop, but for the raw tables, which name it.
"""

import hashlib
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

import dagster as dg

from persona_assets.orchestration.inputs import Reads
from persona_assets.orchestration.partitions import Cadence
from persona_assets.orchestration.resources.lake import LakeIOManager
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.orchestration.source_cache import definition, names
from persona_assets.orchestration.source_code import PACKAGE, Symbol, is_module
from persona_assets.tables.contract import Column, Table

_NOT_FOLLOWED = (
    f"{PACKAGE}.settings",
    f"{PACKAGE}.orchestration.table_asset",  # declares; see `HOW_TABLES_ARE_MADE`
    f"{PACKAGE}.orchestration.code_version",
    f"{PACKAGE}.lake.store",
)
_SOURCE = Symbol(f"{PACKAGE}.sources", "open_source")
_ALL_CONTRACTS = Symbol(f"{PACKAGE}.tables", "TABLES")  # where a contract is found by its path
_BY_WORKERS = Symbol(f"{PACKAGE}.orchestration.dispatch", "TRAINED_BY_WORKERS")
"""Trainings of several models; the asset of each names its own."""
_VALUES = (Table, Column, Reads, dg.PartitionMapping, Cadence)
HOW_TABLES_ARE_MADE = (
    Symbol(f"{PACKAGE}.orchestration.table_step", "writing"),
    Symbol(f"{PACKAGE}.orchestration.table_step", "_batches"),
)
"""How every asset's rows come from its function: behind all of them."""


def code_version(
    function: Callable[..., object], *more: object, reads: object = None, shop: bool = False
) -> str:
    """Digest of everything in code that can change what an asset's function makes.

    Args:
        function: the asset's function; one that a function makes stands for its maker.
        more: contracts, and functions, classes or instances that the function gets from elsewhere
            than its module.
        reads: the asset's inputs, digested by value.
        shop: does it take the shop resource?
    """
    parts = [_by_value(each) for each in (*more, reads) if _is_value(each)]
    roots = [_symbol(function), _symbol(LakeIOManager), *HOW_TABLES_ARE_MADE]
    roots += [_symbol(each) for each in more if not _is_value(each)]
    roots += [_symbol(ShopResource)] if shop else []
    parts += sorted({_text(symbol) for symbol in behind(roots)})
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()


def behind(roots: Iterable[Symbol]) -> set[Symbol]:
    """`roots` and everything of the package that they use, directly or through others."""
    waiting = list(roots)
    named = set(waiting)
    found: set[Symbol] = set()
    while waiting:
        symbol = waiting.pop()
        if symbol in found:
            continue
        found.add(symbol)
        waiting.extend(each for each in _references(symbol) if each in named or not _is_stop(each))
    return found


def _is_stop(symbol: Symbol) -> bool:
    return symbol in (_SOURCE, _ALL_CONTRACTS, _BY_WORKERS) or symbol.module.startswith(
        _NOT_FOLLOWED
    )


@cache
def _references(symbol: Symbol) -> frozenset[Symbol]:
    if not symbol.name:
        return frozenset(Symbol(symbol.module, name) for name in names(symbol.module))
    if _value_of(symbol) is not None:
        return frozenset()
    return definition(symbol).references


@cache
def _text(symbol: Symbol) -> str:
    if not symbol.name:
        return ""
    value = _value_of(symbol)
    return definition(symbol).text if value is None else value


@cache
def _value_of(symbol: Symbol) -> str | None:
    """Contracts and partitions count by what they are; None for everything else."""
    if not symbol.module.startswith((f"{PACKAGE}.tables", f"{PACKAGE}.orchestration.partitions")):
        return None
    value = getattr(importlib.import_module(symbol.module), symbol.name, None)
    return _by_value(value) if _is_value(value) else None


def _is_value(thing: object) -> bool:
    if isinstance(thing, _VALUES):
        return True
    if isinstance(thing, Mapping):
        return bool(thing) and all(map(_is_value, thing.values()))
    return isinstance(thing, tuple) and bool(thing) and all(map(_is_value, thing))


def _by_value(thing: object) -> str:
    """A contract, an input or a mapping as text, without the words that explain it."""
    return repr(tuple(_values(thing)))


def _values(thing: object) -> Iterator[object]:
    yield type(thing).__name__
    match thing:
        case Table():
            yield from (thing.path, thing.key, thing.partition)
            yield from map(_by_value, thing.columns)
        case Column():
            yield from (thing.name, thing.type, thing.nullable, thing.allowed)
        case Mapping():
            yield from ((name, _by_value(value)) for name, value in sorted(thing.items()))
        case dg.TimeWindowPartitionMapping():
            yield from (thing.start_offset, thing.end_offset)
        case dg.PartitionMapping():
            yield repr(thing)
        case Cadence():
            pass  # which partitions there are is the calendar's; rows depend on their own alone
        case Reads():
            yield from (thing.table.path, thing.columns, tuple(thing.said.items()))
            yield _by_value(thing.mapping) if thing.mapping else "same partition"
        case tuple():
            yield from map(_by_value, thing)


def _symbol(thing: object) -> Symbol:
    """Where a function or class, or the class of an instance, is defined."""
    named = thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing)
    module = named.__module__
    if not is_module(module):
        raise ValueError(f"{thing!r} is not defined in {PACKAGE}; name a definition of the package")
    return Symbol(module, named.__qualname__.partition(".")[0])
