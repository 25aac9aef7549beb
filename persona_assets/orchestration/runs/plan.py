"""Which Dagster runs bring a home up to date, in their order.

Belongs here: jobs, ranges of partitions and what may run in a subprocess. Does not belong here:
executing them (`execute.py`) or whether there is anything to do (`fingerprint.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from persona_assets.orchestration.partitions import Calendar, begun
from persona_assets.orchestration.runs.missing import ONLINE_ASSETS

_START = "dagster/asset_partition_range_start"
_END = "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class PlannedRun:
    """One Dagster run: a job over a range of partitions (empty: unpartitioned).

    `assets` narrows the job down. A run that may go `in_subprocess` feeds none of those after it.
    """

    job: str
    partitions: Sequence[str] = ()
    assets: Sequence[str] | None = None
    in_subprocess: bool = False

    @property
    def tags(self) -> dict[str, str]:
        """The tags by which Dagster knows the range."""
        if not self.partitions:
            return {}
        return {_START: self.partitions[0], _END: self.partitions[-1]}


def plan(weeks: int, calendar: Calendar) -> list[PlannedRun]:
    """The runs that bring a home up to date, with the last `weeks` evaluated cut-offs.

    `calendar` says which partitions there are.
    """
    evaluated = begun(calendar.evaluated)[-weeks:]
    trained = [key for key in begun(calendar.weekly) if not evaluated or key >= evaluated[0]]
    if not evaluated:
        trained = trained[-1:]
    planned = [PlannedRun("daily_tables", begun(calendar.daily))]
    if evaluated:
        # Evidently keeps one core busy for as long as the trainings leave one idle.
        planned.append(PlannedRun("weekly_monitoring", evaluated, in_subprocess=True))
    if trained:
        planned.append(PlannedRun("weekly_training", trained))
    if evaluated:
        planned.append(PlannedRun("weekly_evaluation", evaluated))
    if trained:
        # Of weeks that are not over yet, the reports say so.
        planned.append(PlannedRun("reports"))
    else:
        planned.append(PlannedRun("reports", assets=ONLINE_ASSETS))
    return planned
