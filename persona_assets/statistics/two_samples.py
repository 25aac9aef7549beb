"""The statistics behind a comparison of two arms.

Belongs here: estimates, intervals and p-values, on plain arrays, each with the source of its
formula. Does not belong here: metrics, arms or verdicts (`analysis.py`), or corrections of p-values
(`multiple_testing.py`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from persona_assets.statistics.estimates import Estimate, Floats, mean_estimate, ratio_estimate

CONFIDENCE = 0.95
"""Coverage of intervals, where nothing else is asked for."""


FEWEST_EXPECTED = 5.0
"""Expected count from which on the z-test is taken (Cochran 1954, "Some methods for strengthening
the common χ² tests")."""


@dataclass(frozen=True)
class Comparison:
    """An arm's value beside control's: `effect` = value − control_value, with its interval.

    `standard_error` is that of the effect; 0 where nothing varied, so that nothing can be said of
    what the comparison would have seen.
    """

    value: float
    control_value: float
    effect: float
    low: float
    high: float
    p_value: float
    standard_error: float

    @property
    def ends(self) -> dict[str, float | None]:
        """`low` and `high` as tables hold them; None where the interval has no end there."""
        return {
            name: end if math.isfinite(end) else None
            for name, end in (("low", self.low), ("high", self.high))
        }


def ratio_difference(
    numerator: Floats, denominator: Floats, control_numerator: Floats, control_denominator: Floats
) -> Comparison:
    """Difference of two ratios of sums, such as clicks / impressions, clustered by user.

    Each is estimated as `ratio_estimate` says; the difference is tested as normal (z). Where
    neither varies, the interval is unbounded and p is 1.

    Args:
        numerator: one number per user of the arm, at least two.
        denominator: likewise; their sum is positive.
        control_numerator: one number per user of control.
        control_denominator: likewise.
    """
    arm = ratio_estimate(numerator, denominator)
    control = ratio_estimate(control_numerator, control_denominator)
    error = math.sqrt(arm.variance + control.variance)
    effect = arm.value - control.value
    if error == 0.0:
        return _without_variation(arm.value, control.value)
    margin = _normal_quantile() * error
    p_value = _two_sided_normal(_standardised(effect, error))
    return Comparison(
        arm.value, control.value, effect, effect - margin, effect + margin, p_value, error
    )


def proportion_difference(
    successes: int,
    trials: int,
    control_successes: int,
    control_trials: int,
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Difference of two independent proportions.

    The p-value is that of the two-proportion z-test with the pooled estimate of variance, or where
    one of the four expected counts is below `FEWEST_EXPECTED`, of Fisher's exact test. The
    interval is Newcombe's hybrid of two Wilson intervals (1998, "Interval estimation for the
    difference between independent proportions", method 10), which keeps its coverage where
    conversions are few and Wald's does not. The standard error, which serves for the question what
    could have been seen, has one success and one failure added to each side.
    """
    value, control_value = successes / trials, control_successes / control_trials
    effect = value - control_value
    pooled = (successes + control_successes) / (trials + control_trials)
    error = math.sqrt(pooled * (1 - pooled) * (1 / trials + 1 / control_trials))
    if needs_exact_test(successes, trials, control_successes, control_trials):
        p_value = fisher_exact_p_value(successes, trials, control_successes, control_trials)
    else:
        p_value = _two_sided_normal(_standardised(effect, error))
    low, high = wilson_interval(successes, trials, confidence)
    control_low, control_high = wilson_interval(control_successes, control_trials, confidence)
    return Comparison(
        value,
        control_value,
        effect,
        effect - math.hypot(value - low, control_high - control_value),
        effect + math.hypot(high - value, control_value - control_low),
        p_value,
        math.sqrt(
            _smoothed_variance(successes, trials)
            + _smoothed_variance(control_successes, control_trials)
        ),
    )


def needs_exact_test(
    successes: int, trials: int, control_successes: int, control_trials: int
) -> bool:
    """Is a count, as it would be without any effect, too small for the normal approximation?"""
    total = trials + control_trials
    positive = successes + control_successes
    fewest = min(trials, control_trials) * min(positive, total - positive) / total
    return fewest < FEWEST_EXPECTED


def proportion_test(
    successes: int, trials: int, control_successes: int, control_trials: int
) -> str:
    """Name of the test that `proportion_difference` takes for such counts."""
    exact = needs_exact_test(successes, trials, control_successes, control_trials)
    return "Fisher's exact test" if exact else "two-proportion z-test"


def fisher_exact_p_value(
    successes: int, trials: int, control_successes: int, control_trials: int
) -> float:
    """Two-sided p-value of Fisher's exact test.

    The sum of the hypergeometric probabilities, with all four margins as they are, of every count
    that is at most as probable as the one seen (Fisher 1935; Agresti 2013, *Categorical Data
    Analysis*, § 3.5).
    """
    positive = successes + control_successes
    fewest, most = max(0, positive - control_trials), min(trials, positive)

    def logarithm(count: int) -> float:
        """Of the probability, but for what all counts share."""
        cells = (count, trials - count, positive - count, control_trials - positive + count)
        return -math.fsum(math.lgamma(cell + 1) for cell in cells)

    logs = [logarithm(count) for count in range(fewest, most + 1)]
    highest = max(logs)
    weights = [math.exp(each - highest) for each in logs]
    # As probable, but for rounding.
    limit = weights[successes - fewest] * (1 + 1e-7)
    return min(1.0, math.fsum(each for each in weights if each <= limit) / math.fsum(weights))


def _smoothed_variance(successes: int, trials: int) -> float:
    """Variance of a proportion with one success and one failure added.

    Where nobody converted, the plain one is 0, as if everything could be seen (Agresti and Caffo
    2000, "Simple and effective confidence intervals for proportions").
    """
    proportion = (successes + 1) / (trials + 2)
    return proportion * (1 - proportion) / (trials + 2)


def wilson_interval(
    successes: int, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927)."""
    z = _normal_quantile(confidence)
    proportion = successes / trials
    centre = (proportion + z * z / (2 * trials)) / (1 + z * z / trials)
    variance = proportion * (1 - proportion) / trials + z * z / (4 * trials * trials)
    margin = z * math.sqrt(variance) / (1 + z * z / trials)
    return centre - margin, centre + margin


def mean_difference(values: Floats, control_values: Floats) -> Comparison:
    """Difference of two means by Welch's unequal variances t-test (`welch_difference`).

    Args:
        values: one number per user of the arm, at least two.
        control_values: one number per user of control, at least two.
    """
    return welch_difference(mean_estimate(values), mean_estimate(control_values))


def welch_difference(
    arm: Estimate, control: Estimate, confidence: float = CONFIDENCE
) -> Comparison:
    """Difference of two independent estimates by Welch's unequal variances t-test.

    Degrees of freedom by Welch and Satterthwaite: (a + b)² / (a²/(n−1) + b²/(m−1)), with a and b
    the squared standard errors of the two (Welch 1947). Where neither varies, nothing measures
    chance: the interval is unbounded and p is 1.

    Args:
        arm: of at least two units.
        control: of at least two units.
        confidence: coverage of the interval.
    """
    from scipy.special import stdtr, stdtrit

    n, m, a, b = arm.units, control.units, arm.variance, control.variance
    effect, error = arm.value - control.value, math.sqrt(a + b)
    if error == 0.0:
        return _without_variation(arm.value, control.value)
    freedom = (a + b) ** 2 / (a * a / (n - 1) + b * b / (m - 1))
    margin = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p_value = min(1.0, 2 * float(stdtr(freedom, -abs(_standardised(effect, error)))))
    return Comparison(
        arm.value, control.value, effect, effect - margin, effect + margin, p_value, error
    )


def _without_variation(value: float, control_value: float) -> Comparison:
    """What is known where no unit differs from another: nothing measures chance."""
    return Comparison(
        value, control_value, value - control_value, -math.inf, math.inf, p_value=1.0,
        standard_error=0.0,
    )  # fmt: skip


def sample_ratio_p_value(users: Sequence[int], shares: Sequence[float]) -> float:
    """P-value of Pearson's χ² that users fell into arms by their `shares`.

    A small one is a sample-ratio mismatch: something but the coin decided who is in which arm, and
    no comparison of the arms can be trusted (Fabijan et al. 2019, "Diagnosing Sample Ratio
    Mismatch in Online Controlled Experiments").
    """
    from scipy.special import chdtrc

    total = sum(users)
    expected = [total * share for share in shares]
    statistic = sum((u - e) ** 2 / e for u, e in zip(users, expected, strict=True))
    return float(chdtrc(len(users) - 1, statistic))


def _standardised(effect: float, error: float) -> float:
    """Effect in standard errors; without any variation, equal values differ by none."""
    if error == 0.0:
        return math.copysign(math.inf, effect) if effect else 0.0
    return effect / error


def _two_sided_normal(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


def _normal_quantile(confidence: float = CONFIDENCE) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
