"""Whether units fell into arms as planned; where not, nothing else can be read.

Belongs here: sizes of arms against their shares, over all units, over time, and within segments.
Does not belong here: what follows (`decision.py`), the tests themselves (`statistics/`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from persona_assets.ab_testing.evidence import Evidence
from persona_assets.experiments.verdict import MISMATCHED
from persona_assets.statistics.sample_ratio import sequential_sample_ratio_p_value
from persona_assets.statistics.two_samples import sample_ratio_p_value

MOST_IN_TWO_ARMS = 0.01
"""Share of units in more than one arm above which the experiment is invalid: whoever was shown both
may be there because of what was shown."""


@dataclass(frozen=True)
class OfSegment:
    """Sizes of arms within one value of a segment."""

    column: str
    value: str
    units: dict[str, int]
    p_value: float


@dataclass(frozen=True)
class AssignmentCheck:
    """Sizes of arms beside their plan.

    Attributes:
        units: by arm.
        expected: by arm, of as many units by the planned shares.
        p_value: of Pearson's χ², for one look.
        sequential_p_value: smallest so far, for any number of looks.
        segments: the values whose sizes are mismatched, with p-values corrected for all of them
            (Bonferroni).
        segment_values: values that were looked at.
    """

    units: dict[str, int]
    expected: dict[str, float]
    p_value: float
    sequential_p_value: float
    segments: tuple[OfSegment, ...] = ()
    segment_values: int = 0


def check_assignment(
    evidence: Evidence,
    shares: Mapping[str, float],
    by_segment: Mapping[tuple[str, str], Mapping[str, int]],
) -> AssignmentCheck:
    """Compare sizes of arms with their planned shares.

    Args:
        evidence: whose looks have the sizes over time.
        shares: planned, of the arms of `evidence`, summing to 1.
        by_segment: sizes by arm within (column, value).
    """
    arms = evidence.arms
    planned = [shares[arm] for arm in arms]
    sizes = [evidence.last.units[arm] for arm in arms]
    over_time = [[look.units.get(arm, 0) for arm in arms] for look in evidence.looks]
    return AssignmentCheck(
        units=dict(zip(arms, sizes, strict=True)),
        expected={arm: sum(sizes) * shares[arm] for arm in arms},
        p_value=sample_ratio_p_value(sizes, planned),
        sequential_p_value=sequential_sample_ratio_p_value(over_time, planned),
        segments=tuple(_mismatched(arms, planned, by_segment)),
        segment_values=len(by_segment),
    )


def _mismatched(
    arms: Sequence[str],
    planned: Sequence[float],
    by_segment: Mapping[tuple[str, str], Mapping[str, int]],
) -> list[OfSegment]:
    found = []
    for (column, value), units in by_segment.items():
        sizes = [units.get(arm, 0) for arm in arms]
        p_value = min(1.0, len(by_segment) * sample_ratio_p_value(sizes, planned))
        if p_value < MISMATCHED:
            found.append(OfSegment(column, value, dict(zip(arms, sizes, strict=True)), p_value))
    return found
