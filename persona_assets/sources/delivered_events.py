"""What delivered events mean where the shop leaves it open: kind, pieces, identity, arrival.

Belongs here: columns of `raw/events` that follow from others. Does not belong here: reading the
files (`delivered_sections.py`), filing rows under days (`files.py`).
"""

from datetime import date, timedelta

import polars as pl

from persona_assets.errors import UserError
from persona_assets.notation import counted
from persona_assets.sources.event_ids import content_ids
from persona_assets.sources.local_time import iso_text
from persona_assets.sources.mapping import TableMapping
from persona_assets.sources.shown_values import shown
from persona_assets.sources.times.incomplete import what_is_lacking
from persona_assets.transforms.cleaning import CLOCK_TOLERANCE

NOT_THE_EVENT = frozenset({"event_id", "arrived_at"})
"""A row delivered again later tells of the same event, so arrival is no part of its identity."""


def meant(events: pl.DataFrame, mapping: TableMapping) -> pl.DataFrame:
    """Delivered events with the columns that the mapping leaves open; see `FilesSource`.

    Args:
        events: rows of the section `[events]`, values read.
        mapping: that section.
    """
    if "event_type" not in mapping.given:
        returned = (pl.col("quantity") < 0).fill_null(False)
        kind = pl.when(returned).then(pl.lit("return")).otherwise(pl.lit("purchase"))
        events = events.with_columns(event_type=kind)
    # Before pieces are added: the same row has the same identifier whether or not they are mapped.
    if "event_id" not in mapping.given:
        events = events.with_columns(_identity(events, mapping))
    elif explodes(mapping) and "[]" not in mapping.columns.get("event_id", ""):
        # One order is an event for each of its products.
        events = events.with_columns(pl.format("{}-{}", "event_id", _element()).alias("event_id"))
    # After the identity, which is that of the row as it is written.
    kind = pl.when(_given_back()).then(pl.lit("return")).otherwise("event_type")
    events = events.with_columns(event_type=kind)
    return events.with_columns(quantity=_pieces("quantity" in mapping.given))


def _given_back() -> pl.Expr:
    """Purchases of less than nothing: what was given back, in a shop that has no name for it."""
    return ((pl.col("event_type") == "purchase") & (pl.col("quantity") < 0)).fill_null(False)


def given_back(events: pl.DataFrame, mapping: TableMapping) -> tuple[str, ...]:
    """A note where purchases are read as returns.

    Args:
        events: rows of the section `[events]`, values read.
        mapping: that section.
    """
    if "event_type" not in mapping.given:
        return ()
    rows = events.filter(_given_back())
    if rows.is_empty():
        return ()
    return (
        f"{counted(rows.height, 'purchase')} with a negative quantity are read as returns, first "
        f"{rows['place'][0]}",
    )


def arrived_too_early(rows: pl.DataFrame, arrived: pl.Series) -> tuple[str, ...]:
    """A note where events are said to have arrived before they happened.

    Args:
        rows: delivered rows, with `instant`, `timestamp`, `arrived_at` and `place`.
        arrived: (rows,) when each reached the log.
    """
    early = (rows["instant"] > arrived + CLOCK_TOLERANCE).fill_null(False)
    if not early.any() or rows["arrived_at"].null_count() == len(rows):
        return ()
    first = int(early.arg_max() or 0)
    return (
        f"{counted(int(early.sum()), 'row')} arrived before they happened, which cannot be, first "
        f"{rows['place'][first]}: timestamp {shown(rows['timestamp'][first])}, arrived_at "
        f"{shown(rows['arrived_at'][first])}; correct the file or [events.time], or leave "
        "arrived_at unmapped",
    )


def refuse_unreadable_times(rows: pl.DataFrame, mapping: TableMapping) -> None:
    """Check that a section has times at all.

    Args:
        rows: delivered rows, with `timestamp` as text and `instant`.
        mapping: the section.

    Raises:
        UserError: no timestamp can be read.
    """
    if rows["instant"].null_count() < len(rows):
        return
    delivered = rows["timestamp"].drop_nulls()
    first = f"the first is {shown(delivered[0])}" if len(delivered) else "all are empty"
    mend = f"say in [{mapping.section}.time] which format, unit or zone they have"
    if len(delivered) and (lacking := what_is_lacking(delivered[0])):
        first += f", {lacking}"
        mend = (
            "an event needs its day: map the column that has it (timestamp = {date = …, time = …} "
            "where it stands in several), or deliver it with the files"
        )
    raise UserError(
        f"none of the {len(rows)} timestamps of {mapping.file} can be read, {first}; {mend}"
    )


def without_times(mapping: TableMapping) -> tuple[str, ...]:
    """A note where a mapping states one time for all events, as a draft does for want of any."""
    if "timestamp" not in mapping.constants:
        return ()
    return (
        f"[{mapping.section}.constants] states one timestamp for all rows, so that everything "
        "happened at once: models are trained and none is evaluated. If you know in which order "
        "things happened, write it as a column of numbers and let `persona benchmark` evaluate the "
        "models (docs/mapping.md, Files without times)",
    )


def explodes(mapping: TableMapping) -> bool:
    """Whether a row of a file may become several: one for each element of a list."""
    return bool(mapping.split) or any("[]" in column for column in mapping.their_columns)


def _element() -> pl.Expr:
    """The number of each row among those that come from one row of a file, from 1."""
    return pl.int_range(1, pl.len() + 1).over("place")


def _identity(events: pl.DataFrame, mapping: TableMapping) -> pl.Series:
    """Identifiers made of what rows say, however numbers and times are written."""
    told = sorted(
        name for name in mapping.given - NOT_THE_EVENT if name in mapping.table.polars_schema
    )
    said = events.select(
        *(pl.col(name).cast(pl.String) for name in told if name != "timestamp"),
        timestamp=pl.coalesce(iso_text(pl.col("instant")), "timestamp"),
    )
    if explodes(mapping):
        # Two equal lines of one order are two.
        number = events.select(element=_element().cast(pl.String)).to_series()
        said, told = said.with_columns(number), [*told, "element"]
    unread = {name: f"{name}_text" for name in told if f"{name}_text" in events.columns}
    said = said.with_columns(
        pl.coalesce(pl.col(name), events[text]).alias(name) for name, text in unread.items()
    )
    return content_ids(said, told, person="user_id")


def _pieces(mapped: bool) -> pl.Expr:
    """One piece for events that say nothing about pieces."""
    open_ = pl.col("quantity").is_null() & pl.col("quantity_text").is_null()
    browsing = pl.col("event_type").is_in(["view", "add_to_cart"])
    one = pl.when(event_type="return").then(-1.0).otherwise(1.0)
    return pl.when(open_ & (browsing if mapped else True)).then(one).otherwise("quantity")


def arrivals(
    rows: pl.DataFrame,
    filed: pl.Series,
    mapping: TableMapping,
    *,
    plausible: pl.Series,
    today: date,
) -> pl.Series:
    """When each row reached the log.

    Where the mapping does not say so, or says that it is optional and a row lacks it, a row arrived
    when its event happened; one whose time is unreadable or cannot be, at the start of the day
    under which it is filed.

    Args:
        rows: delivered rows, with `instant`, `arrival` if it is mapped, and `place`.
        filed: (rows,) the day under which each row is filed.
        mapping: the section.
        plausible: (rows,) is the row's time one that can be?
        today: the caller's day in UTC.

    Raises:
        UserError: a delivered arrival cannot be read or is in the future: nothing may be guessed
            about when what was known.
    """
    start_of_day = filed.cast(pl.Datetime("us", "UTC"))
    unsaid = rows["instant"].zip_with(plausible, start_of_day).alias("arrived_at")
    if "arrived_at" not in mapping.given:
        return unsaid
    arrived = rows["arrival"].alias("arrived_at")
    if "arrived_at" in mapping.optional_columns:
        arrived = arrived.zip_with(rows["arrived_at"].is_not_null(), unsaid)
    if arrived.null_count():
        first = int(arrived.is_null().arg_max() or 0)
        raise UserError(
            f"{rows['place'][first]}: arrived_at is {shown(rows['arrived_at'][first])}, which is "
            f"not a time; correct the file or [{mapping.section}.time], or leave arrived_at "
            "unmapped"
        )
    later = arrived.dt.date() > today + timedelta(days=1)
    if later.any():
        first = int(later.arg_max() or 0)
        raise UserError(
            f"{rows['place'][first]}: arrived_at is {shown(rows['arrived_at'][first])}, after "
            f"today ({today}); no row can arrive later than today: correct the file or "
            f"[{mapping.section}.time], or leave arrived_at unmapped"
        )
    return arrived


def plausible_times(instants: pl.Series, outside: frozenset[date], *, today: date) -> pl.Series:
    """True where an event has a time that can be: readable, not in the future, not far from all."""
    day = instants.dt.date()
    return (
        day.is_not_null() & (day < today + timedelta(days=1)) & ~day.is_in(list(outside))
    ).fill_null(False)
