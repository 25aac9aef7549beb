"""The most frequent value so far, and when it changed.

Belongs here: attributes that a source does not deliver, but that its lines agree on more or less,
as a log of sales does on a customer's country. Does not belong here: which attributes those are
(the sources).
"""

import polars as pl

_COUNT, _CODE = "_count", "_code"


def leading_values(lines: pl.DataFrame, key: str, column: str) -> pl.DataFrame:
    """When each identifier's most frequent value became another one.

    Of equally frequent values the first by name leads. What the lines say later moves nothing that
    they had said before, as a value that is the most frequent over all lines would.

    Args:
        lines: `key`, `column` (text) and `arrived_at`, in any order; rows without one of them say
            nothing.
        key: column of the identifier.
        column: column of the value.

    Returns:
        `key`, `valid_from` and `column`, a row for each change, sorted.
    """
    said = lines.select(key, column, valid_from="arrived_at").drop_nulls()
    values = said[column].unique().sort(descending=True)
    # A larger code is a larger count or, of equal ones, a name that comes first. Counts only grow,
    # so the largest code so far is that of the value that leads now.
    place = pl.col(column).cast(pl.Enum(values)).to_physical().cast(pl.Int64)
    leader = pl.col(_CODE) % max(1, len(values))
    return (
        said.group_by(key, column, "valid_from")
        .agg(pl.len().cast(pl.Int64).alias(_COUNT))
        .with_columns(pl.col(_COUNT).cum_sum().over(key, column, order_by="valid_from"))
        .group_by(key, "valid_from")
        .agg((pl.col(_COUNT) * len(values) + place).max().alias(_CODE))
        .with_columns(pl.col(_CODE).cum_max().over(key, order_by="valid_from"))
        .filter(leader.ne_missing(leader.shift(1).over(key, order_by="valid_from")))
        .sort(key, "valid_from")
        .select(key, "valid_from", pl.lit(values).gather(leader).alias(column))
    )
