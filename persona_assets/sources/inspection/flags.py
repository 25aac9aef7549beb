"""Columns that say yes or no of what happened: `is_purchase`, `bought`, `clicked`.

Belongs here: seeing them, and which event type each one says. Does not belong here: columns of
names of events (`roles.py`), or what a mapping makes of flags (`sources/event_flags.py`).
"""

from collections.abc import Collection, Mapping

from persona_assets.sources.inspection.column_names import words_of
from persona_assets.sources.inspection.event_names import LEFT_OPEN, event_type_of
from persona_assets.sources.inspection.roles import Column, KnownTable
from persona_assets.sources.typed_columns import NO, YES

FLAGGED = ("purchase", "add_to_cart", "view")
"""What flags are drafted as, the one that counts first; a return has a quantity, too."""
_PASSED_OVER = frozenset({"is", "has", "was", "did", "in", "flag", "ind", "indicator", "label"})
_ANSWERS = frozenset({*YES, *NO, "1.0", "0.0"})


def flags_of(table: KnownTable, used: Collection[str]) -> Mapping[str, Column]:
    """Event type → the column that says whether it happened, in the order of `FLAGGED`."""
    found = {
        event_type_of(_said(each)): each for each in reversed(table.columns) if _is_free(each, used)
    }
    return {kind: found[kind] for kind in FLAGGED if kind in found}


def open_flags(table: KnownTable, used: Collection[str]) -> tuple[Column, ...]:
    """Flags of what one shop calls a view and another something else: `clicked`."""
    plain = ((each, _said(each).replace("_", "")) for each in table.columns if _is_free(each, used))
    return tuple(each for each, name in plain if name in LEFT_OPEN)


def is_flag(column: Column) -> bool:
    """Whether all values of a column are answers: yes or no, 1 or 0."""
    answers = {each.lower() for each in column.profile.counts}
    return bool(answers) and answers <= _ANSWERS


def _is_free(column: Column, used: Collection[str]) -> bool:
    return column.name not in used and is_flag(column)


def _said(column: Column) -> str:
    """What a flag is about: `purchase` of `is_purchase`."""
    words = [each for each in words_of(column.name) if each not in _PASSED_OVER]
    return "_".join(words)
