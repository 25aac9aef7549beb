"""The course of a customer's spending: its mean, scatter and trend over periods of four weeks.

Belongs here: periods, counted back from the cut-off, and statistics over them. Does not belong
here: which amounts are spent when (`customer_features.py`).

Period 0 is the last one before the cut-off. A customer has the periods from that of the first
purchase on, in which nothing spent counts as 0. The sums are exact and the rest is arithmetic in
a fixed order, so that engines agree to the last digit.
"""

from collections.abc import Iterable
from functools import reduce
from operator import add

import narwhals as nw

from persona_assets.tables.customer_features import PERIOD_DAYS
from persona_assets.transforms.exact import from_exact_parts

PERIODS = 13
"""52 weeks."""

_PERIOD_US = PERIOD_DAYS * 86_400_000_000
_ALL = range(PERIODS)


def per_period(ago_us: nw.Expr) -> dict[str, nw.Expr]:
    """Amounts apart by period, to be summed per customer and given to `over_periods`.

    Args:
        ago_us: from the purchase to the cut-off, int64 microseconds above 0.

    Returns:
        Expressions by name, made of the exact parts `_whole` and `_parts` of an amount.
    """
    period = (ago_us - 1) // _PERIOD_US
    return {
        f"{part}_{number}": nw.when(period == number).then(nw.col(part)).otherwise(nw.lit(0))
        for part in ("_whole", "_parts")
        for number in _ALL
    }


def over_periods(customers: nw.LazyFrame) -> nw.LazyFrame:
    """Adds `monthly_spend_mean`, `monthly_spend_std`, `spend_trend` and `spend_trend_se`.

    The trend is the least-squares slope of spend over time in periods. Its standard error is that
    of simple linear regression, √(Σ residual² / (n − 2) / Σ (t − mean t)²), e.g. Weisberg,
    *Applied Linear Regression* (2014), section 2.3; it assumes that periods scatter independently
    about the line.

    Args:
        customers: the sums of `per_period`, `_tenure_us` (from the first purchase to the cut-off,
            null: no purchase) and `gross_spend`.
    """
    n = nw.col("_n")
    spread = n * (n * n - 1)  # 12 times the sum of squares of 1 … n about their mean
    deviation = {
        f"_deviation_{number}": nw.when(n > number)
        .then(nw.col(f"_spend_{number}") - nw.col("monthly_spend_mean"))
        .otherwise(nw.lit(0.0))
        for number in _ALL
    }
    # Twice the time of a period after the middle of all: whole numbers.
    later = {number: n - 1 - 2 * number for number in _ALL}
    covariance = _total(later[number] * nw.col(f"_deviation_{number}") for number in _ALL)
    residual = {
        f"_residual_{number}": nw.when(n > number)
        .then(nw.col(f"_deviation_{number}") - nw.col("spend_trend") * later[number] * 0.5)
        .otherwise(nw.lit(0.0))
        for number in _ALL
    }
    spends = {
        f"_spend_{number}": from_exact_parts(nw.col(f"_whole_{number}"), nw.col(f"_parts_{number}"))
        for number in _ALL
    }
    return (
        customers.with_columns(_n=(nw.col("_tenure_us") - 1) // _PERIOD_US + 1, **spends)
        .with_columns(monthly_spend_mean=nw.when(n > 0).then(nw.col("gross_spend") / n))
        .with_columns(**deviation)
        .with_columns(
            _squares=_total(_square(name) for name in deviation), _covariance=covariance * 6.0
        )
        .with_columns(
            monthly_spend_std=nw.when(n > 1).then(nw.col("_squares") / (n - 1)).sqrt(),
            spend_trend=nw.when(n > 1).then(nw.col("_covariance") / spread),
        )
        .with_columns(**residual)
        .with_columns(_unexplained=_total(_square(name) for name in residual) * 12.0)
        .with_columns(
            spend_trend_se=nw.when(n > 2).then(nw.col("_unexplained") / ((n - 2) * spread)).sqrt()
        )
    )


def _square(column: str) -> nw.Expr:
    return nw.col(column) * nw.col(column)


def _total(addends: Iterable[nw.Expr]) -> nw.Expr:
    """Their sum, from the first to the last."""
    return reduce(add, addends)
