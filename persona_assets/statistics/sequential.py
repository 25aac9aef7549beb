"""Intervals and p-values that hold whenever, and however often, they are looked at.

Belongs here: asymptotic confidence sequences of an estimate that is normal in the limit. Does not
belong here: when to look and what to decide (`ab_testing/`), sizes of arms (`sample_ratio.py`).

Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, "Time-uniform central limit theory and
asymptotic confidence sequences", Annals of Statistics 52(6); equations are numbered as in
arXiv:2103.06476v7.
"""

import math
from dataclasses import replace

from persona_assets.statistics.two_samples import CONFIDENCE, Comparison


def mixture_parameter(tuned_for: int, confidence: float = CONFIDENCE) -> float:
    """ρ that makes the sequence narrowest at `tuned_for` units.

    ρ = √((−2·ln α + ln(−2·ln α + 1)) / n) (eq. 161). Any ρ > 0 that is fixed before the data keeps
    the promise; it decides only when the interval is narrow.
    """
    doubled = -2 * math.log(1 - confidence)
    return math.sqrt((doubled + math.log(doubled + 1)) / tuned_for)


def standard_errors(units: int, rho: float, confidence: float = CONFIDENCE) -> float:
    """Half the width of the interval, in standard errors of the estimate after `units` units.

    Eq. 9 has σ·√(2(nρ² + 1)/(n²ρ²)·ln(√(nρ² + 1)/α)); the standard error is σ/√n. It is 3.0 at
    its best for α = 0.05, where a fixed interval has 1.96.
    """
    spread = units * rho * rho
    return math.sqrt(2 * (spread + 1) / spread * math.log(math.sqrt(spread + 1) / (1 - confidence)))


def always_valid_p_value(standardised: float, units: int, rho: float) -> float:
    """1/e of the mixture martingale that eq. 9 inverts (eq. 155), at most 1.

    e = exp(nρ²·z² / (2(nρ² + 1))) / √(nρ² + 1). Under the hypothesis, in the limit, it is ever
    below α with a probability of at most α.

    Args:
        standardised: z, the estimate in standard errors.
        units: n, of both arms.
        rho: the mixture's parameter.
    """
    spread = units * rho * rho
    logarithm = spread * standardised**2 / (2 * (spread + 1)) - 0.5 * math.log(spread + 1)
    return min(1.0, math.exp(-logarithm)) if logarithm > -700 else 1.0


def always_valid(
    comparison: Comparison, units: int, tuned_for: int, confidence: float = CONFIDENCE
) -> Comparison:
    """The comparison with an interval and a p-value that may be looked at at any time.

    Args:
        comparison: of two arms, by any method whose estimate is normal in the limit; where its
            standard error is 0 it stays as it is.
        units: of both arms together.
        tuned_for: units at which the interval shall be narrowest: the planned size.
        confidence: with which all intervals of the experiment's course hold together.
    """
    if not comparison.standard_error:
        return comparison
    rho = mixture_parameter(tuned_for, confidence)
    margin = comparison.standard_error * standard_errors(units, rho, confidence)
    return replace(
        comparison,
        low=comparison.effect - margin,
        high=comparison.effect + margin,
        p_value=always_valid_p_value(comparison.effect / comparison.standard_error, units, rho),
    )
