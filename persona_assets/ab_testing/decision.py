"""One verdict: ship, keep, go on or invalid, and why.

Belongs here: what an experiment must fulfil before the rule applies, and its comparisons as the
rule reads them. Does not belong here: the rule itself (`experiments/verdict.py`).

Before that rule: an experiment with more than 1 % of its units in two arms is **invalid**, and a
fixed one that has not reached its planned size **goes on**, whatever it shows: its test promises
5 % for one look at the end. Of winners that cannot be told apart, the one is taken that was
declared first.
"""

from collections.abc import Sequence

from persona_assets.ab_testing import comparisons
from persona_assets.ab_testing.assignment_check import MOST_IN_TWO_ARMS, AssignmentCheck
from persona_assets.ab_testing.declaration import Declaration
from persona_assets.ab_testing.evidence import Evidence
from persona_assets.ab_testing.timing import Timing
from persona_assets.experiments.verdict import (
    MISMATCHED,
    SIGNIFICANT,
    Compared,
    Verdict,
    decide,
)
from persona_assets.notation import share
from persona_assets.statistics.power import minimum_detectable

PREFERENCE = "as it was declared first,"


def verdict(
    found: Sequence[comparisons.Compared],
    assignment: AssignmentCheck,
    evidence: Evidence,
    declaration: Declaration,
    timing: Timing,
) -> Verdict:
    """The verdict on all comparisons of an experiment."""
    kept = sum(assignment.units.values())
    units = kept + evidence.units_in_two_arms
    if evidence.units_in_two_arms > MOST_IN_TWO_ARMS * units:
        return Verdict(
            "invalid",
            None,
            f"Do not trust this experiment: {share(evidence.units_in_two_arms, units)} of its "
            "units are in more than one arm; find out how units are assigned and counted.",
        )
    # At its end a hybrid is looked at once, as its effects are.
    mismatch = assignment.sequential_p_value if timing.sequential else assignment.p_value
    early = timing.running and not timing.sequential
    if early and mismatch >= MISMATCHED:
        return Verdict(
            "go_on",
            None,
            f"Go on: {kept:,} of {declaration.plan.units:,} planned units are there, and a test "
            "for one look at the end says nothing before it; to stop early, plan monitoring "
            f"sequential or hybrid. {evidence.control} serves meanwhile.",
        )
    primary = declaration.primary.name
    family = sum(each.metric == primary for each in found)
    rows = [_read(each, declaration, family) for each in found if each.role != "secondary"]
    return decide(
        [row for row in rows if row.metric == primary and row.against == evidence.control],
        [row for row in rows if row.metric == primary and row.against != evidence.control],
        [row for row in rows if row.metric != primary],
        control_model=evidence.control,
        smallest_gain=declaration.plan.smallest_gain,
        srm_p_value=mismatch,
        preference=PREFERENCE,
    )


def _read(each: comparisons.Compared, declaration: Declaration, family: int) -> Compared:
    """The comparison as the rule reads it: effects are gains.

    `unit_variance` is the one with which arms of this size see what these arms see, by whatever
    interval and adjustment: so sizes that a smaller effect needs follow by 1/√n.
    """
    metric = next(one for one in declaration.metrics if one.name == each.metric)
    shown, less = each.comparison, metric.direction == "decrease"
    seen = minimum_detectable(1.0, significant=SIGNIFICANT / max(1, family))
    variance = each.unit_variance
    if each.minimum_detectable is not None:
        variance = each.units * (each.minimum_detectable / seen) ** 2 / 2
    return Compared(
        arm=each.arm,
        model="",
        against=each.against,
        metric=each.metric,
        users=each.units,
        control_value=shown.control_value,
        effect=-shown.effect if less else shown.effect,
        low=-shown.high if less else shown.low,
        high=-shown.low if less else shown.high,
        adjusted_p_value=1.0 if each.adjusted_p_value is None else each.adjusted_p_value,
        minimum_detectable=each.minimum_detectable,
        margin=each.margin or 0.0,
        finding=each.finding,
        scale="share" if metric.kind == "proportion" else "amount",
        less_is_better=less,
        unit_variance=variance,
    )
