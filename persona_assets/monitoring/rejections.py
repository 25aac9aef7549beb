"""Which rejected rows say that something is wrong with a delivery, and how many are too many.

Belongs here: telling defects from what shops are like. Does not belong here: rejecting rows
(`transforms/cleaning.py`).

Customers without an account, free samples and postage are the shop's own: of a real gift shop's
lines a quarter has no customer, on some days seven eighths. Times that cannot be read, names of
events that nobody knows and products that are in no catalogue are not: there the mapping or the
export has changed.
"""

import math

import polars as pl

from persona_assets.tables.mart import RULES

ORDINARY = frozenset({
    "exact_duplicate", "no_consent", "unused_event_type", "missing_user", "service_line",
    "anomalous_code", "negative_price", "zero_price", "outside_partition",
})  # fmt: skip
"""Rules that reject rows of a sound delivery."""
DEFECTS = tuple(rule for rule in RULES if rule not in ORDINARY)
"""Rules that reject rows of a broken one."""
MOST_UNKNOWN_NAMES = 0.01
"""Share of a day's rows with event names that nobody knows, above which somebody must look."""
MOST_NAMES = 5
"""A shop has few names of events; of more, another column was taken for them, maybe of people."""
_Z = 1.959963984540054  # 97.5 %, one-sided


def is_above(part: int, whole: int, limit: float) -> bool:
    """Is a share above `limit` beyond chance, so that two bad rows of three stop nobody?

    By the lower end of the 95 % score interval (Wilson 1927).
    """
    if not whole:
        return False
    share, z = part / whole, _Z
    centre = share + z * z / (2 * whole)
    margin = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return (centre - margin) / (1 + z * z / whole) > limit


def unknown_names(values: pl.Series) -> str:
    """The names in rejected rows and how often each occurs, most first, as ` ('buy' 3)`.

    Empty where there are more than `MOST_NAMES`: those are no names, and may say who people are.
    """
    counts = values.drop_nulls().value_counts()
    if not 0 < counts.height <= MOST_NAMES:
        return ""
    counts = counts.sort("count", values.name, descending=[True, False])
    return " (" + ", ".join(f"{name!r} {number:,}" for name, number in counts.iter_rows()) + ")"
