"""What a shop fixes before an experiment: arms, customers, metrics, time.

Belongs here: the declaration and what contradicts itself in it. Does not belong here: its file
(`declaration_file.py`), what is stored of it once it runs (`stored_plans.py`).
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from persona_assets.errors import UserError

CONTROL = "control"
METRICS = ("conversion", "ctr", "orders_per_user", "revenue_per_user")
"""Of which one decides; `unit_metrics.py` says what each is made of."""
_SHARES_SUM_TO = 1e-6


@dataclass(frozen=True)
class LiveExperiment:
    """One declared experiment.

    Attributes:
        name: salts the assignment to arms.
        start: first UTC day.
        end: first UTC day that is not in it any more; the planned end, at which the test is made.
        users: planned number, of all arms together.
        arms: model by arm, `control` first; empty: the champion and the best two challengers.
        shares: of the experiment's customers by arm, summing to 1; empty: equal ones.
        layer: experiments of one layer share out its customers.
        traffic: from where to where in the layer's customers, as [0.0, 0.5] for a half of them.
        holdout: share of the experiment's customers who are left out of it.
        primary: the metric that decides.
        guardrails: loss that would be accepted, as a share of control's value, by metric.
        smallest_gain: of the primary metric that is worth a change, as a share of control's value.
    """

    name: str
    start: date
    end: date
    users: int
    arms: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    layer: str = ""
    traffic: tuple[float, float] = (0.0, 1.0)
    holdout: float = 0.0
    primary: str = "conversion"
    guardrails: Mapping[str, float] = field(default_factory=dict)
    smallest_gain: float = 0.05

    def __post_init__(self) -> None:
        """Refuses what no service could do and no analysis could mean."""
        if self.end <= self.start:
            raise self._wrong(
                f"it ends on {self.end}, which is not after its start {self.start}; the end day is "
                "not in it"
            )
        if self.users < 4:
            raise self._wrong(f"users is {self.users}; plan the number of all arms together")
        self._refuse_arms()
        low, high = self.traffic
        if not 0 <= low < high <= 1:
            raise self._wrong(
                f"traffic is [{low}, {high}]; give from where to where in the layer, as [0.0, 0.5]"
            )
        if not 0 <= self.holdout < 1:
            raise self._wrong(f"holdout is {self.holdout}; give a share of at least 0 and below 1")
        if not 0 < self.smallest_gain < 1:
            raise self._wrong(
                f"smallest_gain is {self.smallest_gain}; give a share above 0 and below 1"
            )
        self._refuse_metrics()

    @property
    def days(self) -> int:
        """From start to end."""
        return (self.end - self.start).days

    @property
    def its_layer(self) -> str:
        """The layer; one of its own where none is named."""
        return self.layer or f"experiment {self.name}"

    def ordered(self, arms: Iterable[str]) -> list[str]:
        """Names of arms, `control` first."""
        return sorted(arms, key=lambda arm: arm != CONTROL)

    def shares_of(self, arms: Iterable[str]) -> dict[str, float]:
        """Planned share by arm of the customers who are not held out."""
        names = list(arms)
        # As written they sum to 1 but for their last digits: 0.3333333 three times.
        total = math.fsum(self.shares.values())
        return {arm: self.shares[arm] / total if total else 1 / len(names) for arm in names}

    def as_plan(self) -> dict[str, Any]:
        """What is fixed, as JSON has it."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "users": self.users,
            "arms": dict(self.arms),
            "shares": dict(self.shares),
            "layer": self.layer,
            "traffic": list(self.traffic),
            "holdout": self.holdout,
            "primary": self.primary,
            "guardrails": dict(self.guardrails),
            "smallest_gain": self.smallest_gain,
        }

    def _refuse_arms(self) -> None:
        if self.arms and (CONTROL not in self.arms or len(self.arms) < 2):
            raise self._wrong(
                f"its arms are {', '.join(self.arms)}; name one {CONTROL} and at least one other"
            )
        if not self.shares:
            return
        if not self.arms or self.shares.keys() != self.arms.keys():
            raise self._wrong(
                f"shares are of {', '.join(self.shares)} and arms are "
                f"{', '.join(self.arms) or 'not given'}; give every arm a share"
            )
        values = list(self.shares.values())
        if min(values) <= 0 or not math.isclose(sum(values), 1, abs_tol=_SHARES_SUM_TO):
            raise self._wrong(f"shares are {values}; give positive shares that sum to 1")

    def _refuse_metrics(self) -> None:
        for metric in (self.primary, *self.guardrails):
            if metric not in METRICS:
                raise self._wrong(f"metric {metric!r} is none of {', '.join(METRICS)}; name one")
        if self.primary in self.guardrails:
            raise self._wrong(f"{self.primary} is primary and a guardrail; leave one out")
        for metric, margin in self.guardrails.items():
            if not (math.isfinite(margin) and 0 < margin < 1):
                raise self._wrong(
                    f"the margin of {metric} is {margin}; give the loss that would be accepted, as "
                    "a share of control's value"
                )

    def _wrong(self, text: str) -> UserError:
        return UserError(f"experiment {self.name!r}: {text}")


def refuse_shared_customers(experiments: Iterable[LiveExperiment]) -> None:
    """Raise UserError where two experiments of a layer take the same customers at the same time."""
    for one, other in itertools.combinations(experiments, 2):
        same_time = one.start < other.end and other.start < one.end
        same_people = one.traffic[0] < other.traffic[1] and other.traffic[0] < one.traffic[1]
        if one.its_layer == other.its_layer and same_time and same_people:
            raise UserError(
                f"experiments {one.name!r} and {other.name!r} of layer {one.its_layer!r} take the "
                f"same customers: traffic {list(one.traffic)} and {list(other.traffic)}; give them "
                "parts that do not overlap, another time, or another layer"
            )
