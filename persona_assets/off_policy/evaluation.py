"""Off-policy evaluation: frames in, frames out.

Belongs here: all estimators on one log, with intervals, or the refusal. Does not belong here:
single estimators (`estimators.py`), limits (`support.py`) or printing (`cli/`).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame

from persona_assets.errors import UserError
from persona_assets.off_policy import estimators
from persona_assets.off_policy.estimators import Sums, by_unit, variance
from persona_assets.off_policy.log import Columns, Exposures, Floats, read_exposures
from persona_assets.off_policy.support import Support, clip, refusals, support_of
from persona_assets.statistics.skewness import skewed_mean_interval

ESTIMATES = {
    "estimator": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "standard_error": pl.Float64,
    "gain": pl.Float64,
    "gain_low": pl.Float64,
    "gain_high": pl.Float64,
    "parameter": pl.Float64,
}
"""Columns of `Evaluation.estimates`; `parameter` is τ of Switch-DR, λ of DRos."""


@dataclass(frozen=True)
class Evaluation:
    """What the log says on the target policy.

    Attributes:
        estimates: rows of `ESTIMATES`, one per estimator; none if the log cannot answer. `value` is
            the mean reward per exposure, `gain` what it is more than the logged one. `low` and
            `high` are the ends of 95 % intervals, null for the direct method, whose error no log
            shows; `standard_error` of Switch-DR and DRos is that of DR, if larger.
        logged: mean reward of the log: the value of the policy that made it.
        support: what the log has to say, refused or not.
        refused: why there are no estimates; empty if there are.
        left_out: estimators that do not apply, and why.
    """

    estimates: pl.DataFrame
    logged: float
    support: Support
    refused: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def support_frame(self) -> pl.DataFrame:
        """`support` as one row."""
        return pl.DataFrame([self.support._asdict()])


def evaluate(
    log: IntoDataFrame,
    policy: IntoDataFrame,
    columns: Columns | None = None,
    *,
    largest_weight: float | None = None,
    tau: float | None = None,
    lambda_: float | None = None,
) -> Evaluation:
    """Estimate what the target policy would have earned on the log's exposures.

    Intervals: Student's t with Hall's correction of skewness over the units' sums of influence
    (`statistics/skewness.py`, `estimators.Sums.influence`), so that rows of one unit may depend on
    each other. Switch-DR and DRos trade variance for a bias that the log cannot exclude: theirs
    hold the interval of DR, which has none. With clipped weights, no interval holds the bias that
    clipping adds.

    Args:
        log: one row per exposure; any eager frame that Narwhals reads.
        policy: probabilities of the target policy; see `Columns`.
        columns: names of the columns of both.
        largest_weight: larger weights are clipped to it; None: they are not.
        tau: threshold of Switch-DR; None: chosen by estimated mean squared error.
        lambda_: shrinkage of DRos; None: likewise.

    Raises:
        UserError: a column is missing, or a parameter is not positive.
        DataError: a column holds what it cannot.
        InsufficientDataError: there are fewer than two independent units.
    """
    for name, given in (("largest_weight", largest_weight), ("tau", tau), ("lambda_", lambda_)):
        if given is not None and not given > 0:
            raise UserError(f"{name} is {given}; give a number above 0")
    exposures = read_exposures(log, policy, columns)
    weight = clip(exposures.weight, largest_weight)
    support = support_of(exposures, weight)
    refused = refusals(support, exposures.reward)
    evaluation = Evaluation(
        estimates=pl.DataFrame(schema=ESTIMATES),
        logged=float(exposures.reward.mean()),
        support=support,
        refused=refused,
        left_out=_left_out(exposures),
    )
    if refused:
        return evaluation
    return replace(evaluation, estimates=estimates_of(exposures, weight, tau=tau, lambda_=lambda_))


def _left_out(exposures: Exposures) -> dict[str, str]:
    reasons = {}
    if not exposures.deterministic:
        reasons["replay"] = "the target policy draws actions at random"
    elif not np.allclose(exposures.propensity, exposures.propensity[0], rtol=1e-3):
        reasons["replay"] = "the logging policy did not show all actions equally often"
    if exposures.predicted is None:
        reasons |= dict.fromkeys(
            ("dm", "dr", "switch_dr", "dros"), "the target policy has no predictions of rewards"
        )
    return reasons


def estimates_of(
    exposures: Exposures,
    weight: Floats,
    *,
    tau: float | None = None,
    lambda_: float | None = None,
) -> pl.DataFrame:
    """Every estimate that applies, whether the log supports it or not; see `evaluate`.

    Args:
        exposures: the log beside the target policy.
        weight: of each exposure, clipped or not.
        tau: threshold of Switch-DR.
        lambda_: shrinkage of DRos.

    Returns:
        Rows of `ESTIMATES`.
    """
    reward, predicted, expected = exposures.reward, exposures.predicted, exposures.expected
    rows = []
    if "replay" not in _left_out(exposures):
        rows.append(_row("replay", estimators.replay(reward, exposures.target > 0), exposures))
    rows.append(_row("ips", estimators.ips(reward, weight), exposures))
    rows.append(_row("snips", estimators.snips(reward, weight), exposures))
    if predicted is not None and expected is not None:
        rows.append(_row("dm", estimators.direct(expected), exposures, certain=False))
        sums = estimators.doubly_robust(reward, weight, predicted, expected)
        rows.append(_row("dr", sums, exposures))
        for name, given in (("switch_dr", tau), ("dros", lambda_)):
            chosen = estimators.choose(
                name, reward, weight, predicted, expected, exposures.unit, given=given
            )
            less = estimators.doubly_robust(reward, chosen.weight, predicted, expected)
            rows.append(_row(name, less, exposures, unbiased=sums, parameter=chosen.parameter))
    return pl.DataFrame(rows, schema=ESTIMATES, orient="row")


def _row(
    name: str,
    sums: Sums,
    exposures: Exposures,
    *,
    unbiased: Sums | None = None,
    parameter: float | None = None,
    certain: bool = True,
) -> tuple[object, ...]:
    """One row of `ESTIMATES`; its intervals hold those of `unbiased`, too."""
    value, logged = sums.estimate, float(exposures.reward.mean())
    if not certain:
        return (name, value, None, None, None, value - logged, None, None, parameter)
    ends = [_intervals(each, exposures) for each in (sums, unbiased) if each is not None]
    low, gain_low = (min(each[at] for each in ends) for at in (0, 2))
    high, gain_high = (max(each[at] for each in ends) for at in (1, 3))
    error = max(
        math.sqrt(variance(each.influence(), exposures.unit))
        for each in (sums, unbiased)
        if each is not None
    )
    return (name, value, low, high, error, value - logged, gain_low, gain_high, parameter)


def _intervals(sums: Sums, exposures: Exposures) -> tuple[float, float, float, float]:
    """Ends of the 95 % intervals of the value and of the gain."""
    value, influence = sums.estimate, sums.influence()
    logged = float(exposures.reward.mean())
    low, high = skewed_mean_interval(by_unit(influence, exposures.unit))
    moved = by_unit(influence - (exposures.reward - logged), exposures.unit)
    gain_low, gain_high = skewed_mean_interval(moved)
    gain = value - logged
    return value + low, value + high, gain + gain_low, gain + gain_high
