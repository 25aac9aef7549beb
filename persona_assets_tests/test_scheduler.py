"""A month under the scheduler: days out of order, late rows, a day that never comes.

The clock is moved by hand, conditions are evaluated as the daemon does it, and what they request is
run. At the end tables hold what one run over everything makes, and Dagster's record is true.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets import settings as settings_module
from persona_assets.definitions import ASSETS
from persona_assets.partitions import DAILY
from persona_assets.sources.synthetic import SyntheticShop

FIRST = date(2025, 1, 1)
MISSING = date(2025, 1, 12)
OUT_OF_ORDER = date(2025, 1, 5)  # comes after the day that follows it
WITH_LATE_ROWS = date(2025, 1, 3)
LATE_ROWS_COME = date(2025, 1, 21)
DAYS = 27
WEEKLY = ("segmentation/customer_features", "models/popularity_model")
SPECS = {"/".join(spec.key.path): spec for asset in ASSETS for spec in asset.specs}
FOLLOWED = [
    path
    for path, spec in SPECS.items()
    if (spec.partitions_def is DAILY and not path.startswith("raw/")) or path in WEEKLY
]
RAW = [path for path in SPECS if path.startswith("raw/")]


@dataclass
class Deliveries:
    """The synthetic shop, of which only what has been delivered by `now` can be read."""

    shop: SyntheticShop
    now: date = FIRST

    def __getattr__(self, name: str) -> Any:
        if name == "version":  # rows change although the shop does not
            raise AttributeError(name)
        return getattr(self.shop, name)

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        rows = self._delivered("events", days)
        late = (pl.col("event_date") == WITH_LATE_ROWS) & (pl.col("source_row") >= 40)
        return rows if self.now >= LATE_ROWS_COME else rows.filter(~late)

    def orders(self, days: Sequence[date]) -> pl.DataFrame:
        return self._delivered("orders", days)

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        return self._delivered("search_logs", days)

    def _delivered(self, table: str, days: Sequence[date]) -> pl.DataFrame:
        rows: pl.DataFrame = getattr(self.shop, table)(days)
        there = [day for day in days if self.delivered_on(day) <= self.now]
        return rows.filter(pl.col("event_date").is_in(there))

    @staticmethod
    def delivered_on(day: date) -> date:
        if day == MISSING:
            return date.max
        return day + timedelta(days=3 if day == OUT_OF_ORDER else 1)


@dataclass
class Scheduler:
    """Dagster's daemon over one graph."""

    graph: Any
    source: Deliveries
    cursor: Any = None
    computed: Counter[tuple[str, str, date]] = field(default_factory=Counter)

    def day(self, today: date) -> None:
        """What happens on a day: ingestion of the day before, and of days that came again."""
        before = {day for day in DAILY.get_partition_keys() if day < today.isoformat()}
        again = [
            day
            for day in before
            if today == self.source.delivered_on(date.fromisoformat(day))
            or (today == LATE_ROWS_COME and day == WITH_LATE_ROWS.isoformat())
        ]
        self.source.now = today
        for day in sorted({(today - timedelta(days=1)).isoformat(), *again} & before):
            self.graph.run("ingestion", day, day, assets=RAW)
        clock = datetime.combine(today, datetime.min.time(), UTC) + timedelta(hours=6)
        for _ in range(12):
            clock += timedelta(minutes=1)
            if not self.tick(clock):
                return
        raise AssertionError("the conditions never come to rest")

    def tick(self, clock: datetime) -> int:
        """Evaluate the conditions and run what they request; how many partitions that was."""
        result = dg.evaluate_automation_conditions(
            self.graph.defs,
            self.graph.instance,
            evaluation_time=clock,
            cursor=self.cursor,
            asset_selection=dg.AssetSelection.assets(*(path.split("/") for path in FOLLOWED)),
        )
        self.cursor = result.cursor
        together: dict[tuple[str, str, str], list[str]] = {}
        for path in FOLLOWED:
            keys = sorted(result.get_requested_partitions(dg.AssetKey(path.split("/"))))
            self.computed.update((path, key, clock.date()) for key in keys)
            job = "weekly_training" if path in WEEKLY else "daily_tables"
            for first, last in ranges(keys, 7 if path in WEEKLY else 1):
                together.setdefault((job, first, last), []).append(path)
        for (job, first, last), paths in sorted(together.items()):
            self.graph.run(job, first, last, assets=paths)
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


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patched:
        yield patched


@pytest.fixture(scope="module")
def month(
    open_shared_graph: Callable[..., Any], shop: SyntheticShop, patch: pytest.MonkeyPatch
) -> Scheduler:
    source = Deliveries(shop)
    graph = open_shared_graph("scheduled", source=source)
    settings_module.save(graph.settings)
    patch.setenv("PERSONA_HOME", str(graph.settings.home))
    scheduler = Scheduler(graph, source)
    for number in range(1, DAYS + 1):
        scheduler.day(FIRST + timedelta(days=number))
    return scheduler


def test_tables_are_those_of_one_whole_run(
    month: Scheduler, open_shared_graph: Callable[..., Any], shop: SyntheticShop
) -> None:
    source = Deliveries(shop, now=FIRST + timedelta(days=DAYS))
    whole = open_shared_graph("whole", source=source)
    last = (FIRST + timedelta(days=DAYS - 1)).isoformat()
    whole.run("daily_tables", FIRST.isoformat(), last)
    cutoffs = sorted(month.graph.hashes("models")["models/popularity_model"])
    # In a closed calendar a cut-off is there when its week is over.
    assert cutoffs == ["2025-01-13", "2025-01-20"]
    whole.run("weekly_training", cutoffs[0], cutoffs[-1], assets=list(WEEKLY))
    assert month.graph.hashes() == whole.hashes()


def test_nothing_is_computed_twice_for_one_delivery(month: Scheduler) -> None:
    assert not {each: times for each, times in month.computed.items() if times > 1}


def test_late_rows_reach_a_model_on_the_next_monday(month: Scheduler) -> None:
    trained = {on for path, key, on in month.computed if (path, key) == (WEEKLY[1], "2025-01-13")}
    assert trained == {date(2025, 1, 20), date(2025, 1, 27)}


def test_late_rows_reach_everything_that_reads_them(month: Scheduler) -> None:
    then = {(path, key) for path, key, on in month.computed if on == LATE_ROWS_COME}
    days = [(WITH_LATE_ROWS + timedelta(days=number)).isoformat() for number in range(18)]
    assert {key for path, key in then if path == "mart/sessions"} == {days[0], days[-1]}
    assert {key for path, key in then if path == "feature_store/user_features"} == set(days)
