"""Which column of a table is which of ours in a section, and which ones might be.

Belongs here: the columns that a section maps, and those that a person must choose from. Does not
belong here: candidates for columns (`roles.py`), which table is which section (`sections.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from persona_assets.sources.inspection.column_names import meanings, role_of
from persona_assets.sources.inspection.roles import TIMES, Column, KnownTable, unused
from persona_assets.sources.mapping import REQUIRED
from persona_assets.sources.numbers import number_format, read_numbers

NEARLY_ALL = 0.9
MOST_KINDS = 30
FEWEST_ROWS = 20
"""Rows of which so many different identifiers are no chance."""
OURS: dict[str, tuple[str, ...]] = {
    "events": ("event_id", "user_id", "product_id", "event_type", "timestamp", "arrived_at",
               "quantity", "unit_price", "order_id"),
    "orders": ("order_id", "user_id", "product_id", "timestamp", "quantity", "unit_price"),
    "search_logs": ("user_id", "timestamp", "query", "results"),
    "users": ("user_id", "country", "signup_date", "valid_from"),
    "products": ("product_id", "name", "category", "brand", "price", "launch_date", "valid_from"),
}  # fmt: skip
"""Columns that a draft maps, in its order; consent is left to be stated."""


@dataclass(frozen=True)
class Guess:
    """One of our columns.

    Attributes:
        ours: its name.
        column: the column of theirs.
        others: further columns that might be meant.
    """

    ours: str
    column: Column
    others: tuple[Column, ...] = ()


def guesses_of(name: str, table: KnownTable) -> Iterator[Guess]:
    """The columns of a table that a section maps, in the order of a draft."""
    for ours in OURS[name]:
        candidates = table.candidates.get("unit_price" if ours == "price" else ours, ())
        if not candidates and ours == REQUIRED[name][0]:
            key = plain_key(table, {"users": "who", "products": "product"}.get(name, "-"))
            candidates = (key,) if key else ()
        if not candidates and ours == "user_id":
            candidates = table.candidates.get("e-mail", ())
        if not candidates and ours == "event_id" and name == "events":
            candidates = _event_ids(table)
        if not candidates and ours == "unit_price":
            candidates = _lone_amount(table)
        candidates = tuple(each for each in candidates if _is_safe(ours, each, table))
        if ours in ("user_id", "product_id") and (table.has("user_id") or table.has("order_id")):
            candidates = tuple(sorted(candidates, key=_numbers_the_rows))
        if candidates:
            yield Guess(ours, candidates[0], candidates[1:4])


def _is_safe(ours: str, column: Column, table: KnownTable) -> bool:
    """Whether mapping a column that is not required can cost no rows and stop no run."""
    profile = column.profile
    if ours == "event_id":
        return profile.distinct == profile.filled == profile.rows
    if ours == "price":  # of a catalogue, in which nothing may be lost
        read = read_numbers(profile.values, number_format([profile.values]))
        return read.count() == profile.filled
    if ours in ("arrived_at", "signup_date", "launch_date") and column.times is not None:
        when = table.best("timestamp") if ours == "arrived_at" else None
        same = when is None or (when.times and when.times.setting) == column.times.setting
        whole = ours != "arrived_at" or column.times.readable == profile.rows
        return same and whole and column.times.readable == profile.filled
    return True


def _numbers_the_rows(column: Column) -> bool:
    """Whether an identifier is another one in every row, as that of a line of an order is."""
    profile = column.profile
    return profile.rows >= FEWEST_ROWS and profile.distinct == profile.rows


def _event_ids(table: KnownTable) -> tuple[Column, ...]:
    """A column `id` that is different in every row."""
    lone = table.candidates.get("identifier", ())
    return tuple(each for each in lone if each.profile.distinct == each.profile.rows)


def _lone_amount(table: KnownTable) -> tuple[Column, ...]:
    """An amount, where every row is of one piece for all that is known."""
    quantity = table.best("quantity")
    if quantity is not None and quantity.profile.constant not in ("1", "1.0"):
        return ()
    return table.candidates.get("total", ())


def might_be(ours: str, table: KnownTable, used: Sequence[str]) -> tuple[Column, ...]:
    """Columns to choose from, where no name says which of ours one is."""
    if ours == "user_id" and table.has("session"):
        return table.candidates["session"]
    roles = ("none", "identifier", "person", *["name"] * (ours == "product_id"))
    free = [
        each for each in unused(table, used) if each.role in roles and each.profile.kind != "empty"
    ]
    if ours == "timestamp":
        return tuple(each for each in free if each.times is not None or _is_called_a_time(each))
    if ours in ("user_id", "product_id"):
        return tuple(each for each in free if _may_be_a_key(each))[:4]
    if ours == "event_type":
        return tuple(each for each in free if _may_be_kinds(each))[:4]
    return ()


def _is_called_a_time(column: Column) -> bool:
    return role_of(column.name)[0] in TIMES


def _may_be_kinds(column: Column) -> bool:
    """Whether some values are names of events, or the name speaks of kinds."""
    few = column.profile.kind == "text" and 1 < column.profile.distinct <= MOST_KINDS
    return few and (column.known_events > 0 or "kind" in meanings(column.name))


def _may_be_a_key(column: Column) -> bool:
    """Whether values come again, but not often enough to be a handful of kinds."""
    profile = column.profile
    if profile.kind not in ("text", "whole numbers") or column.times is not None:
        return False
    if _is_called_a_time(column):
        return False
    return profile.filled >= NEARLY_ALL * profile.rows and (
        min(10, 0.2 * profile.rows) <= profile.distinct < profile.rows
    )


def plain_key(table: KnownTable, meaning: str) -> Column | None:
    """A column `id` or `code` in a file that is named after what it describes."""
    return table.best("identifier") if meaning in called(table) else None


def called(table: KnownTable) -> set[str]:
    """What the names of a table's files say."""
    stems = (name.rsplit("/", 1)[-1].split(".")[0] for name in table.table.files[:1])
    return {meaning for stem in stems for meaning in meanings(stem)}
