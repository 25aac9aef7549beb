"""Whether an effect differs between kinds of units.

Belongs here: the primary metric within each value of a segment, and quantiles. Does not belong
here: what enters the verdict (`comparisons.py`): segments decide nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from persona_assets.ab_testing.comparisons import difference
from persona_assets.ab_testing.timing import Timing
from persona_assets.ab_testing.unit_rows import ARM, segment
from persona_assets.ab_testing.units import Units, measured
from persona_assets.statistics.multiple_testing import benjamini_hochberg
from persona_assets.statistics.quantile_effects import QuantileEffect, quantile_effect
from persona_assets.statistics.two_samples import Comparison

FEWEST = 100
"""Units of each arm in a segment that is looked into."""
MOST_VALUES = 50
"""Values of a column; one with more is no segment."""


@dataclass(frozen=True)
class OfSegment:
    """The primary metric within one value of a segment.

    `adjusted_p_value` is by Benjamini and Hochberg over all segments and arms.
    """

    column: str
    value: str
    arm: str
    units: int
    control_units: int
    comparison: Comparison
    adjusted_p_value: float


@dataclass(frozen=True)
class Heterogeneity:
    """Whether the effects of an arm differ between a segment's values at all: Cochran's Q."""

    column: str
    arm: str
    values: int
    p_value: float


def sizes(units: Units) -> dict[tuple[str, str], Mapping[str, int]]:
    """Units by arm within (column, value), for columns with few enough values."""
    found: dict[tuple[str, str], Mapping[str, int]] = {}
    for name in units.declaration.segments:
        counts = units.frame.group_by(segment(name), ARM).len()
        if counts[segment(name)].n_unique() > MOST_VALUES:
            continue
        for (value,), rows in counts.group_by(segment(name)):
            found[name, str(value)] = dict(zip(rows[ARM], rows["len"], strict=True))
    return dict(sorted(found.items()))


def by_segment(
    units: Units, timing: Timing
) -> tuple[list[OfSegment], list[Heterogeneity], list[str]]:
    """The primary metric within segments, whether it differs between them, and what is left out.

    Q = Σ (τ_s − τ)²/v_s with τ weighted by 1/v_s is χ² with one degree of freedom less than values
    (Cochran 1954, "The combination of estimates from different experiments").
    """
    there = sizes(units)
    notes = [
        f"segment {name} has more than {MOST_VALUES} values and is left out"
        for name in units.declaration.segments
        if not any(column == name for column, _ in there)
    ]
    all_of_them = [
        _within(units, timing, column, value, arm)
        for column, value in there
        for arm in units.arms[1:]
    ]
    found = [each for each in all_of_them if each is not None]
    if len(found) < len(all_of_them):
        small = len(all_of_them) - len(found)
        notes.append(f"{small} comparisons within segments have fewer than {FEWEST} units an arm")
    adjusted = benjamini_hochberg([each.comparison.p_value for each in found])
    found = [
        replace(each, adjusted_p_value=value) for each, value in zip(found, adjusted, strict=True)
    ]
    groups = [
        (name, arm, [each for each in found if (each.column, each.arm) == (name, arm)])
        for name in units.declaration.segments
        for arm in units.arms[1:]
    ]
    differ = [_heterogeneity(name, arm, of) for name, arm, of in groups if len(of) > 1]
    return found, differ, notes


def _within(units: Units, timing: Timing, column: str, value: str, arm: str) -> OfSegment | None:
    """The primary metric within one segment; None of too few units."""
    rows = units.frame.filter(pl.col(segment(column)) == value)
    sides = [rows.filter(pl.col(ARM) == each) for each in (arm, units.arms[0])]
    if min(side.height for side in sides) < FEWEST:
        return None
    of_arm, of_control = (measured(side, units.declaration.primary) for side in sides)
    if of_arm is None or of_control is None:
        return None
    shown, _ = difference(of_arm, of_control, timing.confidence)
    shown = timing.read(shown, of_arm.estimate.units + of_control.estimate.units)
    return OfSegment(
        column, value, arm, of_arm.estimate.units, of_control.estimate.units, shown, 1.0
    )


def _heterogeneity(column: str, arm: str, found: list[OfSegment]) -> Heterogeneity:
    from scipy.special import chdtrc

    some = [each.comparison for each in found if each.comparison.standard_error]
    if len(some) < 2:
        return Heterogeneity(column, arm, len(some), 1.0)
    weights = [1 / each.standard_error**2 for each in some]
    mean = sum(w * each.effect for w, each in zip(weights, some, strict=True)) / sum(weights)
    statistic = sum(w * (each.effect - mean) ** 2 for w, each in zip(weights, some, strict=True))
    return Heterogeneity(column, arm, len(some), float(chdtrc(len(some) - 1, statistic)))


@dataclass(frozen=True)
class OfQuantile:
    """A quantile of a metric, an arm beside control; `effect` None where units are too few."""

    metric: str
    arm: str
    level: float
    effect: QuantileEffect | None


def quantiles(units: Units) -> list[OfQuantile]:
    """The declared quantiles of every metric; each interval is of 95 % by itself."""
    return [
        OfQuantile(
            metric.name,
            arm,
            level,
            quantile_effect(
                units.values(metric, arm)[0], units.values(metric, units.arms[0])[0], level
            ),
        )
        for metric in units.declaration.metrics
        for level in metric.quantiles
        for arm in units.arms[1:]
    ]
