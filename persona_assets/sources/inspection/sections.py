"""Which table is which section of a mapping, and what of our columns it has.

Belongs here: events, orders, products, people, searches; what is guessed, asked and assumed of
each. Does not belong here: candidates for columns (`roles.py`), vendors' exports
(`known_exports.py`), writing it down (`drafts.py`).

What a table cannot say at all (whose events they are, when they were) is *assumed* with a constant,
so that the rest can be looked at; the draft says that nothing that depends on it means anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from persona_assets.sources.inspection.column_names import meanings, role_of
from persona_assets.sources.inspection.columns import share_of
from persona_assets.sources.inspection.event_names import event_type_of
from persona_assets.sources.inspection.roles import KNOWN_SHARE, TIMES, Column, KnownTable, unused
from persona_assets.sources.mapping import REQUIRED
from persona_assets.sources.numbers import number_format, read_numbers
from persona_assets.tables.mart import EVENT_TYPES

NEARLY_ALL = 0.9
MOST_KINDS = 30
OURS: dict[str, tuple[str, ...]] = {
    "events": ("event_id", "user_id", "product_id", "event_type", "timestamp", "arrived_at",
               "quantity", "unit_price", "order_id"),
    "orders": ("order_id", "user_id", "product_id", "timestamp", "quantity", "unit_price"),
    "search_logs": ("user_id", "timestamp", "query", "results"),
    "users": ("user_id", "country", "signup_date", "valid_from"),
    "products": ("product_id", "name", "category", "brand", "price", "launch_date", "valid_from"),
}  # fmt: skip
"""Columns that a draft maps, in its order; consent is left to be stated."""

ASSUMED = {
    "timestamp": ("2000-01-01T00:00:00Z", "no column holds times, so that everything would have "
                  "happened at once: nothing that is about time means anything"),
    "user_id": ("unknown", "no column says whose events they are, so that all would be of one "
                "person: nothing that is about people means anything"),
    "event_type": ("view", "no column says what happened: if they are purchases, write so"),
}  # fmt: skip
"""Our column → the constant that stands for it where a table has nothing of the kind, and why."""
OF_THE_DAY = r"^[0-9]{1,2}:[0-9]{2}"
"""Times of the day, whose day is in another column."""
PURCHASES = "there are no names of events, but prices, quantities or orders: lines of purchases"


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


@dataclass(frozen=True)
class Section:
    """A section of the draft.

    Attributes:
        name: `events`, `products` …
        table: the table that it is read from.
        guesses: what is mapped.
        asked: our column → the columns that might be it, of which a person must choose.
        stated: our column → constant and why; what is guessed or assumed of all rows.
        assumed: those of `stated` that stand for what the table does not have.
        left: columns of theirs that are not mapped.
        within_events: whether it is read from the files of the events.
    """

    name: str
    table: KnownTable
    guesses: tuple[Guess, ...]
    asked: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    stated: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    assumed: frozenset[str] = frozenset()
    left: tuple[Column, ...] = ()
    within_events: bool = False

    def column(self, ours: str) -> Column | None:
        """The column of theirs that is mapped to one of ours."""
        return next((each.column for each in self.guesses if each.ours == ours), None)


def sections_of(tables: Sequence[KnownTable]) -> tuple[tuple[Section, ...], tuple[KnownTable, ...]]:
    """The sections that tables are, the events first, and the tables that are none."""
    events = max(tables, key=_as_events, default=None)
    if events is None or _as_events(events) <= (0, 0):
        return (), tuple(tables)
    found = {"events": events}
    for table in tables:
        for name, fits in _OTHERS:
            if table is not events and name not in found and fits(table):
                found[name] = table
                break
    taken = [id(table) for table in found.values()]
    sections = [_section(name, table) for name, table in found.items()]
    if "products" not in found and (within := _products_within(events)):
        sections.append(within)
    return tuple(sections), tuple(each for each in tables if id(each) not in taken)


def _as_events(table: KnownTable) -> tuple[int, int]:
    """How much of an event a table has, and its rows."""
    who = table.has("user_id") or table.has("e-mail") or table.has("session")
    what, when = table.has("product_id"), table.has("timestamp")
    kind = table.has("event_type") or table.has("order_id")
    known = 2 * who + 2 * what + when + 2 * kind
    events = table.best("event_type")
    certain = when and events is not None and events.known_events >= KNOWN_SHARE
    if not (what and known >= 3) and not certain:
        return (0, 0)
    if _is_of_products(table) and not when:
        return (0, 0)
    return (known, table.table.rows)


def _is_of_products(table: KnownTable) -> bool:
    key = table.best("product_id") or _plain_key(table, "product")
    if key is None or table.has("user_id") or table.has("event_type") or table.has("order_id"):
        return False
    described = any(map(table.has, ("name", "category", "brand", "unit_price", "launch_date")))
    once = key.profile.distinct >= NEARLY_ALL * key.profile.filled
    return described and (once or table.has("valid_from") or "product" in _called(table))


def _is_of_users(table: KnownTable) -> bool:
    key = table.best("user_id") or _plain_key(table, "who")
    if key is None or table.has("product_id") or table.has("order_id"):
        return False
    once = key.profile.distinct >= NEARLY_ALL * key.profile.filled
    return once or "who" in _called(table)


def _is_of_searches(table: KnownTable) -> bool:
    return table.has("user_id", "timestamp", "query") and not table.has("product_id")


def _is_of_orders(table: KnownTable) -> bool:
    return table.has("order_id", "user_id", "product_id", "timestamp")


_OTHERS = (
    ("search_logs", _is_of_searches),
    ("products", _is_of_products),
    ("users", _is_of_users),
    ("orders", _is_of_orders),
)


def _called(table: KnownTable) -> set[str]:
    """What the names of a table's files say."""
    stems = (name.rsplit("/", 1)[-1].split(".")[0] for name in table.table.files[:1])
    return {meaning for stem in stems for meaning in meanings(stem)}


def _kind_of_files(table: KnownTable) -> str | None:
    """What happened, where the names of the files are known names of events: `views_2024.csv`."""
    stems = {
        name.rsplit("/", 1)[-1].split(".")[0].strip("-_ 0123456789") for name in table.table.files
    }
    kinds = {event_type_of(stem) for stem in stems}
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind in EVENT_TYPES else None


def _plain_key(table: KnownTable, meaning: str) -> Column | None:
    """A column `id` or `code` in a file that is named after what it describes."""
    return table.best("identifier") if meaning in _called(table) else None


def _products_within(events: KnownTable) -> Section | None:
    """A catalogue that is taken from the events' own columns."""
    if not events.has("product_id") or not any(map(events.has, ("name", "category", "brand"))):
        return None
    section = _section("products", events)
    kept = [each for each in section.guesses if each.ours not in ("price", "launch_date")]
    return Section("products", events, tuple(kept), within_events=True)


def _section(name: str, table: KnownTable) -> Section:
    guesses = tuple(_guesses(name, table))
    mapped = {each.ours for each in guesses}
    asked: dict[str, tuple[Column, ...]] = {}
    stated: dict[str, tuple[str, str]] = {}
    assumed: set[str] = set()
    for ours in REQUIRED[name]:
        if ours in mapped or ours == "consent":
            continue
        if ours == "event_type" and (kind := _kind_of_files(table)):
            stated[ours] = (kind, "the files are called so, and no column says what happened")
        elif ours == "event_type" and any(map(table.has, ("order_id", "quantity", "unit_price"))):
            stated[ours] = ("purchase", PURCHASES)
        elif candidates := _might_be(ours, table, [each.column.name for each in guesses]):
            asked[ours] = candidates
        elif ours in ASSUMED:
            stated[ours] = ASSUMED[ours]
            assumed.add(ours)
        else:
            asked[ours] = ()
    used = [each.column.name for each in guesses]
    choices = [each.name for columns in asked.values() for each in columns]
    left = unused(table, [*used, *choices])
    return Section(name, table, guesses, asked, stated, frozenset(assumed), left)


def _guesses(name: str, table: KnownTable) -> Iterator[Guess]:
    for ours in OURS[name]:
        candidates = table.candidates.get("unit_price" if ours == "price" else ours, ())
        if not candidates and ours == REQUIRED[name][0]:
            key = _plain_key(table, {"users": "who", "products": "product"}.get(name, "-"))
            candidates = (key,) if key else ()
        if not candidates and ours == "user_id":
            candidates = table.candidates.get("e-mail", ())
        if not candidates and ours == "event_id" and name == "events":
            candidates = _event_ids(table)
        if not candidates and ours == "unit_price":
            candidates = _lone_amount(table)
        candidates = tuple(each for each in candidates if _is_safe(ours, each, table))
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


def _might_be(ours: str, table: KnownTable, used: Sequence[str]) -> tuple[Column, ...]:
    """Columns to choose from, where no name says which of ours one is."""
    if ours == "user_id" and table.has("session"):
        return table.candidates["session"]
    free = [
        each
        for each in unused(table, used)
        if each.role in ("none", "identifier", "person") and each.profile.kind != "empty"
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


def times_of_day(section: Section) -> Column | None:
    """A column of clock times, beside a timestamp that has none."""
    when = section.column("timestamp")
    if when is None or when.times is None or when.times.clock:
        return None
    return next(
        (
            each
            for each in section.left
            if share_of(each.profile.values.drop_nulls(), OF_THE_DAY) >= NEARLY_ALL
        ),
        None,
    )


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
        min(20, 0.2 * profile.rows) <= profile.distinct < profile.rows
    )
