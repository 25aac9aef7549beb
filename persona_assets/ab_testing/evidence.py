"""What all kinds of files come down to: for every arm and metric a value and how sure it is.

Belongs here: the common form of units and aggregates. Does not belong here: how it is made of files
(`units.py`, `aggregates.py`), comparisons of arms (`comparisons.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from persona_assets.ab_testing.declaration import Declaration
from persona_assets.errors import InsufficientDataError
from persona_assets.statistics.estimates import Estimate


@dataclass(frozen=True)
class Measured:
    """One arm's value of one metric.

    `successes` is the number of units with a 1 of a proportion, None of anything else.
    """

    estimate: Estimate
    successes: int | None = None

    @property
    def unit_variance(self) -> float:
        """Variance of one unit's value; of a ratio, of what it adds to the ratio's error."""
        return self.estimate.variance * self.estimate.units


@dataclass(frozen=True)
class Look:
    """All that was known at the end of a day.

    Attributes:
        day: a date, or the number of days since the start, as text; None where days are not known.
        units: by arm, assigned so far.
        measured: metric → arm → value; metrics that cannot be computed yet are absent.
    """

    day: str | None
    units: Mapping[str, int]
    measured: Mapping[str, Mapping[str, Measured]]


@dataclass(frozen=True)
class Evidence:
    """An experiment's numbers.

    Attributes:
        arms: control first, then the challengers, the preferred first.
        looks: in the order of days; the last one has everything.
        notes: what was left out or looks odd, for people.
        left_out: metric → why it is not computed.
        units_in_two_arms: units that are in more than one arm, and in no number.
    """

    arms: tuple[str, ...]
    looks: Sequence[Look]
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    units_in_two_arms: int = 0

    @property
    def control(self) -> str:
        """The first arm."""
        return self.arms[0]

    @property
    def challengers(self) -> tuple[str, ...]:
        """The other arms."""
        return self.arms[1:]

    @property
    def last(self) -> Look:
        """Everything that is known."""
        return self.looks[-1]


def refuse_undecidable(left_out: Mapping[str, str], declaration: Declaration) -> None:
    """Check that what the verdict needs can be computed.

    Raises:
        InsufficientDataError: the primary metric or a guardrail cannot.
    """
    for metric in declaration.metrics:
        if metric.name in left_out and metric.role != "secondary":
            raise InsufficientDataError(
                f"metric {metric.name} is {metric.role}, and {left_out[metric.name]}; correct the "
                "data, or declare the experiment without it"
            )
