"""How many rows a day should have, by the shop's own past.

Belongs here: the prediction interval of a day's number of rows. Does not belong here: where the
numbers come from, or what happens outside the interval (`orchestration/checks/delivery.py`).

Logarithms of daily counts are a mean of each weekday, a trend, and normal noise of one variance:
visits vary by a factor, not by a number, and a shop that grows has more rows than it had on
average. For a new day t of a weekday with n past days around t̄, among N past days on W weekdays,
the interval

    m + b (t − t̄) ± q · s · sqrt(1 + 1/n + (t − t̄)² / S),    s² = Σ e² / (N − W − 1)

is the prediction interval of a regression on weekdays and time (Weisberg 2005, *Applied Linear
Regression*, §3.5), b and S the slope and the sum of squares of time within weekdays and q a
quantile of Student's t with N − W − 1 degrees of freedom. It holds a new count with the stated
probability at any N. Three things keep alarms rare:

- One decision per run. Of days that are looked at together each has its share of the error
  (Bonferroni; Hahn and Meeker 1991, *Statistical Intervals*, §4.7, simultaneous intervals).
- A least effect. Where days hardly vary, a few per cent are beyond chance, but no delivery that
  somebody should deliver again: the interval reaches `LEAST_FACTOR` either way at least.
- No less than chance. s² is at least 1/mean, the variance of a Poisson count's logarithm, so that a
  few days that happen to be alike do not make the next one alarming; and as logarithms of small
  counts reach far down, the interval holds what a Poisson count around the middle may be.

Past days that are themselves far off (a half delivery, a day of sale) would widen the interval and
tilt the trend for weeks; they are left out, unless they are so many that they are a new level.
Days that resemble the day before beyond weekday and trend make more alarms than stated: about two
of a hundred days at a correlation of 0.5.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.99
"""Of runs over ordinary days only, about one in a hundred finds a day outside.

Simulated, it is 1.6 in a hundred where days vary by 22 %: what is left out as an exception makes
the variance smaller.
"""
WEEKS = 8
"""Past that is looked at: long enough for a variance, short enough for a season."""
LEAST_FACTOR = 1.25
"""A day with at most this many times the rows, or one over it, is ordinary in every shop."""
MOST_LEFT_OUT = 0.1
"""Share of past days that can be exceptions; more of them are how the shop is now."""
# With fewer degrees of freedom the interval is so wide that it says nothing.
_LEAST_FREEDOM = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """Rows that an ordinary day has: the interval that holds them with the stated probability."""

    low: float
    middle: float
    high: float

    def holds(self, rows: int) -> bool:
        """Is a day with so many rows ordinary?"""
        return self.low <= rows <= self.high


@dataclass(frozen=True)
class _Fit:
    """A regression of log counts on weekdays and time; arrays have an element per past day.

    `left_out` has the difference of each day from what the other days say of it, and `error` the
    standard error of that difference; both are NaN where a day is alone on its weekday.
    """

    means: Floats
    times: Floats
    counts: NDArray[np.int64]
    slope: float
    squares_of_time: float
    variance: float
    freedom: int
    left_out: Floats
    error: Floats


def expected_rows(day: date, past: Mapping[date, int], days: int = 1) -> Expected | None:
    """The prediction interval of a day's rows.

    Args:
        day: the day to predict.
        past: rows of other days; those that are not in the `WEEKS` before `day` are not looked at,
            nor are days without rows, on which there was no delivery to learn from.
        days: number of days that are looked at together; all of them are in their intervals with
            probability `LEVEL` if all are ordinary.

    Returns:
        None where the past is too short: no earlier day of that weekday, or hardly any at all.
    """
    first = day - timedelta(weeks=WEEKS)
    known = {other: rows for other, rows in past.items() if first <= other < day and rows > 0}
    weekdays = np.array([other.weekday() for other in known], np.int64)
    times = np.array([(other - day).days for other in known], np.float64)
    logs = np.log(np.array(list(known.values()), np.float64))
    fit = _without_exceptions(weekdays, times, logs)
    weekday = day.weekday()
    if fit is None or not fit.counts[weekday]:
        return None
    distance = -float(fit.times[weekday])  # `day` is time 0
    middle = float(fit.means[weekday]) + fit.slope * distance
    leverage = 1 / float(fit.counts[weekday]) + distance**2 / fit.squares_of_time
    variance = max(fit.variance, _exp(-middle))
    quantile = _quantile(fit.freedom, (1 - LEVEL) / days)
    margin = max(quantile * math.sqrt(variance * (1 + leverage)), math.log(LEAST_FACTOR))
    rows = _exp(middle)
    by_chance = rows - quantile * math.sqrt(rows * (1 + leverage))
    return Expected(max(0.0, min(_exp(middle - margin), by_chance)), rows, _exp(middle + margin))


def is_closed(day: date, past: Mapping[date, int], weeks: int = 4) -> bool:
    """Had the shop no rows on this weekday in any of the last `weeks`, though it had on others?"""
    same = [past.get(day - timedelta(weeks=number), 0) for number in range(1, weeks + 1)]
    first = day - timedelta(weeks=weeks)
    others = [rows for other, rows in past.items() if first <= other < day and rows > 0]
    return bool(others) and min(past) <= first and not any(same)


def _without_exceptions(weekdays: NDArray[np.int64], times: Floats, logs: Floats) -> _Fit | None:
    """The regression without days that the other days speak against, one after the other.

    A day is an exception if it is off by more than `LEAST_FACTOR` and its externally studentized
    residual is significant after Bonferroni's correction (Weisberg 2005, §9.1.1).
    """
    everything = fit = _regression(weekdays, times, logs)
    kept = np.ones(len(logs), np.bool_)
    for _ in range(int(MOST_LEFT_OUT * len(logs)) + 1):
        if fit is None:
            return everything
        studentized = np.nan_to_num(np.abs(fit.left_out) / fit.error)
        worst = int(np.argmax(studentized))
        limit = _quantile(fit.freedom - 1, (1 - LEVEL) / len(fit.left_out))
        if studentized[worst] <= limit or abs(fit.left_out[worst]) <= math.log(LEAST_FACTOR):
            return fit
        kept[np.flatnonzero(kept)[worst]] = False
        fit = _regression(weekdays[kept], times[kept], logs[kept])
    return everything


def _regression(weekdays: NDArray[np.int64], times: Floats, logs: Floats) -> _Fit | None:
    """Least squares on weekdays and time; None with too few degrees of freedom."""
    counts = np.bincount(weekdays, minlength=7)
    freedom = len(logs) - int((counts > 0).sum()) - 1
    if freedom < _LEAST_FREEDOM:
        return None
    some = np.maximum(counts, 1)
    means = np.bincount(weekdays, logs, minlength=7) / some
    mean_times = np.bincount(weekdays, times, minlength=7) / some
    x, y = times - mean_times[weekdays], logs - means[weekdays]
    squares_of_time = float(x @ x)
    slope = float(x @ y) / squares_of_time
    residuals = y - slope * x
    squares = float(residuals @ residuals)
    leverage = 1 / counts[weekdays] + x**2 / squares_of_time
    alone = counts[weekdays] == 1
    rest = np.where(alone, np.nan, 1 - leverage)
    # Without the day itself, which would hide behind the variance that it makes.
    variances = (squares - residuals**2 / rest) / (freedom - 1)
    variances = np.maximum(variances, np.exp(-np.maximum(means[weekdays], 0)))
    return _Fit(
        means=means,
        times=mean_times,
        counts=counts,
        slope=slope,
        squares_of_time=squares_of_time,
        variance=squares / freedom,
        freedom=freedom,
        left_out=residuals / rest,
        error=np.sqrt(variances / rest),
    )


def _exp(value: float) -> float:
    """Exponential of `value`, as far as floats go: a trend of wild days can lead anywhere."""
    return math.exp(min(value, 300.0))


def _quantile(freedom: int, error: float) -> float:
    """What Student's t exceeds in absolute value with probability `error`."""
    # `scipy.stats`, which has it as well, takes a second to import: a tenth of what a day costs.
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, error / 2))
