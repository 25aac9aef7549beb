"""Three weeks of a live shop under Dagster's daemon, its clock moved by hand; prints JSON.

A script, not a test: partitions are made at import, and those of the tests' own process have an
end. `test_three_weeks.py` runs it in an empty folder and checks what it prints (see `report`).

Files arrive in the folder of the shop: a day after others, late rows, a day again as it was, a day
again and corrected, a day never. The sensor, the schedule and the conditions are asked as the
daemon asks them, and what they request is executed, each run with resources of its own.
"""

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

START = date(2025, 1, 6)
DAYS = 21
OUT_OF_ORDER, COMES = date(2025, 1, 9), date(2025, 1, 12)
MISSING = date(2025, 1, 15)
LATE_ROWS, LATE_ROWS_COME = date(2025, 1, 8), date(2025, 1, 21)
THE_SAME, THE_SAME_COMES = date(2025, 1, 14), date(2025, 1, 17)
CORRECTED, CORRECTED_COMES = date(2025, 1, 16), date(2025, 1, 19)
WEEKLY_TABLES = ("segmentation/customer_features", "models/popularity_model")
"""Two weekly tables, one of which reads the catalogue: all have the same conditions."""
SHOP = """\
[events]
file = "events*.csv"
user_id = "visitor"
product_id = "sku"
event_type = "action"
timestamp = "time"
unit_price = "price"

[events.constants]
consent = true

[products]
file = "products.csv"
product_id = "sku"
name = "title"
category = "category"
price = "price"
"""
HOME = """\
[source]
name = "files"
start = 2025-01-06

[source.options]
path = "{folder}/shop"
mapping = "{folder}/shop.toml"
"""
PEOPLE, PRODUCTS, ROWS = 40, 25, 90


def rows(day: date, number: int = ROWS, seed: str = "") -> str:
    """So many events of a day, as the shop exports them."""
    chance = random.Random(f"{day}{seed}")
    lines = ["visitor,sku,action,time,price"]
    for _ in range(number):
        person, second = chance.randrange(PEOPLE), chance.randrange(86_400)
        product = (person * 3 + chance.randrange(8)) % PRODUCTS
        kind = chance.choices(["view", "add_to_cart", "purchase"], [5, 2, 2])[0]
        at = datetime.combine(day, time(), UTC) + timedelta(seconds=second)
        lines.append(f"c{person},p{product},{kind},{at:%Y-%m-%dT%H:%M:%SZ},{5 + product}.5")
    return "\n".join(lines) + "\n"


def deliver(shop: Path, today: date) -> None:
    """Put the files of the morning of `today` into the folder of the shop."""
    eve = today - timedelta(days=1)
    new = {eve} - {OUT_OF_ORDER, MISSING} | ({OUT_OF_ORDER} if today == COMES else set())
    for day in new:
        (shop / f"events-{day}.csv").write_text(rows(day), encoding="utf-8")
    if today == LATE_ROWS_COME:
        late = rows(LATE_ROWS, 12, seed="late")
        (shop / f"events-{LATE_ROWS}-late.csv").write_text(late, encoding="utf-8")
    if today == THE_SAME_COMES:
        (shop / f"events-{THE_SAME}.csv").write_text(rows(THE_SAME), encoding="utf-8")
        os.utime(shop / f"events-{THE_SAME}.csv", ns=(1, 1))
    if today == CORRECTED_COMES:
        corrected = rows(CORRECTED, ROWS - 20, seed="corrected")
        (shop / f"events-{CORRECTED}.csv").write_text(corrected, encoding="utf-8")


def prepare(folder: Path) -> None:
    """A live home over the folder of a shop that has delivered no events yet."""
    (folder / "shop").mkdir()
    (folder / "home").mkdir()
    (folder / "shop.toml").write_text(SHOP, encoding="utf-8")
    (folder / "home" / "persona.toml").write_text(HOME.format(folder=folder), encoding="utf-8")
    lines = [f"p{n},Product {n},c{n % 4},{5 + n}.5" for n in range(PRODUCTS)]
    text = "\n".join(["sku,title,category,price", *lines]) + "\n"
    (folder / "shop" / "products.csv").write_text(text, encoding="utf-8")
    os.environ["PERSONA_HOME"] = str(folder / "home")
    os.environ["PERSONA_HASH_KEY"] = "one key for both homes of the test"


FOLDER = Path(sys.argv[1])
prepare(FOLDER)

import dagster as dg  # noqa: E402
from dagster._core.definitions.data_version import CachingStaleStatusResolver  # noqa: E402
from dagster._core.loader import LoadingContextForTest  # noqa: E402
from dagster._core.test_utils import freeze_time  # noqa: E402

from persona_assets import settings  # noqa: E402
from persona_assets.definitions import ASSETS, build_defs  # noqa: E402
from persona_assets.definitions import HOME as OPENED_HOME  # noqa: E402
from persona_assets.lake import DeltaStore  # noqa: E402
from persona_assets.lake.content_hash import render  # noqa: E402
from persona_assets.orchestration.partitions import begun  # noqa: E402
from persona_assets.orchestration.resources import instance as home_instance  # noqa: E402
from persona_assets.orchestration.resources.build import build_resources  # noqa: E402
from persona_assets.settings import Settings  # noqa: E402
from persona_assets.tables import TABLES  # noqa: E402

DAILY = OPENED_HOME.calendar.daily
WEEKLY = OPENED_HOME.calendar.weekly

SPECS = {"/".join(spec.key.path): spec for asset in ASSETS for spec in asset.specs}
RAW = [path for path in SPECS if path.startswith("raw/")]
FOLLOWED = [
    path
    for path, spec in SPECS.items()
    if (spec.partitions_def is DAILY and path not in RAW) or path in WEEKLY_TABLES
]
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Made = Counter[tuple[str, str, str]]
"""(path, partition, day on which it was made) → how often."""


class Home:
    """The graph over one home; each run opens the shop anew, as its process would."""

    def __init__(self, current: Settings, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.made: Made = Counter()
        self._settings = current
        self._resources = build_resources(current)
        self.defs = build_defs(resources=self._resources)
        self.graph = self.defs.resolve_asset_graph()

    def run(
        self, job: str, tags: dict[str, str], paths: Sequence[str] | None, key: str | None = None
    ) -> None:
        shop = self._resources["shop"]
        vars(shop).clear()
        type(shop).__init__(shop, self._settings)  # type: ignore[misc]
        result = self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=key,
            tags=tags,
            run_config=QUIET,
            asset_selection=[dg.AssetKey(path.split("/")) for path in paths] if paths else None,
            raise_on_error=False,
        )
        if not result.success:
            steps = [each for each in result.all_events if each.is_step_failure]
            sys.exit("\n".join(each.step_failure_data.error_display_string for each in steps))
        today = f"{datetime.fromtimestamp(CLOCK.now.timestamp(), UTC):%Y-%m-%d}"
        for event in result.get_asset_materialization_events():
            where = event.materialization
            self.made["/".join(where.asset_key.path), where.partition or "", today] += 1

    @property
    def hashes(self) -> dict[str, dict[str, str]]:
        store: DeltaStore = self._resources["lake"].store  # type: ignore[attr-defined]
        return {
            path: {key: render(*digest) for key, digest in store.digests(table).items()}
            for path, table in TABLES.items()
            if store.exists(table)
        }


class Clock:
    """The clock of Dagster."""

    now = datetime.combine(START, time(), UTC)

    @contextmanager
    def at(self, day: date, hour: int, minute: int) -> Iterator[datetime]:
        """Within it, it is then."""
        self.now = datetime.combine(day, time(hour, minute), UTC)
        with freeze_time(self.now):
            yield self.now


CLOCK = Clock()


class Daemon:
    """What Dagster's daemon does with a home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.sensor_cursor: str | None = None
        self.skipped: Counter[str] = Counter()
        self._cursor: Any = None

    def day(self, today: date) -> None:
        """A morning: files arrive, the sensor looks, the schedule ticks, conditions hold."""
        for minute in (5, 6):  # files are taken for whole at the second look
            with CLOCK.at(today, 1, minute):
                self._look()
        self._until_rest(today, 1, 10)
        with CLOCK.at(today, 2, 15):
            ran = self._schedule()
        if ran:
            self._until_rest(today, 2, 16)
        if today.weekday() == 0:
            for hour in (4, 5):
                self._until_rest(today, hour, 1)

    def _look(self) -> None:
        sensor = self.home.defs.resolve_sensor_def("arriving_files")
        with dg.build_sensor_context(
            instance=self.home.instance, cursor=self.sensor_cursor, definitions=self.home.defs
        ) as context:
            result = sensor(context)
        self.sensor_cursor = result.cursor
        for request in result.run_requests or ():
            selection = request.asset_selection
            paths = ["/".join(key.path) for key in selection] if selection else None
            self.home.run("ingestion", dict(request.tags), paths)

    def _schedule(self) -> bool:
        tick = self.home.defs.resolve_schedule_def("daily_ingestion").evaluate_tick(
            dg.build_schedule_context(
                instance=self.home.instance,
                scheduled_execution_time=CLOCK.now,
                repository_def=self.home.defs.get_repository_def(),
            )
        )
        for request in tick.run_requests or ():
            self.home.run("ingestion", dict(request.tags), None, request.partition_key)
        if tick.skip_message:
            self.skipped[tick.skip_message] += 1
        return bool(tick.run_requests)

    def _until_rest(self, today: date, hour: int, minute: int) -> None:
        for more in range(12):
            with CLOCK.at(today, hour, minute + more):
                if not self._evaluate():
                    return
        sys.exit(f"the conditions never come to rest on {today}")

    def _evaluate(self) -> int:
        result = dg.evaluate_automation_conditions(
            self.home.defs,
            self.home.instance,
            evaluation_time=CLOCK.now,
            cursor=self._cursor,
            asset_selection=dg.AssetSelection.assets(*(path.split("/") for path in FOLLOWED)),
        )
        self._cursor = result.cursor
        together: dict[tuple[str, str, str], list[str]] = {}
        for path in FOLLOWED:
            key = SPECS[path].key
            if not result.get_num_requested(key):
                continue
            keys = sorted(result.get_requested_partitions(key))
            for first, last in ranges(keys, 7 if path in WEEKLY_TABLES else 1):
                job = "weekly_training" if path in WEEKLY_TABLES else "daily_tables"
                together.setdefault((job, first, last), []).append(path)
        for (job, first, last), paths in sorted(together.items()):
            self.home.run(job, {RANGE_START: first, RANGE_END: last}, paths)
        return len(together)


def ranges(keys: Sequence[str], days: int) -> list[tuple[str, str]]:
    """Partition keys without gaps as one range, as a backfill runs them."""
    found: list[tuple[str, str]] = []
    for key in keys:
        before = (date.fromisoformat(key) - timedelta(days=days)).isoformat()
        if found and found[-1][1] == before:
            found[-1] = (found[-1][0], key)
        else:
            found.append((key, key))
    return found


def whole(at: Settings) -> dict[str, dict[str, str]]:
    """Tables of one run over everything that lies in the shop's folder at the end."""
    with dg.DagsterInstance.ephemeral() as instance:
        home = Home(at, instance)
        for kind, job, paths in (
            (DAILY, "daily_tables", None),
            (WEEKLY, "weekly_training", WEEKLY_TABLES),
        ):
            keys = begun(kind)
            home.run(job, {RANGE_START: keys[0], RANGE_END: keys[-1]}, paths)
        return home.hashes


def state(home: Home) -> dict[str, Any]:
    """What the UI shows of every asset and check."""
    found: dict[str, Any] = {"missing": {}, "stale": {}, "checks": []}
    resolver = CachingStaleStatusResolver(
        home.instance, home.graph, LoadingContextForTest(home.instance)
    )
    for path in [*RAW, *FOLLOWED]:
        spec = SPECS[path]
        partitions = spec.partitions_def
        keys = begun(partitions) if partitions else []
        there = home.instance.get_materialized_partitions(spec.key)
        lacking = sorted(set(keys) - set(there)) if partitions else []
        if not partitions and home.instance.get_latest_materialization_event(spec.key) is None:
            lacking = [""]
        if lacking:
            found["missing"][path] = lacking
        stale = [
            key for key in keys or [None] if resolver.get_status(spec.key, key).name != "FRESH"
        ]
        if stale:
            found["stale"][path] = [
                (key, [str(each) for each in resolver.get_stale_causes(spec.key, key)][:2])
                for key in stale
            ]
    for check in sorted(home.graph.asset_check_keys):
        if "/".join(check.asset_key.path) not in (*RAW, *FOLLOWED):
            continue
        history = home.instance.event_log_storage.get_asset_check_execution_history(check, 1000)
        if home.graph.get_check_spec(check).partitions_def is None:
            # Dagster plans it for each partition of a run; what the UI shows is the newest record.
            history = [each for each in history if each.partition is None][:1]
        newest = {each.partition or "": each for each in reversed(history)}
        for partition, each in newest.items():
            found["checks"].append(
                ("/".join(check.asset_key.path), check.name, partition, each.status.value)
            )
    return found


def report() -> dict[str, Any]:
    """How often each partition was made on each day, all tables' hashes, and the UI's state."""
    current = settings.load()
    home_instance.prepare(current.home)
    with dg.DagsterInstance.get() as instance:
        home = Home(current, instance)
        daemon = Daemon(home)
        for number in range(1, DAYS + 1):
            today = START + timedelta(days=number)
            deliver(FOLDER / "shop", today)
            daemon.day(today)
        with CLOCK.at(today, 6, 0):
            return {
                "made": [[*each, times] for each, times in sorted(home.made.items())],
                "skipped": daemon.skipped,
                "tables": home.hashes,
                "state": state(home),
                "whole": whole(replace(current, home=FOLDER / "whole")),
            }


if __name__ == "__main__":
    json.dump(report(), sys.stdout)
