"""False findings, coverage, power and recovery of single comparisons.

Belongs here: one comparison per experiment, at its planned end. Does not belong here: looks in
between (`looks.py`), verdicts (`verdicts.py`).
"""

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from persona_assets.ab_testing.calibration.draws import (
    MEAN_CLICK_SHARE,
    MEAN_SPENDING,
    clicks,
    spending,
)
from persona_assets.ab_testing.calibration.promises import (
    AT_LEAST_95,
    AT_MOST_5,
    COVERAGE,
    FALSE_FINDINGS,
    Measured,
    Promise,
    ratio,
    share,
)
from persona_assets.statistics.cuped import Observed, adjusted
from persona_assets.statistics.estimates import mean_estimate, ratio_estimate
from persona_assets.statistics.power import proportion_units_needed
from persona_assets.statistics.quantile_effects import quantile_effect
from persona_assets.statistics.relative_effects import relative_effect
from persona_assets.statistics.two_samples import (
    Comparison,
    proportion_difference,
    welch_difference,
)

LIFT = 0.1
"""Of the experiments with something to find."""
RECOVERED = Promise(0.98, 1.02)
CONVERSION = 0.1
CORRELATION = 0.7
"""Of a customer's value with the same before the experiment, as CUPED meets it in shops."""


class Interval(Protocol):
    """What coverage needs of a result."""

    @property
    def low(self) -> float:
        """Lower end."""

    @property
    def high(self) -> float:
        """Upper end."""


Draw = Callable[[np.random.Generator, float], Interval | None]


def measured(generator: np.random.Generator, experiments: int) -> Iterator[Measured]:
    """False findings and coverage of every method, then power and recovery.

    Args:
        generator: of the draws.
        experiments: of each kind.
    """
    for method, (draw, true, cautious) in _METHODS.items():
        nothing = [draw(generator, 0.0) for _ in range(experiments)]
        something = [draw(generator, LIFT) for _ in range(experiments)]
        missed = [not _covers(each, 0.0) for each in nothing]
        covered = [_covers(each, true * LIFT) for each in something]
        yield share(method, "false_findings", missed, AT_MOST_5 if cautious else FALSE_FINDINGS)
        yield share(method, "coverage", covered, AT_LEAST_95 if cautious else COVERAGE)
    yield from _planned(generator, experiments)


def _covers(found: Interval | None, true: float) -> bool:
    """An unbounded interval, or none at all, excludes nothing."""
    return found is None or found.low <= true <= found.high


def _proportion(generator: np.random.Generator, lift: float) -> Comparison:
    users = 2000
    hits = generator.binomial(users, [0.03 * (1 + lift), 0.03]).tolist()
    return proportion_difference(hits[0], users, hits[1], users)


def _mean(generator: np.random.Generator, lift: float) -> Comparison:
    return welch_difference(
        mean_estimate(spending(generator, 2000, lift)), mean_estimate(spending(generator, 2000))
    )


def _relative(generator: np.random.Generator, lift: float) -> Interval | None:
    return relative_effect(
        mean_estimate(spending(generator, 2000, lift)), mean_estimate(spending(generator, 2000))
    )


def _ratio(generator: np.random.Generator, lift: float) -> Comparison:
    return welch_difference(
        ratio_estimate(*clicks(generator, 500, lift)), ratio_estimate(*clicks(generator, 500))
    )


def _quantile(generator: np.random.Generator, lift: float) -> Interval | None:
    arm, control = (scale * generator.lognormal(0, 1, 500) for scale in (1 + lift, 1.0))
    return quantile_effect(arm, control, 0.9)


def _cuped(generator: np.random.Generator, lift: float) -> Comparison:
    ones, arms = np.ones(1000), {}
    for name, mean in (("control", 5.0), ("arm", 5.0 * (1 + lift))):
        before = generator.normal(size=1000)
        noise = math.sqrt(1 - CORRELATION**2) * generator.normal(size=1000)
        arms[name] = Observed(mean + CORRELATION * before + noise, ones, before + 5, ones)
    found = adjusted(arms).estimates
    return welch_difference(found["arm"], found["control"])


_METHODS: dict[str, tuple[Draw, float, bool]] = {
    "proportion of 3 %, 2,000 users an arm": (_proportion, 0.03, False),
    "revenue per user, a tenth buys, 2,000 an arm": (_mean, MEAN_SPENDING, False),
    "its relative lift": (_relative, 1.0, False),
    "clicks / impressions, 500 users an arm": (_ratio, MEAN_CLICK_SHARE, False),
    # The 0.9 quantile of exp(N(0, 1)). Its interval is between order statistics: cautious.
    "0.9 quantile, 500 users an arm": (_quantile, math.exp(1.2815515655446004), True),
    f"CUPED, correlation {CORRELATION}, 1,000 an arm": (_cuped, 5.0, False),
}
"""Method → draw of one experiment with a lift, the value that it lifts, is it cautious?"""


def _planned(generator: np.random.Generator, experiments: int) -> Iterator[Measured]:
    """Experiments of the planned size find what they were planned for, and measure it right."""
    effect = 2 * LIFT * CONVERSION
    users = math.ceil(proportion_units_needed(CONVERSION, effect, shares=(0.5, 0.5)) / 2)
    found, effects = [], []
    for _ in range(experiments):
        hits = generator.binomial(users, [CONVERSION + effect, CONVERSION]).tolist()
        shown = proportion_difference(hits[0], users, hits[1], users)
        found.append(shown.p_value < 0.05 and shown.effect > 0)
        effects.append(shown.effect)
    method = f"proportion of 10 %, {users:,} users an arm as planned for 12 %"
    yield share(method, "power", found, Promise(0.78, 0.82))
    yield ratio(method, "effect_recovered", effects, effect, RECOVERED)
    differences = [_mean(generator, LIFT).effect for _ in range(experiments)]
    # The noise of one experiment is two thirds of its effect: of 1,000, the mean is known to 5 %.
    yield ratio(
        "revenue per user, a tenth buys, 2,000 an arm",
        "effect_recovered",
        differences,
        MEAN_SPENDING * LIFT,
        RECOVERED,
    )
