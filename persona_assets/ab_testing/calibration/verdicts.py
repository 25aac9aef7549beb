"""Verdicts of whole analyses: what is shipped where nothing, or something, is better.

Belongs here: three arms, analysed from their sums as a file's would be. Does not belong here:
single comparisons (`estimates.py`), the rule itself (`experiments/verdict.py`).
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from persona_assets.ab_testing.analysis import Analysis, analyse
from persona_assets.ab_testing.calibration.draws import spending
from persona_assets.ab_testing.calibration.promises import Measured, Promise, share
from persona_assets.ab_testing.declaration import Declaration, Metric, Side
from persona_assets.statistics.power import proportion_units_needed

CONTROL, BEST, OTHER = "control", "best", "other"
CONVERSION = {CONTROL: 0.1, BEST: 0.13, OTHER: 0.12}
COMPARISONS = 3
"""Of three arms with each other."""
RARELY = Promise(0.0, 0.035)
"""2.5 %, one side of the 5 %, and a percentage point."""
GUARDED_USERS = 20_000
"""An arm's, where a guardrail decides."""
MARGIN = 0.05
"""Loss of revenue that the guardrail accepts at most."""
_METRICS = (
    Metric(
        "converted", "proportion", "converted", role="primary",
        sides={"arm": Side("users", sum="converted")},
    ),
    Metric(
        "revenue", "mean", "revenue", role="guardrail", margin=MARGIN,
        sides={"arm": Side("users", sum="revenue", sum_squares="revenue_squares")},
    ),
)  # fmt: skip
_DECLARATION = Declaration(
    name="calibration",
    arm="arm",
    control=CONTROL,
    metrics=_METRICS[:1],
    challengers=(BEST, OTHER),
    aggregated=True,
)
_GUARDED = replace(_DECLARATION, metrics=_METRICS, challengers=(BEST,))


def measured(generator: np.random.Generator, experiments: int) -> Iterator[Measured]:
    """What verdicts ship: of three equal arms, of three different ones, of a harmful one.

    Args:
        generator: of the draws.
        experiments: of each kind.
    """
    users = math.ceil(
        proportion_units_needed(
            CONVERSION[CONTROL],
            CONVERSION[BEST] - CONVERSION[CONTROL],
            shares=(1 / 3, 1 / 3),
            significant=0.05 / COMPARISONS,
        )
        / 3
    )
    equal = dict.fromkeys(CONVERSION, CONVERSION[CONTROL])
    arms = f"three arms of {users:,} users"
    nothing = [_three(generator, users, equal).verdict.arm for _ in range(experiments)]
    # Two challengers, each by half of the 5 % that Holm's correction keeps over all comparisons.
    yield share(f"{arms}, all equal", "ships", [arm is not None for arm in nothing], RARELY)
    name = f"{arms}, converting 10, 12 and 13 %"
    found = [_three(generator, users, CONVERSION) for _ in range(experiments)]
    yield share(name, "ships_best", [each.verdict.arm == BEST for each in found], Promise(0.7, 1.0))
    yield share(name, "tells_apart_wrongly", [_is_wrong(each) for each in found], RARELY)
    harmed = [_guarded(generator, lift=-MARGIN).verdict.arm for _ in range(experiments)]
    yield share(
        f"two arms of {GUARDED_USERS:,} users, 13 against 10 % converting, "
        f"as much revenue lost as the margin, {100 * MARGIN:.0f} %",
        "ships",
        [arm is not None for arm in harmed],
        RARELY,
    )


def _three(generator: np.random.Generator, users: int, conversion: dict[str, float]) -> Analysis:
    rows = pl.DataFrame(
        {
            "arm": list(conversion),
            "users": users,
            "converted": generator.binomial(users, list(conversion.values())),
        }
    )
    return analyse(rows, _DECLARATION)


def _is_wrong(analysis: Analysis) -> bool:
    """Is any arm called better than one that is truly as good or better?"""
    return any(
        (each.comparison.effect > 0) != (CONVERSION[each.arm] > CONVERSION[each.against])
        for each in analysis.comparisons
        if each.adjusted_p_value is not None and each.adjusted_p_value < 0.05
    )


def _guarded(generator: np.random.Generator, lift: float) -> Analysis:
    """A challenger that converts better and earns less."""
    revenue = {
        CONTROL: spending(generator, GUARDED_USERS),
        BEST: spending(generator, GUARDED_USERS, lift),
    }
    rows = pl.DataFrame(
        {
            "arm": list(revenue),
            "users": GUARDED_USERS,
            "converted": generator.binomial(GUARDED_USERS, [CONVERSION[arm] for arm in revenue]),
            "revenue": [float(values.sum()) for values in revenue.values()],
            "revenue_squares": [float((values**2).sum()) for values in revenue.values()],
        }
    )
    return analyse(rows, _GUARDED)
