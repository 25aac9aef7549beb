"""All that keeps a home small, in one call.

Belongs here: the order of the parts and what is said of them. Does not belong here: the parts
(`lake/maintenance.py`, `old_runs.py`, `old_files.py`), when it is done
(`orchestration/automation.py`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from persona_assets.feature_store.manifests import versions_named
from persona_assets.lake import DeltaStore
from persona_assets.lake.maintenance import Maintained, maintain
from persona_assets.orchestration.maintenance.old_files import delete_old_files
from persona_assets.orchestration.maintenance.old_runs import delete_old_runs
from persona_assets.serving.collector.ingest import EVENTS, FOLDER
from persona_assets.serving.event_log.ingestion import forget
from persona_assets.serving.served.ingest import LISTS
from persona_assets.serving.served.log import FOLDER as SERVED_FOLDER
from persona_assets.settings import Settings


@dataclass(frozen=True)
class HomeMaintained:
    """What was done to a home: its tables; Dagster runs, files and log segments deleted."""

    tables: tuple[Maintained, ...]
    runs: int
    files: int
    segments: int = 0

    def lines(self) -> list[str]:
        """In words, a line for each part and for each table that was left alone."""
        changed = [each for each in self.tables if each.changed]
        return [
            f"lake: {len(changed)} of {len(self.tables)} tables; "
            f"{sum(each.compacted for each in changed)} small files joined, "
            f"{sum(each.deleted for each in changed)} old files and "
            f"{sum(each.log_files for each in changed)} old log entries deleted",
            f"Dagster: {self.runs} runs deleted whose results later runs replaced",
            f"home: {self.files} old reports, plots and logs deleted",
            *(
                [f"service's logs: {self.segments} segments that are in the lake deleted"]
                if self.segments
                else []
            ),
            *(f"left alone: {each.left_alone}" for each in self.tables if each.left_alone),
        ]


def maintain_home(
    settings: Settings,
    store: DeltaStore,
    instance: dg.DagsterInstance,
    *,
    now: datetime | None = None,
    retention: timedelta | None = None,
    history: timedelta | None = None,
) -> HomeMaintained:
    """Compact the lake and delete what is older than the settings say.

    Args:
        settings: of the home.
        store: its lake.
        instance: its record of runs.
        now: the time; None: the clock's.
        retention: instead of the setting `retention_days`.
        history: instead of the setting `operation.history_days`.

    Raises:
        InfrastructureError: the lake cannot be written.
        DataError: a manifest of a training set is garbled: what it names would be deleted.
    """
    at = now or datetime.now(UTC)
    if retention is None:
        retention = timedelta(days=settings.retention_days)
    if history is None:
        history = timedelta(days=settings.operation.history_days)
    return HomeMaintained(
        tables=tuple(maintain(store, retention, keep=versions_named(settings.home))),
        # A run that was replaced is of no more use than the versions of tables that it made.
        runs=delete_old_runs(
            instance, before=at - history, replaced_before=at - min(retention, history)
        ),
        files=delete_old_files(settings.home, history, now=at),
        segments=sum(
            forget(settings.home / folder, store, to, retention, at.timestamp())
            for folder, to in ((FOLDER, EVENTS), (SERVED_FOLDER, LISTS))
        ),
    )
