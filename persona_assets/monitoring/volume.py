"""How many rows a day should have, by the shop's own past.

Belongs here: the prediction interval of a day's number of rows. Does not belong here: where the
numbers come from, or what happens outside the interval (`orchestration/checks/delivery.py`).

Logarithms of daily counts are taken as normal around a mean of each weekday, with one variance:
visits vary by a factor, not by a number. For a new day of a weekday with n past days, among N past
days on W weekdays, the interval

    m ± t(N − W) · s · sqrt(1 + 1/n),    s² = Σ (log c − m)² / (N − W)

holds a new count with the stated probability at any N, as Student's t has it (Hahn and Meeker 1991,
*Statistical Intervals*, §4.2). s² is at least 1/mean, the variance of a Poisson count's logarithm,
so that a few days that happen to be alike do not make the next one alarming; then the interval is
wider than it need be, and alarms are rarer.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

LEVEL = 0.99
"""Of ordinary days, one in a hundred lies outside."""
WEEKS = 8
"""Past that is looked at: long enough for a variance, short enough for a season."""
# With fewer degrees of freedom the interval is so wide that it says nothing.
_LEAST_FREEDOM = 4


@dataclass(frozen=True)
class Expected:
    """Rows that an ordinary day has: the interval that holds `LEVEL` of them."""

    low: float
    middle: float
    high: float

    def holds(self, rows: int) -> bool:
        """Is a day with so many rows ordinary?"""
        return self.low <= rows <= self.high


def expected_rows(day: date, past: Mapping[date, int]) -> Expected | None:
    """The prediction interval of a day's rows.

    Args:
        day: the day to predict.
        past: rows of other days; those that are not in the `WEEKS` before `day` are not looked at,
            nor are days without rows, on which there was no delivery to learn from.

    Returns:
        None where the past is too short: no earlier day of that weekday, or hardly any at all.
    """
    first = day - timedelta(weeks=WEEKS)
    logs: dict[int, list[float]] = defaultdict(list)
    for other, rows in past.items():
        if first <= other < day and rows > 0:
            logs[other.weekday()].append(math.log(rows))
    same = logs.get(day.weekday(), [])
    freedom = sum(map(len, logs.values())) - len(logs)
    if not same or freedom < _LEAST_FREEDOM:
        return None
    # `scipy.stats`, which has it as well, takes a second to import: a tenth of what a day costs.
    from scipy.special import stdtrit

    means = {weekday: sum(values) / len(values) for weekday, values in logs.items()}
    squares = sum(
        (value - means[weekday]) ** 2 for weekday, values in logs.items() for value in values
    )
    middle = means[day.weekday()]
    variance = max(squares / freedom, math.exp(-middle))
    quantile = float(stdtrit(freedom, (1 + LEVEL) / 2))
    margin = quantile * math.sqrt(variance * (1 + 1 / len(same)))
    return Expected(math.exp(middle - margin), math.exp(middle), math.exp(middle + margin))


def is_closed(day: date, past: Mapping[date, int], weeks: int = 4) -> bool:
    """Had the shop no rows on this weekday in any of the last `weeks`, though it had on others?"""
    same = [past.get(day - timedelta(weeks=number), 0) for number in range(1, weeks + 1)]
    first = day - timedelta(weeks=weeks)
    others = [rows for other, rows in past.items() if first <= other < day and rows > 0]
    return bool(others) and min(past) <= first and not any(same)
