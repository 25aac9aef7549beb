"""The small shop that the tests of the graph run on, and ways to run the graph over other folders.

The definitions that Dagster finds are of the home that PERSONA_HOME names. So it is set here, in
the first conftest, before anything imports the package.
Each process (pytest-xdist starts several) has a home of its own.
"""

import atexit
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A busy machine must decide no test: no example has a deadline, and slow drawing is no failure.
hypothesis.settings.register_profile(
    "without deadlines",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("without deadlines")

# A developer's own settings must decide no test.
for name in [name for name in os.environ if name.startswith(("PERSONA_", "DAGSTER_"))]:
    del os.environ[name]

HOME = Path(tempfile.mkdtemp(prefix="persona-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
(HOME / "persona.toml").write_text(
    """\
[source]
name = "synthetic"
start = 2025-01-01
end = 2025-01-29

[source.options]
users = 150
products = 80
seed = 7
""",
    encoding="utf-8",
)
os.environ["PERSONA_HOME"] = str(HOME)

import dagster as dg  # noqa: E402
import polars as pl  # noqa: E402

from persona_assets import settings as settings_module  # noqa: E402
from persona_assets.definitions import build_defs  # noqa: E402
from persona_assets.errors import UserError  # noqa: E402
from persona_assets.lake import DeltaStore, spark_preflight, spark_session  # noqa: E402
from persona_assets.lake.content_hash import render  # noqa: E402
from persona_assets.lake.spark_options import SparkOptions  # noqa: E402
from persona_assets.orchestration.partitions import Calendar  # noqa: E402
from persona_assets.orchestration.resources import instance as instance_module  # noqa: E402
from persona_assets.orchestration.resources.build import build_resources, resources_of  # noqa: E402
from persona_assets.orchestration.resources.source import ShopResource  # noqa: E402
from persona_assets.orchestration.runs.execute import execute  # noqa: E402
from persona_assets.orchestration.runs.plan import plan  # noqa: E402
from persona_assets.run_record import RunRecord  # noqa: E402
from persona_assets.settings import Settings  # noqa: E402
from persona_assets.sources.protocol import Source  # noqa: E402
from persona_assets.sources.synthetic import SyntheticShop  # noqa: E402
from persona_assets.tables import TABLES  # noqa: E402

SPARK_CONF = {
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Hundreds of small queries: compiling them thoroughly takes longer than running them.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
"""Options of Spark that suit small data on two cores."""
SPARK_LOG = HOME / "spark.log"
LONGEST = (
    "cluster/test_cluster.py",
    "lake/test_s3_lake.py",
    "transforms/test_engine_parity.py",
    "graph/test_determinism.py",
    "graph/test_killed_runs.py",
    "test_three_weeks.py",
    "cli/test_second_day.py",
)
"""Files that take minutes, the longest first: begun last, one worker would wait for the other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; pytest-xdist hands files out in this order."""
    places = {str(Path(__file__).parent / name): place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), len(LONGEST)))


@pytest.fixture(scope="session")
def java() -> None:
    """Skips the test where Spark cannot run for want of Java; in CI it fails."""
    try:
        spark_preflight.java()
    except UserError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(f"{error}; `make java` enables this test on Debian and Ubuntu")


@pytest.fixture(scope="session")
def spark_options() -> SparkOptions:
    """What the Spark session of the tests is started with."""
    return SparkOptions(log=SPARK_LOG, master="local[2]", conf=SPARK_CONF)


@pytest.fixture(scope="session")
def spark(java: None, spark_options: SparkOptions) -> Iterator[Any]:
    """The Spark session of this process: one for all of its tests."""
    session = spark_session.start(spark_options)
    session.sparkContext.setLogLevel("OFF")
    yield session
    spark_session.stop()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="Write golden files anew instead of comparing with them.",
    )


_FIRST = "dagster/asset_partition_range_start"
_LAST = "dagster/asset_partition_range_end"
RUN_CONFIG = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

Hashes = dict[str, dict[str, str]]


def hashes_of(store: DeltaStore, groups: Sequence[str] = ()) -> Hashes:
    """Table path → partition key → content hash; of all groups where none is named."""
    return {
        path: {key: render(rows, total) for key, (rows, total) in store.digests(table).items()}
        for path, table in TABLES.items()
        if (not groups or table.group in groups) and store.exists(table)
    }


class ShopWithMoreRows:
    """A shop that delivers more than `shop` does: rows of raw tables, filed where they say.

    The rows need no `source_row`; they follow those that the day has anyway.
    """

    def __init__(
        self, shop: Source, events: pl.DataFrame, search_logs: pl.DataFrame | None = None
    ) -> None:
        self._shop = shop
        self._more = {"events": events, "search_logs": search_logs}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        return self._with_more("events", self._shop.events(days), days)

    def search_logs(self, days: Sequence[date]) -> pl.DataFrame:
        return self._with_more("search_logs", self._shop.search_logs(days), days)

    def _with_more(self, table: str, own: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
        more = self._more[table]
        if more is None:
            return own
        names = [name for name in own.columns if name != "source_row"]
        asked = more.filter(pl.col("event_date").is_in(list(days))).select(names)
        asked = asked.cast({name: own.schema[name] for name in names})
        position = pl.int_range(pl.len(), dtype=pl.Int64).over("event_date")
        return (
            pl.concat([own.select(names), asked])
            .sort("event_date", maintain_order=True)
            .with_columns(source_row=position)
            .select(own.columns)
        )


@pytest.fixture(scope="session")
def shop_with_more_rows() -> type[ShopWithMoreRows]:
    """shop_with_more_rows(shop, events[, search_logs]) → a source that delivers these too."""
    return ShopWithMoreRows


@dataclass(frozen=True)
class Graph:
    """The graph over the lake of one folder, with an instance that records its runs."""

    settings: Settings
    defs: dg.Definitions
    instance: dg.DagsterInstance

    @property
    def store(self) -> DeltaStore:
        store: DeltaStore = resources_of(self.defs)["lake"].store
        return store

    def run(
        self,
        job: str,
        first: str | None = None,
        last: str | None = None,
        *,
        assets: Sequence[str] | None = None,
        must_succeed: bool = True,
    ) -> dg.ExecuteInProcessResult:
        """Run `job` for the partitions `first` to `last` (None: just `first`)."""
        tags = {}
        if last is not None:
            tags = {_FIRST: str(first), _LAST: last}
        result = self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=first if last is None else None,
            tags=tags,
            run_config=RUN_CONFIG,
            asset_selection=[dg.AssetKey(path.split("/")) for path in assets] if assets else None,
            raise_on_error=False,
        )
        assert result.success or not must_succeed, failures(result)
        return result

    def check(
        self, path: str, first: str | None = None, last: str | None = None
    ) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
        """Run only the checks of a table; evaluations by check name and partition key."""
        key = dg.AssetKey(path.split("/"))
        selection = dg.AssetSelection.checks_for_assets(key)
        tags = {_FIRST: str(first), _LAST: last or str(first)} if first else {}
        result = (
            dg.Definitions(
                assets=self.defs.assets,
                asset_checks=self.defs.asset_checks,
                jobs=[dg.define_asset_job("only_checks", selection=selection)],
                resources=self.defs.resources,
                executor=dg.in_process_executor,
            )
            .resolve_job_def("only_checks")
            .execute_in_process(
                instance=self.instance, tags=tags, run_config=RUN_CONFIG, raise_on_error=False
            )
        )
        found = evaluations(result, path)
        assert found, failures(result)
        return found

    def hashes(self, *groups: str) -> Hashes:
        return hashes_of(self.store, groups)


def evaluations(
    result: dg.ExecuteInProcessResult, path: str
) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    """The check results of one table in a run, by check name and partition key."""
    return {
        (each.check_name, each.partition or ""): each
        for each in result.get_asset_check_evaluations()
        if "/".join(each.asset_key.path) == path
    }


def failures(result: dg.ExecuteInProcessResult) -> str:
    """What went wrong in a run, in words."""
    steps = [event for event in result.all_events if event.is_step_failure]
    checks = [each for each in result.get_asset_check_evaluations() if not each.passed]
    return "\n".join(
        [str(event.step_failure_data.error_display_string) for event in steps]
        + [f"{each.asset_key} {each.check_name} {each.description}" for each in checks]
    )


@contextmanager
def open_graph_at(folder: Path, source: Source | None = None, **changes: Any) -> Iterator[Graph]:
    settings = replace(settings_module.load(), home=folder, **changes)
    resources = build_resources(settings) | {"shop": ShopResource(settings, source)}
    with dg.DagsterInstance.ephemeral() as instance:
        yield Graph(settings, build_defs(settings, resources=resources), instance)


@pytest.fixture(scope="session")
def shop() -> SyntheticShop:
    """The shop that the home's settings describe."""
    source = settings_module.load().source
    return SyntheticShop(source.start, source.end, **source.options)


@pytest.fixture
def open_graph(tmp_path: Path) -> Iterator[Callable[..., Graph]]:
    """open_graph("name"[, source][, settings by name]) → the graph over a folder of its own."""
    opened: list[Any] = []

    def open_(name: str = "home", source: Source | None = None, **changes: Any) -> Graph:
        context = open_graph_at(tmp_path / name, source, **changes)
        opened.append(context)
        return context.__enter__()

    yield open_
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def open_shared_graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Graph]]:
    """Like `open_graph`, for what several tests only look at."""
    opened: list[Any] = []

    def open_(name: str, source: Source | None = None, **changes: Any) -> Graph:
        context = open_graph_at(tmp_path_factory.mktemp(name), source, **changes)
        opened.append(context)
        return context.__enter__()

    yield open_
    for context in opened:
        context.__exit__(None, None, None)


@contextmanager
def prepared(home: Path) -> Iterator[None]:
    """Within it, Dagster's instance is the one that `persona run` gives to `home`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"):
            patch.setenv(name, "")  # remembered, so that what `prepare` sets is taken back
            patch.delenv(name)
        instance_module.prepare(home)
        yield


@pytest.fixture(scope="session")
def open_graph_of_home() -> Callable[[Path], AbstractContextManager[Graph]]:
    """open_graph_of_home(folder) → context of the graph of a home as `persona run` has it."""

    @contextmanager
    def open_(home: Path) -> Iterator[Graph]:
        settings = replace(settings_module.load(), home=home)
        with prepared(home), dg.DagsterInstance.get() as instance:
            yield Graph(
                settings, build_defs(settings, resources=build_resources(settings)), instance
            )

    return open_


@dataclass(frozen=True)
class Whole:
    """A home in which everything was materialized by `execute`. Only to be looked at."""

    settings: Settings
    defs: dg.Definitions
    record: RunRecord
    hashes: Mapping[str, Mapping[str, str]]

    @property
    def store(self) -> DeltaStore:
        store: DeltaStore = resources_of(self.defs)["lake"].store
        return store

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The instance that recorded the runs."""
        with prepared(self.settings.home), dg.DagsterInstance.get() as instance:
            yield instance


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The whole graph of the small shop, materialized once."""
    settings = replace(settings_module.load(), home=tmp_path_factory.mktemp("whole"))
    settings_module.save(settings)
    defs = build_defs(settings, resources=build_resources(settings))
    with prepared(settings.home):
        record = execute(settings, defs, plan(4, Calendar.of_source(settings.source)))
    return Whole(settings, defs, record, hashes_of(resources_of(defs)["lake"].store))


@pytest.fixture(scope="session")
def copy_tables() -> Callable[..., None]:
    """copy_tables(store, graph, *paths[, days=…]): give `graph` tables as if it had made them.

    Without `days`, all partitions of the tables are on its record.
    """

    def copy(
        store: DeltaStore, graph: Graph, *paths: str, days: Sequence[str] | None = None
    ) -> None:
        for path in paths:
            shutil.copytree(store.uri(TABLES[path]), graph.store.uri(TABLES[path]))
            key = dg.AssetKey(path.split("/"))
            partitions = graph.defs.resolve_asset_graph().get(key).partitions_def
            for partition in (days or partitions.get_partition_keys()) if partitions else [None]:
                graph.instance.report_runless_asset_event(
                    dg.AssetMaterialization(key, partition=partition)
                )

    return copy


@pytest.fixture(scope="session")
def evaluations_of() -> Callable[..., Any]:
    """evaluations_of(result, path) → the table's check results by check name and partition key."""
    return evaluations


COMMAND = [sys.executable, "-m", "persona_assets.cli"]
RUN_THE_SHOP = [
    "run", "--source", "synthetic", "--start", "2025-01-01", "--end", "2025-01-29",
    "--users", "150", "--products", "80", "--seed", "7",
]  # fmt: skip
"""Arguments of the `persona` command that describe the shop of the tests."""


def persona_process(home: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """The `persona` command over `home`, as a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=inherited
        | {"PERSONA_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[1])}
        | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Survivor:
    """A home whose first runs were killed, and how the run that was not killed ended."""

    home: Path
    after_kills: Sequence[Hashes]
    exit_code: int
    stdout: str
    stderr: str
    rivals: Mapping[str, tuple[int, str, str]]
    """Command that was given while the run was at work → exit code, output and errors."""

    @property
    def store(self) -> DeltaStore:
        return DeltaStore(str(self.home / "lake"))


# One table of each stage of a run; the kill comes at a random moment after its next commit.
STAGES = (
    ("raw/events", "mart/user_item_interactions", "mart/sessions"),
    ("features/temporal_features", "feature_store/user_features", "features/user_daily"),
    ("features/item_embeddings", "models/als_model", "recommendations/top_k"),
)


def commits(home: Path, path: str) -> int:
    return len(list((home / "lake" / path / "_delta_log").glob("*.json")))


@pytest.fixture(scope="session")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """`persona run`, killed once in each stage at seeded moments, then run to its end."""
    home = tmp_path_factory.mktemp("survivor") / "home"
    chance = random.Random(20250120)
    after_kills = []
    for stage in STAGES:
        table, pause = chance.choice(stage), chance.uniform(0, 0.5)
        before = commits(home, table)
        process = persona_process(home, *RUN_THE_SHOP)
        while commits(home, table) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(pause)
        process.kill()
        # The pipe stays open for as long as anything that the killed process started lives on.
        _, errors = process.communicate(timeout=1_200)
        assert process.returncode == -signal.SIGKILL, f"ended before the kill: {errors}"
        after_kills.append(hashes_of(DeltaStore(str(home / "lake"))))
    at_once = [persona_process(home, *RUN_THE_SHOP) for _ in range(2)]
    wait_for_work(home, at_once)
    rivals = {
        arguments[0]: ended(persona_process(home, *arguments))
        for arguments in (("maintenance",), ("rekey", "--from-raw"), ("restate", "products"))
    }
    # Which of the two began first is chance; the other one has ended long ago.
    (code, output, errors), rivals["run"] = sorted(map(ended, at_once))
    return Survivor(home, after_kills, code, output, errors, rivals)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Exit code, output and errors of a command that is waited for."""
    output, errors = process.communicate(timeout=1_200)
    return process.returncode, output, errors


def wait_for_work(home: Path, processes: Sequence["subprocess.Popen[str]"]) -> None:
    """Until one of them is the one that writes to the home."""
    lock = home / "in_use.lock"
    names = [f"process {process.pid}," for process in processes]
    while not any(name in lock.read_text() for name in names):
        assert any(process.poll() is None for process in processes)
        time.sleep(0.01)


@pytest.fixture(scope="session")
def start_persona() -> Callable[..., "subprocess.Popen[str]"]:
    """start_persona(home, *arguments[, VARIABLE=value]) → the running command."""
    return persona_process
