"""The small shop that the tests of the graph run on, and the fixtures that all tests share.

The definitions that Dagster finds are of the home that PERSONA_HOME names. So it is set here, in
the first conftest, before anything imports the package.
Each process (pytest-xdist starts several) has a home of its own.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

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

from persona_assets import settings as settings_module  # noqa: E402
from persona_assets.errors import UserError  # noqa: E402
from persona_assets.lake import spark_preflight, spark_session  # noqa: E402
from persona_assets.lake.spark_options import SparkOptions  # noqa: E402
from persona_assets.sources.synthetic import SyntheticShop  # noqa: E402
from persona_assets_tests import graph_under_test, persona_process  # noqa: E402
from persona_assets_tests.graph_under_test import (  # noqa: E402
    CopyTables,
    EvaluationsOf,
    OpenGraph,
    OpenGraphOfHome,
    Whole,
)
from persona_assets_tests.killed_runs import Survivor, survivor_in  # noqa: E402
from persona_assets_tests.persona_process import StartPersona  # noqa: E402
from persona_assets_tests.shop_with_more_rows import ShopWithMoreRows  # noqa: E402

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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
def spark(java: None, spark_options: SparkOptions) -> "Iterator[SparkSession]":
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


@pytest.fixture(scope="session")
def shop() -> SyntheticShop:
    """The shop that the home's settings describe."""
    source = settings_module.load().source
    return SyntheticShop(source.start, source.end, **source.options)


@pytest.fixture(scope="session")
def shop_with_more_rows() -> type[ShopWithMoreRows]:
    """shop_with_more_rows(shop, events[, search_logs]) → a source that delivers these too."""
    return ShopWithMoreRows


@pytest.fixture
def open_graph(tmp_path: Path) -> Iterator[OpenGraph]:
    """open_graph("name"[, source][, settings by name]) → the graph over a folder of its own."""
    with ExitStack() as opened:
        yield graph_under_test.opener(lambda name: tmp_path / name, opened)


@pytest.fixture(scope="session")
def open_shared_graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGraph]:
    """Like `open_graph`, for what several tests only look at."""
    with ExitStack() as opened:
        yield graph_under_test.opener(tmp_path_factory.mktemp, opened)


@pytest.fixture(scope="session")
def open_graph_of_home() -> OpenGraphOfHome:
    """open_graph_of_home(folder) → context of the graph of a home as `persona run` has it."""
    return graph_under_test.open_graph_of_home


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The whole graph of the small shop, materialized once."""
    return graph_under_test.materialized(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def copy_tables() -> CopyTables:
    """copy_tables(store, graph, *paths[, days=…]): give `graph` tables as if it had made them."""
    return graph_under_test.copy_tables


@pytest.fixture(scope="session")
def evaluations_of() -> EvaluationsOf:
    """evaluations_of(result, path) → the table's check results by check name and partition key."""
    return graph_under_test.evaluations


@pytest.fixture(scope="session")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Survivor:
    """`persona run`, killed once in each stage at seeded moments, then run to its end."""
    return survivor_in(tmp_path_factory.mktemp("survivor") / "home")


@pytest.fixture(scope="session")
def start_persona() -> StartPersona:
    """start_persona(home, *arguments[, VARIABLE=value]) → the running command."""
    return persona_process.start
