"""What ingests raw days: a schedule for the day before, a sensor for files of whatever day.

Belongs here: noticing files, waiting until they are whole, and asking for the raw days that they
change. Does not belong here: what is due (`runs/due.py`), which job or hour
(`automation.py`).

The schedule asks once a day for the day before. A file that comes later, or that brings late rows
for old days, would wait for a `persona run`; the sensor finds the days by what they hold. Nothing
is ingested by both: what the sensor has ingested the schedule leaves alone, and asks for a day of
which no file has come, so that it is noticed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from persona_assets.orchestration.dagster_internals.graph import AssetJob
from persona_assets.orchestration.home import Home
from persona_assets.orchestration.jobs import JOBS
from persona_assets.orchestration.partitions import begun
from persona_assets.orchestration.runs.due import Due, Present, Reason, due
from persona_assets.orchestration.runs.lineage import Node, nodes
from persona_assets.orchestration.runs.present import asking
from persona_assets.settings import Settings
from persona_assets.sources import declared
from persona_assets.sources.declaration import Kind

SECONDS = 60
"""Between two looks; files are taken for whole if they are the same at two of them."""
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_ARRIVED = frozenset({Reason.MISSING, Reason.LOST, Reason.DELIVERED})


@dataclass(frozen=True)
class Seen:
    """What the sensor remembers: the files at its last look, and those it has asked for."""

    looked_at: str = ""
    ingested: str = ""

    @classmethod
    def of(cls, cursor: str | None) -> "Seen":
        """The memory that a cursor holds."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def cursor(self) -> str:
        """The memory as a cursor."""
        return json.dumps(asdict(self))


def files_digest(*paths: Path) -> str:
    """Digest of names, sizes and times of change of all files of a shop."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file():
                state = file.stat()
                digest.update(
                    f"{file.relative_to(path)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode()
                )
    return digest.hexdigest()


def arrived(graph: Sequence[Node], present: Present) -> dict[str, Mapping[str, Reason]]:
    """The partitions of raw tables that are new or were delivered again."""
    found = due([node for node in graph if node.is_raw], present)
    return {
        path: wanted
        for path, reasons in found.items()
        if (wanted := {key: reason for key, reason in reasons.items() if reason in _ARRIVED})
    }


def ranges(days: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Days as ranges without gaps, each of its first and its last day."""
    first = last = ""
    for day in sorted(days):
        if last and date.fromisoformat(day) - date.fromisoformat(last) == timedelta(days=1):
            last = day
            continue
        if last:
            yield first, last
        first = last = day
    if last:
        yield first, last


def requests(found: Due, digest: str) -> list[dg.RunRequest]:
    """A run per range of days, of the tables that change in it; tables without days in the first.

    Args:
        found: what has arrived; see `arrived`.
        digest: of the files that it lies in.
    """
    days = {key for reasons in found.values() for key in reasons if key}
    without = [path for path, reasons in found.items() if "" in reasons]
    asked: list[dg.RunRequest] = []
    for first, last in ranges(sorted(days)):
        changed = [
            path for path, reasons in found.items() if any(first <= key <= last for key in reasons)
        ]
        asked.append(
            dg.RunRequest(
                run_key=f"{digest}-{first}-{last}",
                tags={RANGE_START: first, RANGE_END: last},
                asset_selection=_keys([*changed, *([] if asked else without)]),
            )
        )
    if without and not days:
        asked = [dg.RunRequest(run_key=digest, asset_selection=_keys(without))]
    return asked


def _keys(paths: Sequence[str]) -> list[dg.AssetKey]:
    return [dg.AssetKey(path.split("/")) for path in paths]


def look(cursor: str | None, digest: str) -> tuple[Seen, str]:
    """The sensor's new memory, and why there is nothing to ask for yet; empty: there is."""
    seen = Seen.of(cursor)
    if digest == seen.ingested:
        return Seen(digest, digest), "no file has arrived or changed"
    if digest != seen.looked_at:
        return Seen(digest, seen.ingested), "files have arrived; waiting until they are whole"
    return Seen(digest, digest), ""


def sensor(home: Home, ingestion: AssetJob) -> dg.SensorDefinition:
    """The sensor `arriving_files` over the job that ingests raw tables."""

    @dg.sensor(
        name="arriving_files",
        job=ingestion,
        minimum_interval_seconds=SECONDS,
        description="Ingests the days of files that have arrived or changed, however old they are.",
    )
    def arriving_files(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Ask for the raw days that the files at hand change."""
        settings = home.settings
        folders = _delivered_into(settings)
        if not folders:
            return dg.SensorResult(
                skip_reason="the shop is not one of files with an open calendar (`--live`)"
            )
        digest = files_digest(*folders)
        seen, wait = look(context.cursor, digest)
        if wait:
            return dg.SensorResult(skip_reason=wait, cursor=seen.cursor())
        return dg.SensorResult(
            run_requests=requests(arrived_at_home(home, context), digest), cursor=seen.cursor()
        )

    return arriving_files


def schedule(home: Home, ingestion: AssetJob, *, name: str, cron: str) -> dg.ScheduleDefinition:
    """The schedule that asks `ingestion` for the day before each tick of `cron` (UTC)."""

    @dg.schedule(
        job=ingestion,
        name=name,
        cron_schedule=cron,
        description="Ingests the day before, unless that was done when its files arrived.",
    )
    def ingest(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Ask for the newest day, if it is not ingested as it is."""
        days = begun(home.calendar.daily, context.scheduled_execution_time)
        if not days:
            return dg.SkipReason("the calendar has no day yet")
        day = days[-1]
        if _delivered_into(home.settings):
            found = arrived_at_home(home, context)
            if not any(day in reasons for reasons in found.values()):
                return dg.SkipReason(f"{day} is ingested, and its files are as they were")
        return dg.RunRequest(partition_key=day)

    return ingest


def _delivered_into(settings: Settings) -> list[Path]:
    """Where the files of a shop with an open calendar arrive; nowhere for any other shop."""
    source = settings.source
    if source.end is not None:
        return []
    return declared(source.name).paths(source.options, Kind.DELIVERY)


def arrived_at_home(
    home: Home, context: dg.SensorEvaluationContext | dg.ScheduleEvaluationContext
) -> Due:
    """The partitions of raw tables that have arrived in `home`."""
    assert home.definitions is not None  # noqa: S101 - set when the graph was built
    jobs = {job.name: job.selection for job in JOBS}
    all_nodes = nodes(home.definitions.resolve_asset_graph(), jobs, None)
    graph = [node for node in all_nodes if node.is_raw]
    opened = home.opened_anew()
    found = arrived(graph, asking(graph, opened.lake, opened.shop)())
    context.log.info(f"{sum(map(len, found.values()))} partitions of raw tables have arrived")
    return found
