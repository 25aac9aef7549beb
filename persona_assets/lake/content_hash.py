"""A digest of a table's rows that depends on neither their order nor the files they lie in.

Belongs here: hashing of frames. Does not belong here: deciding what to hash or where a digest is
kept (`store.py`).

Each value becomes 64 bits, each row a mix over its columns, and a table the sum of its rows modulo
2^64 beside their number. The sum makes the digest independent of order and lets digests of
partitions be added up. It shows accidental differences; it is not a defence against forgery.
"""

import hashlib
from collections.abc import Iterable
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Sums = dict[date | None, tuple[int, int]]
"""Number of rows and sum of row hashes modulo 2^64, by the value of a date column or None."""

_NULL = np.uint64(0x9E3779B97F4A7C15)
_HEX_DIGITS = 16


def content_hash(frame: pl.DataFrame) -> str:
    """Digest of `frame`: `<rows>-<sum of row hashes in hex>`; equal contents, equal digest.

    Column names count, their order does not. Floats are compared bit by bit, but for -0.0 = 0.0 and
    all NaN being one value.
    """
    rows = row_hashes(frame)
    return render(frame.height, int(rows.sum(dtype=np.uint64)))


def render(rows: int, total: int) -> str:
    """The digest's text from a number of rows and a sum of row hashes."""
    return f"{rows}-{total % 2**64:0{_HEX_DIGITS}x}"


def add(digests: list[str]) -> str:
    """Digest of the union of disjoint row sets from the digests of its parts."""
    parts = [digest.split("-") for digest in digests]
    return render(sum(int(rows) for rows, _ in parts), sum(int(total, 16) for _, total in parts))


def sums(frame: pl.DataFrame, by: str | None) -> Sums:
    """Rows and sum of row hashes of the rows of each value of the column `by` (None: of all)."""
    hashes = row_hashes(frame)
    if by is None:
        return {None: (frame.height, int(hashes.sum(dtype=np.uint64)))}
    summed = (
        frame.select(by)
        .with_columns(pl.Series("hash", hashes))
        .group_by(by)
        .agg(pl.len(), pl.col("hash").sum())
    )
    return {value: (rows, total) for value, rows, total in summed.iter_rows()}


def added(parts: Iterable[Sums]) -> Sums:
    """The sums of the union of disjoint row sets."""
    found: Sums = {}
    for part in parts:
        for value, (rows, total) in part.items():
            before, sum_before = found.get(value, (0, 0))
            found[value] = (before + rows, (sum_before + total) % 2**64)
    return found


def row_hashes(frame: pl.DataFrame) -> Words:
    """One 64-bit hash a row, (n_rows,)."""
    hashed = np.zeros(frame.height, dtype=np.uint64)
    for name in sorted(frame.columns):
        salt = np.uint64(
            int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        )
        hashed ^= _column_hashes(frame[name], salt)
    return _mix(hashed)


def _column_hashes(column: pl.Series, salt: np.uint64) -> Words:
    return _mix(_words(column) ^ salt)


def _mix(words: Words) -> Words:
    """SplitMix64's finaliser (Steele, Lea and Flood 2014): every input bit moves every output."""
    mixed = words + np.uint64(0x9E3779B97F4A7C15)
    shifted = mixed >> np.uint64(30)
    mixed ^= shifted
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(mixed, np.uint64(27), out=shifted)
    mixed ^= shifted
    mixed *= np.uint64(0x94D049BB133111EB)
    np.right_shift(mixed, np.uint64(31), out=shifted)
    mixed ^= shifted
    return mixed


def _words(column: pl.Series) -> Words:
    """One word a value, before mixing."""
    if column.dtype == pl.String:
        words = _text_words(column)
    elif isinstance(column.dtype, pl.List):
        words = _list_words(column)
    elif column.dtype.is_float():
        words = _float_words(column)
    else:
        words = column.to_physical().fill_null(0).cast(pl.Int64).to_numpy().view(np.uint64).copy()
    words[column.is_null().to_numpy()] = _NULL
    return words


def _text_words(column: pl.Series) -> Words:
    """XXH64 of the texts' UTF-8: a specified function, unlike the hash of Polars itself."""
    import polars_hash as plh

    named = column.fill_null("").alias("text").to_frame()
    return named.select(plh.col("text").nchash.xxhash64()).to_series().to_numpy().copy()


def _float_words(column: pl.Series) -> Words:
    values = column.cast(pl.Float64).fill_null(0.0).to_numpy().copy()
    values += 0.0  # -0.0 becomes 0.0
    values[np.isnan(values)] = np.nan
    return values.view(np.uint64)


def _list_words(column: pl.Series) -> Words:
    lengths = column.list.len().fill_null(0).cast(pl.Int64).to_numpy()
    flat = column.list.explode(empty_as_null=False, keep_nulls=False)
    starts = np.cumsum(lengths) - lengths
    position = np.arange(len(flat), dtype=np.int64) - np.repeat(starts, lengths)
    elements = _mix(_words(flat) ^ _mix(position.astype(np.uint64)))
    words = lengths.astype(np.uint64)
    filled = lengths > 0
    if filled.any():
        words[filled] += np.add.reduceat(elements, starts[filled])
    return words
