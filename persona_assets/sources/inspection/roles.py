"""Which column of ours each column of a table probably is, by its name and by what it holds.

Belongs here: the candidates for each of our columns, and their order. Does not belong here: names
alone (`column_names.py`), values alone (`columns.py`, `times_found.py`), and which table is which
section (`sections.py`).

The name proposes and the values dispose: a column called `price` that holds words is no price. The
one thing that values say alone is what names of events there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from persona_assets.sources.inspection.column_names import EXACT, KEYS, meanings, role_of
from persona_assets.sources.inspection.columns import ColumnProfile, profile, share_of
from persona_assets.sources.inspection.event_names import event_type_of
from persona_assets.sources.inspection.names_to_show import names_to_show
from persona_assets.sources.inspection.same_columns import TableOfFiles
from persona_assets.sources.inspection.times_found import TimesFound, times_in
from persona_assets.sources.time_parts import DAY_ZERO

TIMES = ("timestamp", "arrived_at", "valid_from", "signup_date", "launch_date")
NUMBERS = ("quantity", "unit_price", "total", "results")
MOST_EVENT_NAMES = 200
"""Different values above which a column is none of names of events."""
FEW_EVENT_NAMES = 20
KNOWN_SHARE = 0.5
"""Share of the rows whose names of events must be known where the column's name says nothing."""
FEWEST_OF_A_KEY = 2
MOST_OF_A_CLOCK = 0.9
"""Share of values on day zero of a column of times of day; of real times a few are, by mistake."""
MOST_WORDS = 0.5
"""Share of texts in a column that is called a price and still is one: they are quarantined."""


@dataclass(frozen=True)
class Column:
    """A column with what is known of it.

    Attributes:
        profile: what it holds.
        place: its place among the columns.
        role: the column of ours that it probably is.
        score: how sure that is.
        times: how its values are times; None: they are none.
        known_events: share of the rows whose text is a known name of an event.
        event_names: of a column of events, the names that may be shown → rows.
    """

    profile: ColumnProfile
    place: int
    role: str
    score: float
    times: TimesFound | None = None
    known_events: float = 0.0
    event_names: Mapping[str, int] = field(default_factory=dict)

    @property
    def unshown_names(self) -> int:
        """Different values of a column of events that are not in `event_names`."""
        return self.profile.distinct - len(self.event_names)

    @property
    def name(self) -> str:
        """Its name, or the path to it."""
        return self.profile.name

    @property
    def is_personal(self) -> bool:
        """Whether its values may identify somebody, and are never shown."""
        return self.role not in SHOWN_ROLES


SHOWN_ROLES = frozenset(
    {"event_type", "quantity", "unit_price", "total", "currency", "country", "consent", "category",
     "brand", "results", *TIMES}
)  # fmt: skip
"""Roles of columns whose values say nothing of a person."""


@dataclass(frozen=True)
class KnownTable:
    """A table with the candidates for each role, the likeliest first."""

    table: TableOfFiles
    columns: tuple[Column, ...]
    candidates: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)

    def best(self, role: str) -> Column | None:
        """The likeliest column of a role."""
        found = self.candidates.get(role, ())
        return found[0] if found else None

    def column(self, name: str) -> Column | None:
        """The column of a name."""
        return next((each for each in self.columns if each.name == name), None)

    def has(self, *roles: str) -> bool:
        """Whether there is a column for each of the roles."""
        return all(self.candidates.get(role) for role in roles)


def known_table(table: TableOfFiles, *, today: date) -> KnownTable:
    """Profiles the columns of a table and finds candidates for our columns."""
    columns = tuple(
        _column(profile(name, values), place, today)
        for place, (name, values) in enumerate(table.frame.to_dict().items())
    )
    columns = _with_names(columns)
    roles: dict[str, list[Column]] = {}
    for column in columns:
        if column.role != "none" and column.profile.kind != "empty":
            roles.setdefault(column.role, []).append(column)
    found = {role: tuple(sorted(there, key=_order, reverse=True)) for role, there in roles.items()}
    return KnownTable(table, columns, found)


def _with_names(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns, those of events with the names that may be shown."""
    people = max((each for each in columns if each.role == "user_id"), key=_order, default=None)
    users = None if people is None else people.profile.values
    return tuple(
        replace(
            each,
            event_names=names_to_show(
                each.profile, certain=each.known_events >= KNOWN_SHARE, users=users
            ),
        )
        if each.role == "event_type"
        else each
        for each in columns
    )


def _column(values: ColumnProfile, place: int, today: date) -> Column:
    role, score = role_of(values.name)
    named = role in TIMES
    of_day = share_of(values.values.drop_nulls(), DAY_ZERO) >= MOST_OF_A_CLOCK
    times = None if of_day else times_in(values.values, today=today, named=named)
    events = _known_events(values)
    if values.kind == "empty":
        return Column(values, place, role, score)
    if times is not None and not times.digits and not named:
        role, score = "timestamp", 0.5
    if named and times is None:
        role, score = "none", 0.0
    if role in NUMBERS and not _are_numbers(values):
        role, score = "none", 0.0
    if role == "event_type" and not (_may_name_events(values) or _are_codes(values)):
        role, score = "none", 0.0
    if role not in ("event_type", *KEYS) and events >= KNOWN_SHARE and _may_name_events(values):
        role, score = "event_type", 1.0 + events
    if role in KEYS and not _may_be_a_key(values, score, role):
        role, score = "none", 0.0
    if role == "consent" and not _is_yes_or_no(values):
        role, score = "none", 0.0
    if role == "person" and values.looks_like == "e-mail addresses":
        role, score = "e-mail", EXACT
    return Column(values, place, role, score, times, events)


def _known_events(values: ColumnProfile) -> float:
    """Share of the rows whose text is a known name of an event."""
    if not _may_name_events(values):
        return 0.0
    known = sum(rows for name, rows in values.counts.items() if event_type_of(name))
    return known / max(1, values.filled)


def _may_name_events(values: ColumnProfile) -> bool:
    texts = values.kind == "text" and not values.looks_like
    few = values.distinct <= max(FEW_EVENT_NAMES, values.filled // 5)  # else they are of a person
    return texts and few and values.distinct <= MOST_EVENT_NAMES


def _are_codes(values: ColumnProfile) -> bool:
    """Whether a column that is called after events holds a few numbers: 1 is a view, say."""
    called = "event" in meanings(values.name)
    return called and values.kind == "whole numbers" and values.distinct <= FEW_EVENT_NAMES


def _are_numbers(values: ColumnProfile) -> bool:
    """Whether a column that is called a price or quantity is one, some words or not."""
    if values.kind == "text":
        return not values.looks_like and values.words <= MOST_WORDS
    return values.kind in ("numbers", "whole numbers")


def _may_be_a_key(values: ColumnProfile, score: float, role: str) -> bool:
    """Whether values identify something; devices are called `1234.5678`, if the name says so."""
    if role == "order_id" and {*values.counts} == {"0", "1"}:
        return False  # it says whether something was ordered
    if values.kind == "numbers":
        return score >= EXACT - 0.25
    return values.kind not in ("yes/no", "lists or objects")


def _is_yes_or_no(values: ColumnProfile) -> bool:
    return values.kind == "yes/no" or {*values.counts} <= {"0", "1"}


def _order(column: Column) -> tuple[float, float, int]:
    """How likely a candidate is; of equals the one that more rows have."""
    likely = column.score + _preference(column)
    share = column.profile.filled / max(1, column.profile.rows)
    return (round(likely, 3), round(share, 3), -column.place)


def _preference(column: Column) -> float:
    """What is rather meant, of names that are equally well understood."""
    words = meanings(column.name)
    extra = 0.0
    if column.role == "timestamp":
        extra += 0.3 * ("time" in words) + 0.2 * ("event" in words)
        extra += 0.4 * bool(column.times and column.times.clock)
    elif column.role in ("user_id", "product_id", "order_id"):
        extra += 0.2 * ("identifier" in words) - 0.5 * bool({"device", "variant"} & {*words})
        extra += 0.1 * (column.profile.distinct >= FEWEST_OF_A_KEY)
    elif column.role == "event_type":
        extra += 2 * column.known_events
    elif column.role == "unit_price":
        extra += 0.2 * ("unit" in words)
    elif column.role == "name":
        extra += 0.3 * ("product" in words)
    return extra


def unused(table: KnownTable, used: Iterable[str]) -> tuple[Column, ...]:
    """The columns that are none of `used`."""
    names = {*used}
    return tuple(column for column in table.columns if column.name not in names)
