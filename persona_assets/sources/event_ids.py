"""Event identifiers for shops that deliver none.

Belongs here: identifiers made from what a row says. Does not belong here: finding duplicates,
which is the mart's work and is what these identifiers must make possible.

Two rules hold for every identifier made here. Rows that are equal in all delivered columns get
the same one, so that a row delivered twice remains an exact duplicate and is found by the
cleaning. Rows that differ anywhere get different ones, so that nothing else is taken for one.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import polars as pl

ABSENT = "\x00"
"""Stands for null in a digest; no delivered text holds it, while the empty text is one."""

SEPARATOR = "\x1f"
"""ASCII unit separator: between the fields of a digest, so that `1, 23` is not `12, 3`."""


def variant_numbers(
    frame: pl.DataFrame, within: Sequence[str], content: Sequence[str]
) -> pl.Series:
    """Number of each row's content among the different contents of its group, from 1.

    Contents are numbered in the order in which they first occur, so that rows delivered later
    do not change the numbers of those before.

    Args:
        frame: delivered rows in their order.
        within: columns that identify a group.
        content: all columns in which the rows of a group may differ.

    Returns:
        (rows,) int64.
    """
    rows = frame.with_columns(row=pl.int_range(pl.len()))
    first_rows = rows.with_columns(first_row=pl.col("row").min().over(content))
    number = pl.col("first_row").rank("dense").over(within).cast(pl.Int64)
    return first_rows.select(number=number).to_series()


def content_ids(frame: pl.DataFrame, columns: Sequence[str], person: str) -> pl.Series:
    """Identifiers `<digest of columns>-<number>` of the rows of a frame of text columns.

    The person is told apart by the number, never by the digest: event identifiers stay in the
    mart, and a digest over a shop's own user identifier could be guessed back to the person.

    Args:
        frame: delivered rows, text columns only.
        columns: the delivered columns that make up an event.
        person: the one of them that names the person.

    Returns:
        (rows,) text: BLAKE2b of 16 bytes as hexadecimal digits, a hyphen and a number.
    """
    shared = [column for column in columns if column != person]
    digests = pl.Series("digest", list(_digests(frame.select(shared))), dtype=pl.String)
    people = frame.select(pl.col(person).alias("person"), digests)
    numbers = variant_numbers(people, within=["digest"], content=["digest", "person"])
    return people.select(event_id=pl.format("{}-{}", "digest", numbers)).to_series()


def _digests(frame: pl.DataFrame) -> Iterator[str]:
    fields = [pl.col(column).fill_null(ABSENT) for column in frame.columns]
    for row in frame.select(pl.concat_str(fields, separator=SEPARATOR)).to_series():
        yield blake2b(row.encode(), digest_size=16).hexdigest()
