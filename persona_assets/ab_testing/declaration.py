"""What is fixed before an experiment's numbers are seen: arms, metrics, plan.

Belongs here: the declaration and what contradicts itself in it. Does not belong here: its TOML and
options (`declaration_file.py`), the data (`units.py`, `aggregates.py`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from persona_assets.errors import DataError, UserError

Kind = Literal["proportion", "mean", "ratio"]
Role = Literal["primary", "secondary", "guardrail"]
Direction = Literal["increase", "decrease"]
Monitoring = Literal["fixed", "sequential", "hybrid"]
Missing = Literal["error", "zero"]

KINDS: tuple[Kind, ...] = get_args(Kind)
ROLES: tuple[Role, ...] = get_args(Role)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
MONITORINGS: tuple[Monitoring, ...] = get_args(Monitoring)
MISSING: tuple[Missing, ...] = get_args(Missing)
WIDEST_PRIOR = 100.0
"""Standard deviation of lifts: nobody expects 10,000 %, and far beyond it numbers overflow."""


@dataclass(frozen=True)
class Side:
    """Columns of aggregated rows that hold one arm's numbers of a metric.

    `sum` with `sum_squares`, or `mean` with `variance` (of a unit's value, divisor n − 1); of a
    proportion the first of either suffices.
    """

    units: str
    sum: str | None = None
    sum_squares: str | None = None
    mean: str | None = None
    variance: str | None = None


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: in results.
        kind: `proportion` (0 or 1 of every unit), `mean` (a number of every unit) or `ratio` (of
            two sums, such as clicks / impressions).
        column: the unit's value; of a ratio its numerator.
        denominator: column of a ratio; None: rows of the unit, as in conversion per session.
        role: `primary` decides, a `guardrail` must not lose more than its margin, a `secondary`
            one is shown.
        direction: which way is better.
        margin: of a guardrail, as a share of control's value.
        before: column of the same metric before the experiment (CUPED); of a ratio its numerator.
        before_denominator: column, of a ratio.
        winsorise: quantile above which values are cut to it, over all arms together.
        missing: what an empty cell means: an error, or 0.
        quantiles: levels whose effects are shown, too.
        where: column → values of the rows that hold this metric, in files with a row per metric.
        sides: in aggregated files: `arm` where every row is of one arm, `control` and `treatment`
            where it is of both.
    """

    name: str
    kind: Kind
    column: str
    denominator: str | None = None
    role: Role = "secondary"
    direction: Direction = "increase"
    margin: float | None = None
    before: str | None = None
    before_denominator: str | None = None
    winsorise: float | None = None
    missing: Missing = "error"
    quantiles: tuple[float, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sides: Mapping[str, Side] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what no analysis could mean."""
        self._refuse_margin()
        for name, value in (
            ("winsorise", self.winsorise),
            *(("quantiles", q) for q in self.quantiles),
        ):
            if value is not None and not 0 < value < 1:
                raise UserError(
                    f"metric {self.name}: {name} is {value}; give a quantile between 0 and 1, "
                    "as 0.99"
                )
        if self.kind == "proportion" and self.winsorise is not None:
            raise UserError(
                f"metric {self.name}: a proportion has nothing to winsorise; leave it out"
            )
        if self.kind != "ratio" and (self.denominator or self.before_denominator):
            raise UserError(
                f"metric {self.name}: a {self.kind} has no denominator; make its kind ratio, or "
                "leave the denominator out"
            )
        if self.quantiles and self.kind != "mean":
            raise UserError(
                f"metric {self.name}: quantiles are of the units' values, which a {self.kind} "
                "does not have; declare a mean"
            )
        gap = self.before and not self.before_denominator and self.denominator
        if self.kind == "ratio" and gap:
            raise UserError(
                f"metric {self.name}: before_numerator is given and before_denominator is not; "
                "give both, or neither"
            )

    def _refuse_margin(self) -> None:
        if self.role == "guardrail" and self.margin is None:
            raise UserError(
                f"metric {self.name} is a guardrail without a margin; say which loss would be "
                "accepted, as a share of control's value: margin = 0.02"
            )
        if self.margin is None:
            return
        if self.role != "guardrail":
            raise UserError(
                f"metric {self.name} is {self.role} and has a margin; only guardrails have one"
            )
        if not (math.isfinite(self.margin) and 0 < self.margin < 1):
            raise UserError(
                f"metric {self.name}: margin is {self.margin}; give a share of control's value "
                "above 0 and below 1"
            )


@dataclass(frozen=True)
class Plan:
    """When numbers are looked at, and what would be worth a change.

    Attributes:
        monitoring: `fixed`: once, at the planned size; `sequential`: at any time, by intervals
            that allow it; `hybrid`: sequentially while it runs and by a fixed test at the end.
        units: planned size of all arms together; None: not planned.
        smallest_gain: of the primary metric, as a share of control's value.
        primary_weight: share of the 5 % that is set aside for the primary metric (preferential
            Bonferroni); None: all of it, and secondary metrics by false discovery rate.
        prior_deviation: of the relative lift's normal prior around 0.
        ended: has the planned end come? None: it has when `units` are there.
    """

    monitoring: Monitoring = "fixed"
    units: int | None = None
    smallest_gain: float = 0.05
    primary_weight: float | None = None
    prior_deviation: float = 0.3
    ended: bool | None = None

    def __post_init__(self) -> None:
        """Refuses a plan that nobody could keep."""
        if self.units is not None and self.units < 4:
            raise UserError(f"plan: units is {self.units}; give the size of all arms together")
        if self.monitoring == "hybrid" and self.units is None:
            raise UserError(
                "plan: monitoring is hybrid, which needs to know the end: give units, the planned "
                "size of all arms together"
            )
        for name in ("smallest_gain", "primary_weight"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise UserError(f"plan: {name} is {value}; give a share above 0 and below 1")
        if not 0 < self.prior_deviation <= WIDEST_PRIOR:
            raise UserError(
                f"plan: prior_deviation is {self.prior_deviation}; give a number above 0 and at "
                f"most {WIDEST_PRIOR:g}, as 0.3"
            )


@dataclass(frozen=True)
class Declaration:
    """All that a file does not say by itself.

    Attributes:
        name: of the experiment, in titles.
        arm: column with the arm; None in aggregated files with both arms in a row.
        control: value of that column.
        metrics: by what they are declared; exactly one is primary.
        unit: column with what was assigned to arms; None: every row is a unit.
        day: column with a date or a number of days; None: not known.
        challengers: all other arms, the preferred first: of winners that cannot be told apart, the
            first is taken. Empty: all that the file has, by name.
        shares: planned share of units by arm; empty: equal ones.
        segments: columns to look for different effects in.
        strata: columns to post-stratify by, known before the experiment.
        where: column → values; other rows are not of this experiment.
        aggregated: rows are sums over units, not units.
        cumulative: aggregated rows of a day hold all days before it, too.
    """

    name: str
    arm: str | None
    control: str
    metrics: tuple[Metric, ...]
    unit: str | None = None
    day: str | None = None
    challengers: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    segments: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aggregated: bool = False
    cumulative: bool = False
    plan: Plan = Plan()

    def __post_init__(self) -> None:
        """Refuses metrics and arms that contradict each other."""
        names = [each.name for each in self.metrics]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"metric {twice[0]} is declared twice; give the second another name")
        primary = [each.name for each in self.metrics if each.role == "primary"]
        if len(primary) != 1:
            raise UserError(
                f"{len(primary) or 'no'} metrics are primary"
                f"{' (' + ', '.join(primary) + ')' if primary else ''}; exactly one decides: make "
                "one primary and the others secondary or guardrail"
            )
        if self.control in self.challengers:
            raise UserError(f"arm {self.control!r} is control and challenger; name it once")
        if self.shares:
            self._refuse_shares()

    def _refuse_shares(self) -> None:
        if self.control not in self.shares:
            raise UserError(
                f"shares are given for {', '.join(self.shares)} and not for control, "
                f"{self.control!r}; give every arm's"
            )
        if missing := [each for each in self.challengers if each not in self.shares]:
            raise UserError(f"shares are not given for arm {missing[0]!r}; give every arm's")
        bad = {name: value for name, value in self.shares.items() if not 0 < value < math.inf}
        if bad:
            name, value = next(iter(bad.items()))
            raise UserError(f"the share of arm {name!r} is {value}; give a positive number")

    @property
    def primary(self) -> Metric:
        """The metric that decides."""
        return next(each for each in self.metrics if each.role == "primary")

    def arms_among(self, there: Sequence[str]) -> tuple[str, ...]:
        """Control and the challengers that are analysed.

        Args:
            there: the arms that the file has rows of.

        Raises:
            DataError: one that is declared is not there, or none is there beside control.
        """
        wanted = self.challengers or tuple(
            arm for arm in (self.shares or there) if arm != self.control
        )
        arms = (self.control, *wanted)
        absent = [arm for arm in arms if arm not in there]
        if absent or len(arms) < 2:
            said = f"arm {absent[0]!r} has no units" if absent else "there is no arm beside control"
            column = "the file" if self.arm is None else f"column {self.arm!r}"
            raise DataError(
                f"{said}: {column} holds {', '.join(map(repr, there)) or 'nothing'}; correct the "
                "arms' names, or leave the empty arm out"
            )
        return arms

    def planned_shares(self, arms: tuple[str, ...]) -> dict[str, float]:
        """Share of each of `arms` in their units, summing to 1."""
        given = {arm: self.shares.get(arm, 1.0) for arm in arms}
        total = sum(given.values())
        return {arm: share / total for arm, share in given.items()}
