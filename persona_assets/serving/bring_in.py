"""Everything that the service of a home logged, brought into the lake, and what is made of it.

Belongs here: the order. Does not belong here: the steps (`collector/ingest.py`, `served/`), when it
is done (`orchestration/`, `cli/`).
"""

from dataclasses import dataclass
from pathlib import Path

from persona_assets.lake import DeltaStore
from persona_assets.serving.collector import ingest as events
from persona_assets.serving.event_log.ingestion import Ingested, seal_left_open
from persona_assets.serving.served import ingest as lists
from persona_assets.serving.served.impressions import refresh
from persona_assets.serving.served.log import FOLDER as SERVED_LOG
from persona_assets.tables.collected import IMPRESSIONS, SERVED_LISTS


@dataclass(frozen=True)
class BroughtIn:
    """What was brought in.

    Attributes:
        events: into `raw/collected_events`.
        lists: into `serving/served_lists`.
        impressions: days of `serving/impressions` that were made, ISO.
    """

    events: Ingested
    lists: Ingested
    impressions: tuple[str, ...]

    def lines(self) -> list[str]:
        """What is new, in words."""
        found = {
            "events collected by the service": self.events.rows,
            "products of lists that the service answered with": self.lists.rows,
        }
        return [f"{what}: {rows:,} new" for what, rows in found.items() if rows]


def bring_in(home: Path, store: DeltaStore, *, to_the_end: bool = False) -> BroughtIn:
    """Bring in all that the home's logs have and that is known to be durable.

    Args:
        home: the shop's folder.
        store: its lake.
        to_the_end: to the very last record, where no service is running.

    Raises:
        DataError: a log is damaged, or has lost what was brought in; a table cannot be read.
        InfrastructureError: the lake cannot be written.
    """
    for table in (SERVED_LISTS, IMPRESSIONS):
        store.add_columns(table)
    if to_the_end:
        for folder in (events.FOLDER, SERVED_LOG):
            seal_left_open(home / folder)
    # Events last: an impression whose list is not there yet would wait for the next time.
    listed = lists.ingest(home / SERVED_LOG, store)
    collected = events.ingest(home / events.FOLDER, store)
    return BroughtIn(collected, listed, refresh(store))
