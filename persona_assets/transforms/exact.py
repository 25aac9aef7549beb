"""Float arithmetic that gives the same digits in every order of rows and on every engine.

Belongs here: the one way in which this package adds floats up inside a group, and divides by a
constant. Does not belong here: what is added or divided.

Adding floats is not associative, and engines add in whatever order threads and partitions deliver
rows. Integers have no such trouble, so a float is split into its whole part and billionths, both
are summed as int64, and only the sums become one float.
"""

import narwhals as nw

_PARTS = 1_000_000_000
"""Each addend is rounded to a billionth; nine billion rows fit before int64 overflows."""
_LARGEST_WHOLE = 4_000_000_000
"""Up to it, whole part and parts fit into one int64 together."""


def exact_sum(value: nw.Expr) -> nw.Expr:
    """The sum of `value` within each group, for use in `group_by(…).agg(…)`.

    Args:
        value: float64 expression, finite, of magnitude below 2⁶³ in sum; nulls add nothing.

    Returns:
        A float64 aggregate.
    """
    whole, parts = exact_parts(value)
    return from_exact_parts(whole.sum(), parts.sum())


def exact_parts(value: nw.Expr) -> tuple[nw.Expr, nw.Expr]:
    """`value` as two int64 expressions that add up exactly: its floor, and billionths above it.

    Of null both are 0, since a sum over nulls alone is null on Spark and 0 on Polars.
    """
    value = value.fill_null(0.0)
    floor = value.floor()
    return floor.cast(nw.Int64), ((value - floor) * _PARTS + 0.5).floor().cast(nw.Int64)


def from_exact_parts(whole: nw.Expr, parts: nw.Expr) -> nw.Expr:
    """The float64 that sums of `exact_parts` stand for."""
    small = (whole < _LARGEST_WHOLE) & (whole > -_LARGEST_WHOLE)
    # In one integer, 1.2 − 1 is 0.2; as two floats it would be 0.19999999999999996.
    return (
        nw.when(small)
        .then(exact_quotient(whole * _PARTS + parts, _PARTS))
        .otherwise(whole + exact_quotient(parts, _PARTS))
    )


def exact_quotient(value: nw.Expr, divisor: int) -> nw.Expr:
    """`value / divisor`, correctly rounded.

    Polars multiplies by the reciprocal of a constant divisor, which in three of ten cases is one
    unit in the last place off; it divides properly by a column.

    Args:
        value: int64 expression.
        divisor: a constant.

    Returns:
        A float64 expression.
    """
    return value / (value * 0 + divisor)
