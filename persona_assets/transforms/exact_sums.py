"""Sums of money and weights that do not depend on the order of the rows.

Belongs here: the one way in which this package adds floats up inside a group. Does not belong
here: which columns are added up.

Adding floats is not associative, and engines add in whatever order threads and partitions deliver
rows. Integers have no such trouble, so a float is split into its whole part and billionths, both
are summed as int64, and only the two sums become one float.
"""

import narwhals as nw

_PARTS = 1_000_000_000
"""Each addend is rounded to a billionth; nine billion rows fit before int64 overflows."""


def exact_sum(value: nw.Expr) -> nw.Expr:
    """The sum of `value` within each group, for use in `group_by(…).agg(…)`.

    Args:
        value: float64 expression, finite, of magnitude below 2⁶³ in sum; nulls are skipped.

    Returns:
        A float64 aggregate: the same for every order of rows, on every engine.
    """
    whole = value.floor()
    parts = ((value - whole) * _PARTS + 0.5).floor()
    return whole.cast(nw.Int64).sum() + parts.cast(nw.Int64).sum() / _PARTS
