"""Promise 2: a range, its days one by one in any order, and parallel runs give the same tables."""

import functools
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persona_assets import settings as settings_module
from persona_assets.lake.commit import PREFIX
from persona_assets.orchestration import daily
from persona_assets.orchestration.checks import partitioned
from persona_assets.tables import TABLES

DAYS = [f"2025-01-{day:02d}" for day in range(1, 5)]
DAILY_GROUPS = ("raw", "mart", "exploration", "features", "feature_store")
CUTOFFS = ["2025-01-13", "2025-01-20", "2025-01-27"]
TRAINED = ("features", "feature_store", "segmentation", "models", "recommendations")
# A trailing window is blocked before all its days are there, so what looks back comes second.
FIRST = [
    "raw/users", "raw/products", "raw/user_history", "raw/product_history",
    "raw/merchandising_rules", "raw/events", "raw/orders", "raw/search_logs",
    "mart/user_item_interactions", "mart/quarantine", "mart/sessions",
    "exploration/daily_activity", "exploration/hourly_activity",
    "features/user_daily", "features/item_daily",
]  # fmt: skip
LOOKING_BACK = [
    "features/temporal_features", "feature_store/user_features", "feature_store/item_features",
]  # fmt: skip

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def days_in_one_run(open_shared_graph: Open) -> dict[str, dict[str, str]]:
    graph = open_shared_graph("range")
    graph.run("daily_tables", DAYS[0], DAYS[-1])
    return graph.hashes(*DAILY_GROUPS)


def test_range_covers_every_day_of_every_daily_table(
    days_in_one_run: dict[str, dict[str, str]],
) -> None:
    assert set(days_in_one_run) == {*FIRST, *LOOKING_BACK}
    assert set(days_in_one_run["mart/user_item_interactions"]) == set(DAYS)
    assert set(days_in_one_run["feature_store/user_features"]) == set(DAYS)


def test_range_in_batches_equals_the_range_at_once(
    open_graph: Open, days_in_one_run: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces are what keeps the memory of a long range to that of some days."""
    monkeypatch.setattr(daily, "ROWS_AT_A_TIME", 100)
    small = functools.partial(partitioned.day_batches, limit=100)
    monkeypatch.setattr(partitioned, "day_batches", small)
    graph = open_graph()
    result = graph.run("daily_tables", DAYS[0], DAYS[-1])
    assert graph.hashes(*DAILY_GROUPS) == days_in_one_run
    for path in ("raw/events", "mart/quarantine", "feature_store/user_features"):
        commits = graph.store.history(TABLES[path])
        asked = [json.loads(each[f"{PREFIX}partitions"]) for each in commits if _made(each)]
        assert sorted(asked) == [[day] for day in DAYS], path
    checked = {each.partition for each in result.get_asset_check_evaluations()}
    assert checked >= set(DAYS)


def _made(commit: dict[str, Any]) -> bool:
    return f"{PREFIX}partitions" in commit


def test_days_in_shuffled_order_equal_the_range(
    open_graph: Open, days_in_one_run: dict[str, dict[str, str]]
) -> None:
    graph = open_graph()
    order = random.Random(3)
    for assets in (FIRST, LOOKING_BACK):
        for day in order.sample(DAYS, len(DAYS)):
            graph.run("daily_tables", day, assets=assets)
    assert graph.hashes(*DAILY_GROUPS) == days_in_one_run


def test_running_days_again_changes_nothing(
    open_graph: Open, days_in_one_run: dict[str, dict[str, str]]
) -> None:
    graph = open_graph()
    graph.run("daily_tables", DAYS[0], DAYS[-1])
    graph.run("daily_tables", DAYS[1], DAYS[3])
    graph.run("daily_tables", DAYS[2])
    assert graph.hashes(*DAILY_GROUPS) == days_in_one_run


ONE_RUN = """
import sys
import dagster as dg
from persona_assets.definitions import defs
first, last, *assets = sys.argv[1:]
result = defs.resolve_job_def("daily_tables").execute_in_process(
    instance=dg.DagsterInstance.get(),
    tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
    asset_selection=[dg.AssetKey(path.split("/")) for path in assets],
)
"""


def test_parallel_processes_on_disjoint_ranges_equal_the_range(
    tmp_path: Path, open_graph_of_home: Open, days_in_one_run: dict[str, dict[str, str]]
) -> None:
    """Two processes make the same tables at once, though at first there are none."""
    shutil.copy(settings_module.load().home / "persona.toml", tmp_path)
    with open_graph_of_home(tmp_path) as graph:
        started = [
            subprocess.Popen(
                [sys.executable, "-c", ONE_RUN, first, last, *FIRST],
                env=os.environ
                | {
                    "PERSONA_HOME": str(tmp_path),
                    "DAGSTER_HOME": str(tmp_path / "dagster"),
                    "PYTHONPATH": str(Path(__file__).parents[2]),
                },
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for first, last in ((DAYS[0], DAYS[1]), (DAYS[2], DAYS[3]))
        ]
        for process in started:
            _, errors = process.communicate(timeout=1_200)
            assert process.returncode == 0, errors[-3000:]
        graph.run("daily_tables", DAYS[0], DAYS[-1], assets=LOOKING_BACK)
        assert graph.hashes(*DAILY_GROUPS) == days_in_one_run


def test_cutoffs_one_by_one_and_backwards_equal_the_range(
    open_graph: Open, whole: Any, copy_tables: Open
) -> None:
    graph = open_graph()
    copy_tables(whole.store, graph, *FIRST, *LOOKING_BACK)
    for cutoff in reversed(CUTOFFS):
        graph.run("weekly_training", cutoff)
    assert graph.hashes(*TRAINED) == {
        path: found
        for path, found in whole.hashes.items()
        if path.partition("/")[0] in TRAINED and TABLES[path].partition
    }
