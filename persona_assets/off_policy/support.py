"""Whether a log can answer for a policy at all.

An estimate from a log that never did what the target policy does is a number, and says nothing.
So there are limits, and beyond them no estimator gives one:

- **Effective number of units** (Σw)²/Σw² over the units' summed weights (Kish 1965, "Survey
  sampling", § 11.7): at least 100. Below, intervals that say 95 % cover 33 to 87 % of
  simulated truths: a few rows with large weights decide, and whether they are there is chance.
- **Effective number of rewards**, the same over weighted rewards: at least 10. Of fewer, the
  standard error is a third of the estimate, and its own estimate is as rough.
- **Mean weight**: 1 in expectation if the logging policy can show all that the target policy shows
  and if propensities are right. Further from 1 than a tenth *and* than three standard errors:
  so much of the target's probability is on what is never logged, was clipped away, or the
  propensities are wrong. The estimate is off by about the same share, which no interval shows.

The coverage behind these limits is in docs/experiments.md, by `performance/off_policy_coverage.py`.
Rows may be clustered: what counts is units.

Belongs here: those measures and limits. Does not belong here: estimates (`evaluation.py`).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_assets.off_policy.estimators import Sums, variance
from persona_assets.off_policy.log import Exposures, Floats

FEWEST_UNITS = 100.0
FEWEST_REWARDS = 10.0
WEIGHT_OFF = 0.1
WEIGHT_ERRORS = 3.0


class Support(NamedTuple):
    """What the log has to say on the target policy.

    Attributes:
        rows: exposures.
        units: independent units.
        effective_units: as many units, all of the same weight, would say as much.
        effective_rewards: likewise of the rewards other than 0.
        mean_weight: 1 in expectation under full support.
        mean_weight_error: its standard error.
        largest_weight: of one exposure, after clipping.
        largest_share: of the sum of weights, held by one unit.
        overlap: mean of min(1, w): what the two policies have in common, 1 where they are the same
            (1 less their total variation distance).
        clipped: share of the sum of weights that clipping took away.
        unlogged: share of the target's probability on actions that the log never shows at that
            position.
    """

    rows: int
    units: int
    effective_units: float
    effective_rewards: float
    mean_weight: float
    mean_weight_error: float
    largest_weight: float
    largest_share: float
    overlap: float
    clipped: float
    unlogged: float


def support_of(exposures: Exposures, weight: Floats) -> Support:
    """Measure the support.

    Args:
        exposures: the log beside the target policy.
        weight: of each exposure, clipped or not.
    """
    unit = exposures.unit
    of_units = np.bincount(unit, weight).astype(np.float64)
    of_rewards = np.bincount(unit, weight * np.abs(exposures.reward)).astype(np.float64)
    total = float(of_units.sum())
    unclipped = float(exposures.weight.sum())
    mean = Sums(weight, np.ones_like(weight))
    return Support(
        rows=len(weight),
        units=len(of_units),
        effective_units=effective_number(of_units),
        effective_rewards=effective_number(of_rewards),
        mean_weight=mean.estimate,
        mean_weight_error=float(np.sqrt(variance(mean.influence(), unit))),
        largest_weight=float(weight.max()),
        largest_share=float(of_units.max()) / total if total else 0.0,
        overlap=float(np.minimum(1.0, weight).mean()),
        clipped=1 - float(weight.sum()) / unclipped if unclipped else 0.0,
        unlogged=exposures.unlogged,
    )


def effective_number(weights: Floats) -> float:
    """(Σw)²/Σw² (Kish 1965); 0 if all weights are 0."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def refusals(support: Support, reward: Floats) -> tuple[str, ...]:
    """Why the log cannot answer; empty if it can.

    Args:
        support: see `support_of`.
        reward: of all exposures.
    """
    if not support.effective_units:
        return ("the log never shows what the target policy would have shown",)
    reasons = []
    if support.effective_units < FEWEST_UNITS:
        reasons.append(
            f"the target policy's choices are so rare in the log that its {support.units:,} units "
            f"({support.rows:,} rows) weigh as much as {support.effective_units:.1f}, and at least "
            f"{FEWEST_UNITS:.0f} are needed; one unit alone holds "
            f"{100 * support.largest_share:.0f} % of the weight"
        )
    away = abs(support.mean_weight - 1)
    if away > max(WEIGHT_OFF, WEIGHT_ERRORS * support.mean_weight_error):
        reasons.append(
            f"the mean weight is {support.mean_weight:.3g} ± {support.mean_weight_error:.2g}, and "
            "would be 1 if the logging policy could show all that the target policy shows; "
            f"{_why_off(support)}"
        )
    if reward.min() == reward.max():
        reasons.append(f"every logged reward is {reward[0]:g}, so that nothing can be told apart")
    elif support.effective_rewards < FEWEST_REWARDS:
        reasons.append(
            f"the rewards other than 0 weigh as much as {support.effective_rewards:.1f}, and at "
            f"least {FEWEST_REWARDS:.0f} are needed"
        )
    return tuple(reasons)


def _why_off(support: Support) -> str:
    if support.mean_weight > 1:
        return "look at the propensities: they are too small"
    causes = []
    if support.unlogged:
        causes.append(
            f"{100 * support.unlogged:.1f} % of its probability is on actions never logged at "
            "that position"
        )
    if support.clipped:
        causes.append(f"clipping took {100 * support.clipped:.1f} % of the weights away")
    return " and ".join(causes) or "look at the propensities: they are too large, or do not say 0"


def clip(weight: NDArray[np.float64], most: float | None) -> Floats:
    """min(w, most): less variance, and a bias (Ionides 2008, "Truncated importance sampling")."""
    return weight if most is None else np.minimum(weight, most)
