"""Typed values as text.

Belongs here: how each type of Arrow is written, and which have no text. Does not belong here:
nested types (`nested_arrow.py`) and reading files.

Times are ISO 8601, those with a zone in UTC with suffix `Z`; whole floats are written as integers,
since integers with gaps are often stored as floats; yes and no are `true` and `false`. Integers and
decimals keep all their digits. NaN is no value.
"""

import uuid

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.compute as pc

LARGEST_EXACT_INTEGER = 2**53
"""Whole numbers above this are not exact in a float64 and keep their float notation."""


def texts(values: pa.Array) -> pl.Series | None:
    """Values as text; None if the type has none (durations, bytes that are no text, nested)."""
    plain = _plain(values)
    if plain is None:
        return None
    return as_text(pl.DataFrame({"value": pl.Series(pl.from_arrow(plain))})).to_series()


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """All columns as text, null for empty text."""
    number = cs.float().cast(pl.Float64).fill_nan(None)
    whole = (number == number.floor()) & (number.abs() < LARGEST_EXACT_INTEGER)
    frame = frame.with_columns(
        pl.when(days.dt.year().is_between(1, 9999)).then(days)  # others have no text
        for days in (cs.date(), cs.datetime())
    )
    return (
        frame.with_columns(
            cs.datetime(time_zone=None).dt.to_string("%Y-%m-%dT%H:%M:%S%.f"),
            cs.datetime(time_zone="*")
            .dt.convert_time_zone("UTC")
            .dt.to_string("%Y-%m-%dT%H:%M:%S%.fZ"),
            pl.when(whole)
            .then(number.cast(pl.Int64, strict=False).cast(pl.String))
            # A float32 is written with its own digits, not with those of the nearest float64.
            .when(number.is_not_null())
            .then(cs.float().cast(pl.String)),
        )
        .with_columns(pl.all().cast(pl.String))
        # A typed number is no matter of notation: with a fourth decimal, 1.234 is no thousand.
        .with_columns(
            pl.col(name).str.replace(r"^(-?[0-9]+\.[0-9]{3})$", "${1}0")
            for name, kind in frame.schema.items()
            if kind.is_float() or kind.is_decimal()
        )
        .pipe(without_empty)
    )


def without_empty(text: pl.DataFrame) -> pl.DataFrame:
    """Columns of text with null for empty text."""
    return text.with_columns(pl.when(pl.all() != "").then(pl.all()))


def is_nested(kind: pa.DataType) -> bool:
    """Whether a type is an object or a list."""
    return bool(pa.types.is_nested(kind)) and not pa.types.is_dictionary(kind)


def has_text(kind: pa.DataType) -> bool:
    """Whether values of a type can be written as text; bytes can if they are text."""
    empty = pa.nulls(0, kind)
    return _plain(empty) is not None


def may_hold_json(kind: pa.DataType) -> bool:
    """Whether a type is text."""
    if pa.types.is_dictionary(kind):
        return may_hold_json(kind.value_type)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _plain(values: pa.Array) -> pa.Array | None:  # noqa: C901 - a case per type
    """Values in a type that Polars writes as text."""
    kind = values.type
    if isinstance(kind, pa.UuidType):
        return _uuids(values.storage)
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(values.storage)
    if pa.types.is_dictionary(kind):
        return _plain(values.dictionary_decode())
    if pa.types.is_run_end_encoded(kind):
        return _plain(pc.run_end_decode(values))
    if pa.types.is_decimal256(kind):
        return pc.cast(values, pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return _decoded(values)
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_duration(kind) or is_nested(kind):
        return None
    if pa.types.is_null(kind):
        return pa.nulls(len(values), pa.string())
    if pa.types.is_float16(kind):
        return pc.cast(values, pa.float32())
    if pa.types.is_timestamp(kind) and kind.unit == "s":
        return pc.cast(values, pa.timestamp("ms", kind.tz))
    return values if _known(kind) else None


def _known(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_primitive(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_decimal(kind)
    ) and not pa.types.is_interval(kind)


def _decoded(values: pa.Array) -> pa.Array | None:
    """Bytes as the text that older writers left unmarked; None if they are none."""
    try:
        return pc.cast(values, pa.large_string())
    except pa.ArrowInvalid:
        return None


def _uuids(storage: pa.Array) -> pa.Array:
    written = [None if each is None else str(uuid.UUID(bytes=each)) for each in storage.to_pylist()]
    return pa.array(written, pa.string())
