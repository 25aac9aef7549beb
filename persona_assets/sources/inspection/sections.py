"""Which table is which section of a mapping, and what of our columns it has.

Belongs here: events, orders, products, people, searches; what is guessed, asked and assumed of
each. Does not belong here: columns (`roles.py`, `guesses.py`), vendors' exports
(`known_exports.py`), writing it down (`drafts.py`).

What a table cannot say at all (whose events they are, when they were) is *assumed* with a constant,
so that the rest can be looked at; the draft says that nothing that depends on it means anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from persona_assets.sources.inspection.event_names import event_type_of
from persona_assets.sources.inspection.flags import flags_of, open_flags
from persona_assets.sources.inspection.guesses import (
    NEARLY_ALL,
    Guess,
    called,
    guesses_of,
    might_be,
    plain_key,
)
from persona_assets.sources.inspection.roles import KNOWN_SHARE, Column, KnownTable, unused
from persona_assets.sources.inspection.times_in_parts import time_parts_of
from persona_assets.sources.mapping import REQUIRED
from persona_assets.tables.mart import EVENT_TYPES

ASSUMED = {
    "timestamp": ("2000-01-01T00:00:00Z", "no column holds times, so all events get this one: "
                  "results about time mean nothing"),
    "user_id": ("unknown", "no column says whose events they are, so all belong to one user: "
                "results about users mean nothing"),
    "event_type": ("view", 'no column says what happened; if they are purchases, write "purchase"'),
}  # fmt: skip
"""Our column → the constant that stands for it where a table has nothing of the kind, and why."""
PURCHASES = "there are no event names, but prices, quantities or orders, as lines of purchases have"


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
        parts: of a timestamp in several columns, part → their column (`times_in_parts.py`).
        flags: event type → their column that says yes or no of it (`flags.py`).
    """

    name: str
    table: KnownTable
    guesses: tuple[Guess, ...]
    asked: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    stated: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    assumed: frozenset[str] = frozenset()
    left: tuple[Column, ...] = ()
    within_events: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)

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
    what = table.has("product_id") or _sells_by_name(table)
    when = table.has("timestamp")
    kind = table.has("event_type") or table.has("order_id")
    known = 2 * who + 2 * what + when + 2 * kind
    events = table.best("event_type")
    certain = when and events is not None and events.known_events >= KNOWN_SHARE
    if not (what and known >= 3) and not certain:
        return (0, 0)
    if _is_of_products(table) and not when:
        return (0, 0)
    return (known, table.table.rows)


def _sells_by_name(table: KnownTable) -> bool:
    """Whether a table says who bought what, and of products has the names alone."""
    sold = any(map(table.has, ("order_id", "quantity", "unit_price")))
    return table.has("user_id", "timestamp", "name") and sold


def _is_of_products(table: KnownTable) -> bool:
    key = table.best("product_id") or plain_key(table, "product")
    if key is None or table.has("user_id") or table.has("event_type") or table.has("order_id"):
        return False
    described = any(map(table.has, ("name", "category", "brand", "unit_price", "launch_date")))
    once = key.profile.distinct >= NEARLY_ALL * key.profile.filled
    return described and (once or table.has("valid_from") or "product" in called(table))


def _is_of_users(table: KnownTable) -> bool:
    key = table.best("user_id") or plain_key(table, "who")
    if key is None or table.has("product_id") or table.has("order_id"):
        return False
    once = key.profile.distinct >= NEARLY_ALL * key.profile.filled
    return once or "who" in called(table)


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


def _kind_of_files(table: KnownTable) -> str | None:
    """What happened, where the names of the files are known names of events: `views_2024.csv`."""
    stems = {
        name.rsplit("/", 1)[-1].split(".")[0].strip("-_ 0123456789") for name in table.table.files
    }
    kinds = {event_type_of(stem) for stem in stems}
    kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind in EVENT_TYPES else None


def _products_within(events: KnownTable) -> Section | None:
    """A catalogue that is taken from the events' own columns."""
    if not events.has("product_id") or not any(map(events.has, ("name", "category", "brand"))):
        return None
    section = _section("products", events)
    kept = [each for each in section.guesses if each.ours not in ("price", "launch_date")]
    return Section("products", events, tuple(kept), within_events=True)


def _section(name: str, table: KnownTable) -> Section:
    guesses = tuple(guesses_of(name, table))
    mapped = {each.ours for each in guesses}
    asked: dict[str, tuple[Column, ...]] = {}
    stated: dict[str, tuple[str, str]] = {}
    assumed: set[str] = set()
    when = next((each.column for each in guesses if each.ours == "timestamp"), None)
    used = [each.column.name for each in guesses]
    parts = time_parts_of(table, when, used)
    flagged: dict[str, str] = {}
    for ours in REQUIRED[name]:
        if ours in mapped or ours == "consent" or (ours == "timestamp" and parts):
            continue
        if ours == "event_type" and (kind := _kind_of_files(table)):
            stated[ours] = (kind, "from the names of the files, as no column says what happened")
        elif ours == "event_type" and (flags := flags_of(table, used)):
            flagged = {kind: each.name for kind, each in flags.items()}
        elif ours == "event_type" and (clicks := open_flags(table, used)):
            flagged = {"view": clicks[0].name}
        elif ours == "event_type" and any(map(table.has, ("order_id", "quantity", "unit_price"))):
            stated[ours] = ("purchase", PURCHASES)
        elif candidates := might_be(ours, table, used):
            asked[ours] = candidates
        elif ours in ASSUMED:
            stated[ours] = ASSUMED[ours]
            assumed.add(ours)
        else:
            asked[ours] = ()
    choices = [each.name for columns in asked.values() for each in columns]
    left = unused(table, [*used, *choices, *parts.values(), *flagged.values()])
    return Section(
        name, table, guesses, asked, stated, frozenset(assumed), left, parts=parts, flags=flagged
    )
