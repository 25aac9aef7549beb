"""The estimators: what each makes of an exposure.

The value of a policy is the mean reward of an exposure, were it the policy that chose. Where a page
has several positions, each exposure is weighted by its own position's probabilities: the action at
one position is taken not to change the reward at another (the item-position model of Li et al.
2018, "Offline Evaluation of Ranking Policies with Click Models", § 4.2).

Every estimator is a ratio of two sums over exposures, so that one interval serves all. With w the
weight (target's over logging policy's probability), r the reward, q the model's prediction of the
logged action and v its expectation under the target policy:

| estimator | numerator | denominator | source |
|---|---|---|---|
| replay | 1[chosen] r | 1[chosen] | Li et al. 2011, "Unbiased Offline Evaluation of |
| | | | Contextual-bandit-based News Article Recommendation Algorithms" |
| ips | w r | 1 | Horvitz and Thompson 1952 |
| snips | w r | w | Swaminathan and Joachims 2015, "The Self-Normalized Estimator …" |
| dm | v | 1 | Beygelzimer and Langford 2009, "The Offset Tree …" |
| dr | v + w (r − q) | 1 | Dudík et al. 2014, "Doubly Robust Policy Evaluation …" |
| switch_dr | the same, w = 0 where w > τ | 1 | Wang et al. 2017, "Optimal and Adaptive …" |
| dros | the same, w λ / (w² + λ) | 1 | Su et al. 2020, "Doubly robust … with shrinkage" |

Belongs here: those sums, and how τ and λ are chosen. Does not belong here: intervals
(`evaluation.py`) or support (`support.py`).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_assets.off_policy.log import Floats

CANDIDATES = 30
"""Values of τ and of √λ that are tried, between the smallest weight and the largest."""


class Sums(NamedTuple):
    """An estimate is a sum over exposures of `numerator` over one of `denominator`."""

    numerator: Floats
    denominator: Floats

    @property
    def estimate(self) -> float:
        """Value of the target policy."""
        return float(self.numerator.sum() / self.denominator.sum())

    def influence(self) -> Floats:
        """How far each exposure moves the estimate, times their number; the mean is 0.

        Linearisation of a ratio: (numerator − estimate · denominator) / mean denominator.
        """
        moved: Floats = self.numerator - self.estimate * self.denominator
        return moved / self.denominator.mean()


def replay(reward: Floats, chosen: NDArray[np.bool_]) -> Sums:
    """Mean reward of the exposures in which the target policy would have shown the same."""
    kept = chosen.astype(np.float64)
    return Sums(reward * kept, kept)


def ips(reward: Floats, weight: Floats) -> Sums:
    """Inverse propensity scoring."""
    return Sums(weight * reward, np.ones_like(reward))


def snips(reward: Floats, weight: Floats) -> Sums:
    """Self-normalized inverse propensity scoring: no change if all weights are scaled."""
    return Sums(weight * reward, weight)


def direct(expected: Floats) -> Sums:
    """Direct method: the model's word alone."""
    return Sums(expected, np.ones_like(expected))


def doubly_robust(reward: Floats, weight: Floats, predicted: Floats, expected: Floats) -> Sums:
    """The model, put right by weighted errors; of `weight` shrunk, Switch-DR and DRos."""
    return Sums(expected + weight * (reward - predicted), np.ones_like(reward))


def switched(weight: Floats, tau: float) -> Floats:
    """Weights of Switch-DR: where they exceed `tau`, the model alone is believed."""
    return np.where(weight <= tau, weight, 0.0)


def shrunk(weight: Floats, lambda_: float) -> Floats:
    """Weights of DRos: w λ / (w² + λ), half of w where w = √λ."""
    if np.isinf(lambda_):
        return weight
    if lambda_ == 0:
        return np.zeros_like(weight)
    less: Floats = weight * lambda_ / (weight**2 + lambda_)
    return less


class Chosen(NamedTuple):
    """`parameter` is τ or λ; `weight` what it makes of the weights."""

    parameter: float
    weight: Floats


def choose(
    estimator: str,
    reward: Floats,
    weight: Floats,
    predicted: Floats,
    expected: Floats,
    unit: NDArray[np.int64],
    *,
    given: float | None = None,
) -> Chosen:
    """τ or λ as given, else with the smallest estimated mean squared error.

    Variance of the estimate plus square of the estimated bias, mean of (w − ŵ)(r − q) with ŵ the
    shrunk weight, over `CANDIDATES` values and infinity, which is DR (Su et al. 2020, § 5, choose
    likewise).

    Args:
        estimator: `switch_dr` or `dros`.
        reward: as for `doubly_robust`, like the rest.
        weight: before shrinkage.
        predicted: of the logged action.
        expected: under the target policy.
        unit: of each exposure, 0, 1, …
        given: the value to take.
    """
    apply = {"switch_dr": switched, "dros": shrunk}[estimator]
    if given is not None:
        return Chosen(given, apply(weight, given))
    positive = weight[weight > 0]
    halves = np.geomspace(positive.min(), positive.max(), CANDIDATES).tolist()
    best, smallest = Chosen(np.inf, weight), np.inf
    for half in (*halves, np.inf):
        parameter = half if estimator == "switch_dr" else half**2
        tried = apply(weight, parameter)
        bias = float(((weight - tried) * (reward - predicted)).mean())
        moved = doubly_robust(reward, tried, predicted, expected).influence()
        error = variance(moved, unit) + bias**2
        if error < smallest:
            best, smallest = Chosen(parameter, tried), error
    return best


def by_unit(influence: Floats, unit: NDArray[np.int64]) -> Floats:
    """Sums of influence per unit, scaled so that their mean is that of the influence.

    The variance of the estimate is then that of a mean of as many independent values.
    """
    units = int(unit.max()) + 1
    sums: Floats = np.bincount(unit, influence, minlength=units).astype(np.float64)
    return sums * (units / len(influence))


def variance(influence: Floats, unit: NDArray[np.int64]) -> float:
    """Of the estimate, clustered by unit: s²/G over the G units' sums (Wolter 2007, § 6.5)."""
    sums = by_unit(influence, unit)
    return float(sums.var(ddof=1)) / len(sums)
