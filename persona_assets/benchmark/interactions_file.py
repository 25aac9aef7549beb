"""One file of interactions, as rows that models learn from.

Belongs here: finding the columns, reading times and weights, and what is wrong with them. Does not
belong here: file formats (`sources/reading.py`) or the mapping's rules (`sources/mapping.py`).
"""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.delivered_times import MICROSECONDS, as_the_mart_reads, instants
from persona_assets.sources.mapping import TableMapping, TimeReading, Unit, read_mapping
from persona_assets.sources.reading import read_text
from persona_assets.sources.typed_columns import YES

COLUMNS = {"user_id": "user", "product_id": "item", "timestamp": "timestamp", "event_type": "event"}
"""Our column → its name in a file without a mapping."""

SYNONYMS = {
    "cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "add-to-cart": "add_to_cart",
    "basket": "add_to_cart",
    "buy": "purchase",
    "order": "purchase",
    "transaction": "purchase",
    "click": "view",
    "pageview": "view",
}
"""Names of events that public data sets use → those that weights are known of."""

# Seconds, milliseconds or microseconds since 1970 by their size: 10¹¹ s is the year 5138.
_LARGEST: tuple[tuple[Unit, float], ...] = (("s", 1e11), ("ms", 1e14), ("us", float("inf")))


def read_interactions(
    path: Path, *, weights: Mapping[str, float], mapping: Path | None = None
) -> pl.DataFrame:
    """All rows of a file.

    Args:
        path: CSV, Parquet, JSON lines or Excel.
        weights: weight of each event type. Others weigh 1. A column `weight` comes before it.
        mapping: the TOML mapping whose section `[events]` names the columns; None: `user`, `item`,
            `timestamp` and, where there are such columns, `event`, `weight` and `session`.

    Returns:
        `user_id, product_id, event_type, event_ts, arrived_at, weight` and, if the file has
        sessions, `session_id`. Rows without consent, where consent is mapped, are left out, and so
        are all but one of rows that are equal in everything.

    Raises:
        UserError: a column is missing, or a value cannot be read; the text names it, its row and
            what to do.
    """
    section = None if mapping is None else read_mapping(mapping).tables["events"]
    given = read_text(path).frame
    text = _columns(given, path, section)
    if text.is_empty():
        raise UserError(f"{path} has no rows to learn from; give a file with interactions")
    for column in ("user_id", "product_id", "timestamp"):
        _refuse_missing(text, column, path)
    kinds = text["event_type"] if "event_type" in text.columns else _constant("view", len(text))
    rows = pl.DataFrame(
        {
            "user_id": text["user_id"],
            "product_id": text["product_id"],
            "event_type": kinds.fill_null("view"),
            "event_ts": _instants(
                text["timestamp"], path, section.time if section else TimeReading()
            ),
        }
    ).with_columns(arrived_at=pl.col("event_ts"))
    rows = rows.with_columns(weight=_weights(text, rows["event_type"], weights, path))
    if "session" in text.columns:
        rows = rows.with_columns(session_id=text["session"].fill_null(""))
    if "consent" in text.columns:
        rows = rows.filter(text["consent"].str.to_lowercase().is_in(YES).fill_null(False))
    if rows.is_empty():
        raise UserError(f"{path}: no row has consent; see what `consent` is mapped to")
    return rows.unique(maintain_order=True)


def read_pairs(path: Path, *, mapping: Path | None = None) -> pl.DataFrame:
    """`user_id, product_id` of a file that holds no more than who reached what.

    Raises:
        UserError: see `read_interactions`.
    """
    section = None if mapping is None else read_mapping(mapping).tables["events"]
    text = _columns(read_text(path).frame, path, section, wanted=("user_id", "product_id"))
    for column in ("user_id", "product_id"):
        _refuse_missing(text, column, path)
    return text.select("user_id", "product_id").unique(maintain_order=True)


def _constant(value: str, rows: int) -> pl.Series:
    return pl.Series([value], dtype=pl.String()).new_from_index(0, rows)


def _columns(
    given: pl.DataFrame,
    path: Path,
    section: TableMapping | None,
    wanted: tuple[str, ...] = ("user_id", "product_id", "timestamp"),
) -> pl.DataFrame:
    """The file's columns under our names, translated, constants added."""
    names = dict(COLUMNS)
    if section is not None:
        names |= section.columns
        for ours in section.constants:
            names.pop(ours, None)
    here = {ours: theirs for ours, theirs in names.items() if theirs in given.columns}
    missing = [ours for ours in wanted if ours not in here and ours not in _stated(section)]
    if missing:
        theirs, ours = names[missing[0]], missing[0]
        meaning = "" if theirs == ours else f" ({ours})"
        raise UserError(
            f"{path} has no column {theirs!r}{meaning}; its columns are "
            f"{', '.join(given.columns)}; rename one, or pass --mapping with a TOML file whose "
            f'section [events] says {ours} = "<their column>"'
        )
    text = given.select(
        *(pl.col(theirs).alias(ours) for ours, theirs in here.items()),
        *(name for name in ("weight", "session") if name in given.columns),
    )
    if section is not None:
        text = text.with_columns(
            pl.col(column).replace(values)
            for column, values in section.values.items()
            if column in text.columns
        ).with_columns(pl.lit(value).alias(name) for name, value in section.constants.items())
    return text


def _stated(section: TableMapping | None) -> frozenset[str]:
    return frozenset() if section is None else frozenset(section.constants)


def _refuse_missing(text: pl.DataFrame, column: str, path: Path) -> None:
    empty = text[column].is_null()
    if empty.any():
        raise UserError(
            f"{path} row {int(empty.arg_max() or 0) + 1}: {column} is missing ({empty.sum()} such "
            "rows); give it a value or remove the row"
        )


def _instants(text: pl.Series, path: Path, reading: TimeReading) -> pl.Series:
    """Times in UTC: numbers since 1970 of whatever size, days, or the texts that the mart reads."""
    kind = pl.Datetime("us", "UTC")
    number = text.cast(pl.Float64, strict=False)
    if reading.format is None and number.null_count() == 0 and number.is_finite().all():
        unit = reading.unit or _unit(float(number.abs().max()))  # type: ignore[arg-type]
        exact = text.cast(pl.Int64, strict=False)
        scaled = number if exact.null_count() else exact
        return (scaled * MICROSECONDS[unit]).cast(pl.Int64).cast(kind)
    found = instants(as_the_mart_reads(text, reading))
    days = text.str.to_date("%Y-%m-%d", strict=False).cast(kind)
    found = found.zip_with(found.is_not_null(), days)
    if found.null_count():
        row = int(found.is_null().arg_max() or 0)
        raise UserError(
            f"{path} row {row + 1}: timestamp is {text[row]!r}, which is no time "
            f"({found.null_count()} such rows); correct it, or say in a mapping's [events.time] "
            "which format, unit or zone the times have"
        )
    return found


def _unit(largest: float) -> Unit:
    return next(unit for unit, end in _LARGEST if largest < end)


def _weights(
    text: pl.DataFrame, kinds: pl.Series, weights: Mapping[str, float], path: Path
) -> pl.Series:
    """The column `weight`, or the weight of the event."""
    if "weight" in text.columns:
        number = text["weight"].cast(pl.Float64, strict=False)
        wrong = (number.is_null() | ~number.is_finite() | (number < 0)).fill_null(True)
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            raise UserError(
                f"{path} row {row + 1}: weight is {text['weight'][row]!r} ({wrong.sum()} such "
                "rows); give a finite number of at least 0, or leave the column out"
            )
        return number
    usual = kinds.str.to_lowercase().replace(SYNONYMS)
    return usual.replace_strict(dict(weights), default=1.0, return_dtype=pl.Float64)
