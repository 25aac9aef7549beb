"""How an experiment went from day to day, and whether its effect wears off.

Belongs here: the course of the primary metric's effect, and early days against late ones. Does not
belong here: when it may end (`timing.py`).
"""

from dataclasses import dataclass

import polars as pl

from persona_assets.ab_testing.comparisons import difference
from persona_assets.ab_testing.declaration import Declaration
from persona_assets.ab_testing.evidence import Evidence
from persona_assets.ab_testing.timing import TUNED_FOR, timing
from persona_assets.ab_testing.unit_rows import ARM, DAY, UNIT, numerator
from persona_assets.ab_testing.units import Units
from persona_assets.statistics.estimates import Estimate, mean_estimate
from persona_assets.statistics.sequential import always_valid
from persona_assets.statistics.two_samples import Comparison, welch_difference

FEWEST_DAYS = 4
"""Days with units, from which on early and late are compared."""


@dataclass(frozen=True)
class AtDay:
    """The primary metric's effect at the end of a day: for one look, and for any number of them."""

    day: str
    arm: str
    units: int
    fixed: Comparison
    sequential: Comparison


@dataclass(frozen=True)
class Novelty:
    """Effect in the later half of the days less that in the earlier half, by arm.

    `early` and `late` are the effects; the comparison's effect is late less early. A novelty wears
    off (the effect moves towards 0), a change that has to be learnt grows.
    """

    arm: str
    early: float
    late: float
    comparison: Comparison


def course(evidence: Evidence, declaration: Declaration) -> list[AtDay]:
    """The primary metric's effect at the end of every day; nothing where days are not known."""
    found = []
    name = declaration.primary.name
    plan = declaration.plan
    for look in evidence.looks:
        if look.day is None or name not in look.measured:
            continue
        measured = look.measured[name]
        confidence = timing(plan, sum(look.units.values())).confidence
        for arm in evidence.challengers:
            plain, _ = difference(measured[arm], measured[evidence.control], confidence)
            units = measured[arm].estimate.units + measured[evidence.control].estimate.units
            at_any_time = always_valid(plain, units, plan.units or TUNED_FOR, confidence)
            found.append(AtDay(look.day, arm, units, plain, at_any_time))
    return found


def novelty(units: Units) -> list[Novelty]:
    """Late days against early ones, by unit; nothing of ratios, or of fewer than four days.

    Where units have rows on several days, each unit's sums of the earlier and of the later days are
    compared within it: units are independent, their days are not. Where every unit has one row,
    early and late units are different ones and compared as such.
    """
    metric = units.declaration.primary
    if units.declaration.day is None or metric.kind == "ratio":
        return []
    days = units.rows[DAY].unique().sort()
    if days.len() < FEWEST_DAYS:
        return []
    middle = float(days[days.len() // 2 - 1])
    late = pl.col(DAY) > middle
    value = pl.col(numerator(metric))
    if units.rows[UNIT].n_unique() == units.rows.height:
        return _of_different_units(units, late, value)
    first, second = days.len() // 2, days.len() - days.len() // 2
    by_unit = units.rows.group_by(UNIT, maintain_order=True).agg(
        pl.col(ARM).first(),
        early=value.filter(~late).sum() / first,
        late=value.filter(late).sum() / second,
    )
    change = {
        arm: by_unit.filter(pl.col(ARM) == arm).with_columns(
            change=pl.col("late") - pl.col("early")
        )
        for arm in units.arms
    }
    control = change[units.arms[0]]
    return [
        Novelty(
            arm,
            _mean(change[arm]["early"]) - _mean(control["early"]),
            _mean(change[arm]["late"]) - _mean(control["late"]),
            welch_difference(
                mean_estimate(change[arm]["change"].to_numpy()),
                mean_estimate(control["change"].to_numpy()),
            ),
        )
        for arm in units.arms[1:]
    ]


def _of_different_units(units: Units, late: pl.Expr, value: pl.Expr) -> list[Novelty]:
    halves = {
        (arm, is_late): units.rows.filter(pl.col(ARM) == arm, late if is_late else ~late)
        .select(value)
        .to_series()
        .to_numpy()
        for arm in units.arms
        for is_late in (False, True)
    }
    if min(len(each) for each in halves.values()) < 2:
        return []
    control = units.arms[0]
    found = []
    for arm in units.arms[1:]:
        effects = [
            welch_difference(
                mean_estimate(halves[arm, is_late]), mean_estimate(halves[control, is_late])
            )
            for is_late in (False, True)
        ]
        early, after = (
            Estimate(each.effect, each.standard_error**2, len(halves[arm, is_late]))
            for each, is_late in zip(effects, (False, True), strict=True)
        )
        found.append(Novelty(arm, early.value, after.value, welch_difference(after, early)))
    return found


def _mean(values: pl.Series) -> float:
    return float(values.mean() or 0.0)  # type: ignore[arg-type]
