"""Sensors over the event log: one that says how far the lake is behind, one that brings it in.

Belongs here: their memory, and what they ask for. Does not belong here: bringing events in.

Where a cursor or a run is lost, nothing is: how far the log is in the lake stands in the lake, and
which days follow from it is asked of the lake, too.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import dagster as dg

from persona_assets.orchestration.dagster_internals.graph import AssetJob
from persona_assets.orchestration.event_log.assets import EVENT_LOG
from persona_assets.orchestration.event_log.job import event_ingestion
from persona_assets.orchestration.home import Home
from persona_assets.orchestration.runs.due import Due
from persona_assets.serving.collector.door_counts import door_counts
from persona_assets.serving.collector.ingest import FOLDER, Lag, application, lag
from persona_assets.serving.event_log import ingestion
from persona_assets.serving.event_log.segments import segments
from persona_assets.serving.served.ingest import LISTS
from persona_assets.serving.served.log import FOLDER as SERVED_FOLDER
from persona_assets.tables.collected import COLLECTED_EVENTS
from persona_assets.tables.raw import EVENTS

SECONDS = 30
"""Between two looks; the service seals what it has as often."""
_NOTHING = "no service has accepted an event in this home"
_Arrived = Callable[[Home, dg.SensorEvaluationContext], Due]
_Requests = Callable[[Due, str], list[dg.RunRequest]]


@dataclass(frozen=True)
class Seen:
    """What the sensor remembers: the offset brought in, and the version of the table it asked for.

    Only so that it need not look again; see the module.
    """

    offset: int = -1
    version: int = -1

    @classmethod
    def of(cls, cursor: str | None) -> "Seen":
        """The memory that a cursor holds; none where it is not one of ours."""
        try:
            return cls(**json.loads(cursor)) if cursor else cls()
        except (ValueError, TypeError):
            return cls()

    def cursor(self) -> str:
        """The memory as a cursor."""
        return json.dumps(asdict(self))


def observation(behind: Lag, refused: Mapping[str, int]) -> dg.AssetObservation:
    """What the UI is told of the log.

    Args:
        behind: how far the lake is behind it.
        refused: numbers of events that the service did not accept, by their names.
    """
    return dg.AssetObservation(
        EVENT_LOG,
        metadata={
            "persona/lag_seconds": behind.seconds,
            "persona/bytes": behind.end,
            "persona/bytes_not_in_the_lake": behind.end - behind.offset,
            "persona/bytes_not_sealed": behind.end - behind.sealed,
            **{f"persona/{name}": number for name, number in refused.items()},
        },
        tags={"dagster/data_version": str(behind.sealed)},
    )


def ingestion_of(name: str, behind: Lag, now: datetime) -> dg.RunRequest | None:
    """The run that brings in what is sealed; None where all of it is in the lake.

    Asked for again each hour while it is not: a run may have failed.

    Args:
        name: of the log, other than that of any other.
        behind: how far the lake is behind it.
        now: the time.
    """
    if behind.sealed <= behind.offset:
        return None
    key = f"{name}:{behind.offset}-{behind.sealed}:{now:%Y-%m-%dT%H}"
    return dg.RunRequest(run_key=key, job_name=event_ingestion.name)


def days_of(found: Due) -> Due:
    """Of the raw partitions that have arrived, the days of events."""
    return {path: reasons for path, reasons in found.items() if path == EVENTS.path}


def sensors(
    home: Home, ingestion: AssetJob, arrived: _Arrived, requests: _Requests
) -> tuple[dg.SensorDefinition, ...]:
    """The sensors `event_log` and `arriving_events`.

    Args:
        home: that the graph is of.
        ingestion: the job that ingests raw days.
        arrived: the raw partitions that have arrived at home.
        requests: the runs that ingest them, their keys beginning with the text.
    """

    @dg.sensor(
        name="event_log",
        minimum_interval_seconds=SECONDS,
        description="Observes the event log: how much it holds, how far the lake is behind.",
    )
    def event_log(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Tell the UI how the log is."""
        folder = home.settings.home / FOLDER
        if not segments(folder):
            return dg.SensorResult(skip_reason=_NOTHING)
        return dg.SensorResult(
            asset_events=[observation(_behind(home, folder), door_counts(folder))]
        )

    @dg.sensor(
        name="arriving_events",
        jobs=[event_ingestion, ingestion],
        minimum_interval_seconds=SECONDS,
        description="Brings the service's logs into the lake, then the days that events tell of.",
    )
    def arriving_events(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Ask for what is sealed, and for the days of what was brought in."""
        seen, folder = Seen.of(context.cursor), home.settings.home / FOLDER
        asked = list(_of_lists(home))
        if not segments(folder):
            reason = None if asked else _NOTHING
            return dg.SensorResult(run_requests=asked, skip_reason=reason, cursor=context.cursor)
        behind = _behind(home, folder)
        name = application(folder)
        if (run := ingestion_of(name, behind, datetime.now())) is not None:
            asked.append(run)
        version = home.opened().lake.store.data_version(COLLECTED_EVENTS)
        version = -1 if version is None else version
        if version != seen.version:
            key = f"{name}:{version}"
            days = requests(days_of(arrived(home, context)), key)
            asked += [each.with_replaced_attrs(job_name=ingestion.name) for each in days]
        return dg.SensorResult(run_requests=asked, cursor=Seen(behind.offset, version).cursor())

    return event_log, arriving_events


def _of_lists(home: Home) -> Iterator[dg.RunRequest]:
    """The run that brings in the served lists that are sealed, if there are any."""
    folder = home.settings.home / SERVED_FOLDER
    if segments(folder):
        behind = ingestion.lag(folder, home.opened().lake.store, LISTS)
        run = ingestion_of(application(folder), behind, datetime.now())
        if run is not None:
            yield run


def _behind(home: Home, folder: Path) -> Lag:
    return lag(folder, home.opened().lake.store)
