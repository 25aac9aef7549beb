"""The last run's checks, those that did not pass gathered by check.

Belongs here: gathering. Does not belong here: making checks
(`persona_assets/orchestration/checks`).
"""

from dataclasses import dataclass

from persona_assets.report.collect import Report
from persona_assets.run_record import CheckOutcome, Outcome
from persona_assets.skipped import CHECK

MOST_PARTITIONS = 3
"""Partitions that a title names before it only counts the others."""


@dataclass(frozen=True)
class Problem:
    """One check that did not pass, in one or more partitions; the description is the first's."""

    asset: str
    check: str
    outcome: Outcome
    partitions: tuple[str, ...]
    description: str

    @property
    def where(self) -> str:
        """The partitions in words; empty for an unpartitioned table."""
        named = [partition for partition in self.partitions if partition]
        shown = ", ".join(named[:MOST_PARTITIONS])
        more = len(named) - MOST_PARTITIONS
        return f"{shown} and {more} more" if more > 0 else shown


def with_outcome(report: Report, outcome: Outcome) -> list[CheckOutcome]:
    """The last run's checks with this outcome; none where there was no run."""
    return [check for check in report.run.checks if check.outcome == outcome] if report.run else []


def problems(report: Report) -> list[Problem]:
    """What did not pass: failures first, then warnings, each in the order of the run.

    Warnings of what was skipped are left out: the report tells it once, by subject (`skipped.py`).
    """
    gathered: dict[tuple[str, str, Outcome], list[CheckOutcome]] = {}
    for check in with_outcome(report, "failed") + with_outcome(report, "warned"):
        if check.check == CHECK:
            continue
        gathered.setdefault((check.asset, check.check, check.outcome), []).append(check)
    return [
        Problem(
            asset,
            name,
            outcome,
            tuple(sorted(check.partition for check in found)),
            min(found, key=lambda check: check.partition).description,
        )
        for (asset, name, outcome), found in gathered.items()
    ]
