"""One file of interactions, as rows that models learn from.

Belongs here: what a log needs besides its reading: names of events, weights, nothing missing. Does
not belong here: reading files and values, which is that of `persona run` (`sources/`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.delivered_rows import delivered_rows
from persona_assets.sources.delivered_sections import read_sections
from persona_assets.sources.event_names import as_mapping_lines, translation
from persona_assets.sources.mapping import TableMapping
from persona_assets.sources.single_file import mapping_of_file
from persona_assets.sources.times.readings import counted
from persona_assets.sources.typed_columns import YES
from persona_assets.tables.mart import UNUSED

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "user_id": ("user", "user_id"),
    "product_id": ("item", "product", "product_id"),
    "timestamp": ("timestamp",),
    "event_type": ("event", "event_type"),
    "consent": ("consent",),
}
"""Our column → its names in a file without a mapping."""
MAY_LACK = ("event_type", "consent")
BESIDES = ("weight", "session")
WITHOUT_EVENTS = "view"
"""What a row is in a file that tells no kinds of events apart."""
SHOWN_NAMES = 12


@dataclass(frozen=True)
class Interactions:
    """Rows of a file, and what reading it has to say (a sentence each).

    `rows` has `user_id, product_id, event_type, event_ts, arrived_at, weight` and, if the file has
    sessions, `session_id`; `delivered` is the number of rows before any was left out.
    """

    rows: pl.DataFrame
    delivered: int
    notes: tuple[str, ...] = ()


def read_interactions(
    path: Path,
    *,
    weights: Mapping[str, float],
    today: date,
    mapping: str | Path | None = None,
    consent: str | None = None,
) -> Interactions:
    """All rows of a file.

    Rows without consent are left out, and so are rows of events that are no interaction, rows
    without a user or a product (which a run rejects), and all but one of rows that are equal in
    everything.

    Args:
        path: a file of any format that `persona run` reads.
        weights: weight of each event type. A column `weight` of the file comes before it.
        today: the caller's day in UTC.
        mapping: the TOML mapping (or preset) whose section `[events]` names the columns; None:
            `user`, `item`, `timestamp` and, where there are such columns, `event`, `consent`,
            `weight` and `session`. Common names of events are understood in both cases.
        consent: see `single_file.mapping_of_file`.

    Raises:
        UserError: a column is missing, or a value cannot be read, or nobody knows an event's name,
            or no row is left; the text names it, its place and what to do.
    """
    described = mapping_of_file(
        path, mapping, columns=COLUMNS, may_lack=MAY_LACK, besides=BESIDES, consent=consent
    )
    section = described.tables["events"]
    delivered = read_sections(path.parent, {"events": section}, today=today, sample=None)["events"]
    notes = list(delivered.notes)
    text = _consenting(delivered.rows, path, notes)
    weighted = "weight" in text.columns
    text = text.with_columns(_event_types(text, section, None if weighted else weights, notes))
    text = _complete(_interacting(text, path), path, notes)
    stated = _stated_weights(text) if weighted else text["event_type"].replace_strict(dict(weights))
    rows = text.select(
        "user_id",
        "product_id",
        "event_type",
        event_ts=_instants(text),
        weight=stated.cast(pl.Float64),
    ).with_columns(arrived_at=pl.col("event_ts"))
    if "session" in text.columns:
        rows = rows.with_columns(session_id=text["session"].fill_null(""))
    if rows.height > 1 and rows["event_ts"].n_unique() == 1:
        notes.append(
            "all rows have one time, so that which of somebody's rows was the last is arbitrary; "
            "give them an order, such as timestamp = 1, 2, 3 …"
        )
    return Interactions(rows.unique(maintain_order=True), delivered.rows.height, tuple(notes))


def read_pairs(
    path: Path, *, mapping: str | Path | None = None, consent: str | None = None
) -> Interactions:
    """`user_id, product_id` of a file that holds no more than who reached what.

    Raises:
        UserError: see `read_interactions`.
    """
    described = mapping_of_file(
        path,
        mapping,
        columns={name: COLUMNS[name] for name in ("user_id", "product_id", "consent")},
        may_lack=("timestamp", *MAY_LACK),
        consent=consent,
    )
    section = described.tables["events"]
    # One mapping serves both files, of which this one need not have what pairs do without.
    besides = section.columns.keys() - {"user_id", "product_id", "consent"}
    section = replace(section, optional_columns=section.optional_columns | besides)
    delivered = delivered_rows(path.parent, section)
    notes = list(delivered.notes)
    text = _consenting(delivered.rows, path, notes)
    if "event_type" in section.columns:
        text = _interacting(text, path)
    text = _complete(text, path, notes)
    pairs = text.select("user_id", "product_id").unique(maintain_order=True)
    return Interactions(pairs, delivered.rows.height, tuple(notes))


def _consenting(text: pl.DataFrame, path: Path, notes: list[str]) -> pl.DataFrame:
    """Rows of people who consented; consent that is stated for the whole file is in each row."""
    kept = text.filter(pl.col("consent").str.to_lowercase().is_in(YES).fill_null(False))
    if kept.is_empty():
        raise UserError(
            f"{path}: no row has consent, which is one of {', '.join(YES)}; correct its column, or "
            "what `consent` is mapped to"
        )
    if kept.height < text.height:
        notes.append(
            f"{text.height - kept.height:,} of {text.height:,} rows without consent are left out, "
            "which a run rejects as no_consent"
        )
    return kept


def _event_types(
    text: pl.DataFrame,
    section: TableMapping,
    weights: Mapping[str, float] | None,
    notes: list[str],
) -> pl.Series:
    """What each row is; without `weights`, which know all names, any name will do."""
    if "event_type" not in section.given:
        return pl.Series("event_type", [WITHOUT_EVENTS]).new_from_index(0, text.height)
    if weights is None:
        return text["event_type"].fill_null(WITHOUT_EVENTS)
    return _known_names(text["event_type"], weights, text, notes)


def _interacting(text: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Rows of events that are interactions: others, such as views of pages, have no product."""
    kept = text.filter(pl.col("event_type").ne_missing(UNUSED))
    if kept.is_empty():
        raise UserError(
            f"{path}: every row is of an event that counts nowhere ({UNUSED}); see what the "
            "mapping's [events.values.event_type] says of them"
        )
    return kept


def _complete(text: pl.DataFrame, path: Path, notes: list[str]) -> pl.DataFrame:
    """Rows that tell of a user and a product; a run rejects the others by the rules named."""
    without_user = text["user_id"].is_null()
    without_product = text["product_id"].is_null() & ~without_user
    missing = {"user_id": without_user, "product_id": without_product}
    if (without_user | without_product).all():
        first = next(name for name, rows in missing.items() if rows.any())
        raise UserError(
            f"{path}: no row has both a user_id and a product_id ({text['place'][0]}: {first} is "
            "missing); correct the file, or what they are mapped to"
        )
    for name, rows in missing.items():
        if count := int(rows.sum()):
            notes.append(
                f"{count:,} of {text.height:,} rows without {name} are left out, which a run "
                f"rejects as missing_{name.removesuffix('_id')}"
            )
    return text.filter(~without_user & ~without_product)


def _instants(text: pl.DataFrame) -> pl.Series:
    """When each row happened; numbers that are not times count, and give the order alone."""
    found = text["instant"]
    if found.null_count() == len(found):
        found = counted(text["timestamp"], "s")
    if found.null_count():
        row = int(found.is_null().arg_max() or 0)
        raise UserError(
            f"{text['place'][row]}: timestamp is {text['timestamp'][row]!r}, which is no time "
            f"({found.null_count()} such rows); correct it, or say in a mapping's [events.time] "
            "which format, unit or zone the times have"
        )
    return found


def _known_names(
    given: pl.Series, weights: Mapping[str, float], text: pl.DataFrame, notes: list[str]
) -> pl.Series:
    """Names of events as those that weights are known of.

    Raises:
        UserError: a name has no common meaning, so that no weight is right for it.
    """
    counts = given.value_counts().sort("count", given.name, descending=[True, False])
    names = dict(counts.iter_rows())
    translated = translation(name for name in names if name is not None and name not in weights)
    unknown = {
        name: rows
        for name, rows in names.items()
        if name not in translated and name not in weights and name != UNUSED
    }
    if unknown:
        told = ", ".join(f"{name!r} {rows:,}" for name, rows in list(unknown.items())[:SHOWN_NAMES])
        first = text["place"][int(given.eq_missing(next(iter(unknown))).arg_max() or 0)]
        lines = as_mapping_lines([name or "" for name in list(names)[:SHOWN_NAMES]])
        raise UserError(
            f"nobody knows the events {told} (rows; first {first}); say in a mapping what they "
            f"are, [events.values.event_type] {lines}, or give the file a column weight"
        )
    if translated:
        told = ", ".join(f"{name} ({names[name]:,} rows) as {ours}"
                         for name, ours in translated.items())  # fmt: skip
        notes.append(f"events are read by their common names: {told}")
    return given.replace(translated)


def _stated_weights(text: pl.DataFrame) -> pl.Series:
    number = text["weight"].cast(pl.Float64, strict=False)
    wrong = (number.is_null() | ~number.is_finite() | (number < 0)).fill_null(True)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise UserError(
            f"{text['place'][row]}: weight is {text['weight'][row]!r} ({wrong.sum()} such "
            "rows); give a finite number of at least 0, or leave the column out"
        )
    return number
