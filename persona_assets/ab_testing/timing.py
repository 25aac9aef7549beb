"""Whether an experiment is still running, and what that means for its intervals.

Belongs here: how the 5 % are spent over time. Does not belong here: the sequential interval itself
(`statistics/sequential.py`).

- `fixed`: one look, at the planned end; intervals and tests are the usual ones. Whoever looks
  earlier has no verdict yet.
- `sequential`: any number of looks, by intervals that hold at all times together.
- `hybrid`: sequential while it runs, with a fifth of the 5 %, and a fixed test at the end with the
  rest: by Bonferroni's inequality both together are wrong in 5 % at most. Without that division,
  the fixed test at the end would come on top of what the looks before it have spent.
"""

from dataclasses import dataclass

from persona_assets.ab_testing.declaration import Plan
from persona_assets.statistics.two_samples import CONFIDENCE, Comparison

RUNNING_SHARE = 0.2
"""Of the 5 % in a hybrid: small, since a gain large enough to stop early for is far from chance."""
TUNED_FOR = 5_000
"""Units at which a sequential interval is narrowest where no size is planned."""


@dataclass(frozen=True)
class Timing:
    """How numbers of an experiment at one time are to be read.

    Attributes:
        running: fewer units than planned.
        sequential: intervals hold at any time.
        confidence: of every interval.
        spent: share of the 5 % that this time's tests may use; p-values are divided by it.
        tuned_for: units at which sequential intervals are narrowest.
    """

    running: bool
    sequential: bool
    confidence: float
    spent: float
    tuned_for: int

    def read(self, comparison: Comparison, units: int) -> Comparison:
        """The comparison with the interval and p-value that this time allows."""
        from dataclasses import replace

        from persona_assets.statistics.sequential import always_valid

        if self.sequential:
            comparison = always_valid(comparison, units, self.tuned_for, self.confidence)
        return replace(comparison, p_value=min(1.0, comparison.p_value / self.spent))


def timing(plan: Plan, units: int) -> Timing:
    """What holds with `units` units in all arms together."""
    running = plan.units is not None and units < plan.units
    if plan.ended is not None:
        running = not plan.ended
    tuned_for = plan.units or TUNED_FOR
    if plan.monitoring == "hybrid":
        spent = RUNNING_SHARE if running else 1 - RUNNING_SHARE
        return Timing(running, running, 1 - spent * (1 - CONFIDENCE), spent, tuned_for)
    return Timing(running, plan.monitoring == "sequential", CONFIDENCE, 1.0, tuned_for)
