"""How large an experiment must be, how long it takes, and what it could see.

Belongs here: sizes and days for a lift, and the lift for a size. Does not belong here: the formulas
(`statistics/power.py`).
"""

import math
from dataclasses import dataclass

from persona_assets.errors import UserError
from persona_assets.statistics.power import (
    POWER,
    minimum_detectable,
    proportion_units_needed,
    total_units_needed,
)
from persona_assets.statistics.sequential import mixture_parameter, standard_errors
from persona_assets.statistics.two_samples import CONFIDENCE

_SIGNIFICANT = 1 - CONFIDENCE
_BISECTIONS = 60
"""Halvings of an interval within 0 to 1: beyond 52 a float has no more digits."""


@dataclass(frozen=True)
class Design:
    """What is known before an experiment.

    Attributes:
        baseline: control's value.
        deviation: standard deviation of one unit's value; None of a proportion.
        challengers: arms beside control.
        control_share: of all units; the challengers share the rest equally.
        power: chance to find the lift.
        daily_units: units that come into the experiment in a day; None: not known.
        correlation: of the pre-period with the metric (CUPED); 0 without.
    """

    baseline: float
    deviation: float | None = None
    challengers: int = 1
    control_share: float | None = None
    power: float = POWER
    daily_units: float | None = None
    correlation: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what no experiment could have."""
        if self.deviation is None and not 0 < self.baseline < 1:
            raise UserError(
                f"the baseline of a proportion is {self.baseline:g}; give a share above 0 and "
                "below 1, or --deviation for a mean"
            )
        if self.deviation is not None and not (self.deviation > 0 and self.baseline):
            raise UserError("give a deviation above 0 and a baseline that is not 0")
        if self.challengers < 1:
            raise UserError(f"{self.challengers} challengers: give at least one")
        for name, value in (("control share", self.share), ("power", self.power)):
            if not 0 < value < 1:
                raise UserError(f"the {name} is {value:g}; give a share above 0 and below 1")
        if not -1 < self.correlation < 1:
            raise UserError(f"the correlation is {self.correlation:g}; give one inside of ±1")
        if self.daily_units is not None and self.daily_units <= 0:
            raise UserError(f"{self.daily_units:g} units a day: give a positive number")

    @property
    def share(self) -> float:
        """Control's, of all units."""
        return 1 / (1 + self.challengers) if self.control_share is None else self.control_share

    @property
    def variance(self) -> float:
        """Of one unit's value, after CUPED."""
        plain = self.baseline * (1 - self.baseline) if self.deviation is None else self.deviation**2
        return plain * (1 - self.correlation**2)

    @property
    def shares(self) -> tuple[float, float]:
        """Of one challenger and of control."""
        return (1 - self.share) / self.challengers, self.share

    @property
    def significant(self) -> float:
        """Level of the first of Holm's tests over all pairs of arms, as the verdict takes it."""
        return _SIGNIFICANT / (self.challengers * (self.challengers + 1) // 2)


@dataclass(frozen=True)
class Size:
    """An experiment's size for a lift.

    Attributes:
        lift: share of the baseline.
        units: of all arms.
        arm_units: of one challenger.
        days: None where daily units are not known.
        sequential_units: so many instead, if it is looked at at any time and has no fixed end.
        margin: of non-inferiority that equal arms of this size show, as a share of the baseline.
    """

    lift: float
    units: int
    arm_units: int
    days: int | None
    sequential_units: int
    margin: float


def size_for(design: Design, lift: float) -> Size:
    """The size that finds a true lift with the design's power.

    For sequential looks the 1.96 is replaced by the confidence sequence's standard errors at that
    size (`statistics/sequential.py`): the size at which the interval excludes 0 with that power,
    while the experiment usually ends before.

    Raises:
        UserError: the lift is 0, or leads out of what a proportion can be.
    """
    effect = lift * abs(design.baseline)
    if not effect or not math.isfinite(effect):
        raise UserError(f"the lift is {lift:g}; give one that is not 0, as 0.05 for 5 %")
    if design.deviation is None and not 0 <= design.baseline + effect <= 1:
        raise UserError(
            f"a lift of {100 * lift:g} % on {design.baseline:g} is no proportion; give a "
            "smaller one"
        )
    units = _needed(design, effect)
    error = _error(design, units)
    fixed = minimum_detectable(1.0, significant=design.significant, power=design.power)
    confidence = 1 - design.significant
    wide = standard_errors(units, mixture_parameter(units, confidence), confidence)
    of_power = minimum_detectable(1.0, significant=1.0, power=design.power)
    return Size(
        lift=lift,
        units=units,
        arm_units=math.ceil(units * design.shares[0]),
        days=None if design.daily_units is None else math.ceil(units / design.daily_units),
        sequential_units=math.ceil(units * ((wide + of_power) / fixed) ** 2),
        margin=minimum_detectable(error, power=design.power) / abs(design.baseline),
    )


def lift_for(design: Design, units: int) -> float:
    """The smallest true lift upwards that an experiment of `units` finds, as a share of baseline.

    Raises:
        UserError: there are too few units for the arms.
    """
    if units < 2 * (design.challengers + 1):
        raise UserError(f"{units} units are too few for {design.challengers + 1} arms of two")
    if design.deviation is None:
        return _gain_of_proportion(design, units) / design.baseline
    error = _error(design, units)
    found = minimum_detectable(error, significant=design.significant, power=design.power)
    return found / abs(design.baseline)


def _needed(design: Design, effect: float) -> int:
    shares, significant, power = design.shares, design.significant, design.power
    if design.deviation is not None:
        return total_units_needed(
            effect,
            variance=design.variance,
            shares=shares,
            significant=significant,
            power=power,
        )
    plain = proportion_units_needed(
        design.baseline, effect, shares=shares, significant=significant, power=power
    )
    return max(2 * (design.challengers + 1), math.ceil(plain * (1 - design.correlation**2)))


def _gain_of_proportion(design: Design, units: int) -> float:
    """The smallest gain that needs no more than `units`: the more is to be found, the fewer do."""
    low, high = 0.0, 1 - design.baseline
    if _needed(design, high) > units:
        raise UserError(
            f"{units} units are too few: even if everybody in a challenger's arm converted, they "
            f"would not find it in {100 * design.power:g} of 100; give more"
        )
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if _needed(design, middle) <= units else (middle, high)
    return high


def _error(design: Design, units: int) -> float:
    arm, control = design.shares
    return math.sqrt(design.variance * (1 / arm + 1 / control) / units)
