"""When things run: ingestion by the clock, weekly work once each Monday, the rest by its inputs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets import settings as settings_module
from persona_assets.definitions import ASSETS, defs
from persona_assets.orchestration.jobs import INGESTION, JOBS
from persona_assets.sources.synthetic import SyntheticShop

LIVE = """\
[source]
name = "synthetic"
start = 2025-01-01

[source.options]
users = 150
products = 80
"""
SPECS = {"/".join(spec.key.path): spec for asset in ASSETS for spec in asset.specs}


def weekly(cutoffs: str) -> set[str]:
    return {path for path, spec in SPECS.items() if spec.tags.get("cutoffs") == cutoffs}


def at(cutoff: str, cutoffs: str) -> dict[str, list[str]]:
    """Every weekly table of that kind at one cut-off."""
    return {path: [cutoff] for path in weekly(cutoffs)}


Requested = Callable[[str, int], dict[str, list[str]]]


@pytest.fixture(scope="module")
def requested(tmp_path_factory: pytest.TempPathFactory) -> Requested:
    """requested(scenario, hour of Monday 2025-01-20) → weekly table → cut-offs requested then."""
    home = tmp_path_factory.mktemp("live")
    (home / "persona.toml").write_text(LIVE)
    script = Path(__file__).parent / "live_automation.py"
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PERSONA_HOME": str(home), "PYTHONPATH": str(script.parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ticks = {
        (scenario, datetime.fromisoformat(tick).hour): tables
        for scenario, tick, tables in json.loads(done.stdout)
    }
    return lambda scenario, hour: ticks[scenario, hour]


READY = "all days there before the tick"
GAP = "a day is missing"


def test_nothing_weekly_runs_before_its_hour(requested: Requested) -> None:
    assert requested(READY, 3) == {}


def test_training_fires_at_its_tick_for_the_new_monday_though_all_days_came_before_it(
    requested: Requested,
) -> None:
    """`on_cron` would wait for a day that is materialized after the tick: for ever."""
    assert requested(READY, 4) == at("2025-01-20", "trained")


def test_evaluating_follows_an_hour_later_for_the_week_that_is_over(requested: Requested) -> None:
    assert requested(READY, 5) == at("2025-01-13", "evaluated")


def test_nothing_fires_twice(requested: Requested) -> None:
    # At five, training was not asked for again; at six, neither was.
    assert requested(READY, 6) == {}


def test_a_missing_day_holds_training_back(requested: Requested) -> None:
    assert requested(GAP, 4) == {}


def test_training_fires_as_soon_as_the_missing_day_is_there(requested: Requested) -> None:
    found = requested(GAP, 5)
    assert {path: found[path] for path in weekly("trained")} == at("2025-01-20", "trained")


def test_ingestion_asks_for_the_last_complete_day() -> None:
    schedule = defs.resolve_schedule_def("daily_ingestion")
    with dg.DagsterInstance.ephemeral() as instance:
        tick = schedule.evaluate_tick(
            dg.build_schedule_context(
                instance=instance,
                scheduled_execution_time=datetime(2025, 1, 10, 2, 15, tzinfo=UTC),
                repository_def=defs.get_repository_def(),
            )
        )
    assert [request.partition_key for request in tick.run_requests] == ["2025-01-09"]


@pytest.mark.parametrize(
    ("bad_day", "asked_for"),
    [
        ("2025-01-27", {"2025-01-26", "2025-01-28"}),
        ("2025-01-28", {"2025-01-26", "2025-01-27"}),
    ],
)
def test_a_failed_blocking_check_holds_back_its_own_day_only(
    bad_day: str,
    asked_for: set[str],
    open_graph: Callable[..., Any],
    shop: SyntheticShop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a range run, every day is followed but the one that broke its contract.

    Dagster alone records one evaluation for the whole range, after which nothing is ever followed.
    """
    graph = open_graph(source=ShopWithABadDay(shop, bad_day))
    settings_module.save(graph.settings)
    monkeypatch.setenv("PERSONA_HOME", str(graph.settings.home))
    before = dg.evaluate_automation_conditions(graph.defs, graph.instance)
    raw = ["raw/users", "raw/product_history", "raw/events"]
    graph.run("ingestion", "2025-01-26", "2025-01-28", assets=raw, must_succeed=False)
    result = dg.evaluate_automation_conditions(graph.defs, graph.instance, cursor=before.cursor)
    mart = dg.AssetKey(["mart", "user_item_interactions"])
    assert result.get_requested_partitions(mart) == asked_for


class ShopWithABadDay:
    """A shop one day of which breaks the contract of raw/events: a negative row number."""

    def __init__(self, shop: SyntheticShop, day: str) -> None:
        self._shop = shop
        self._day = day

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def events(self, days: Sequence[date]) -> pl.DataFrame:
        bad = pl.col("event_date") == pl.lit(self._day).str.to_date()
        moved = pl.when(bad).then(pl.col("source_row") - 1).otherwise(pl.col("source_row"))
        return self._shop.events(days).with_columns(source_row=moved)


def test_jobs_cover_every_asset_between_them() -> None:
    graph = defs.resolve_asset_graph()
    covered = set().union(*(job.selection.resolve(graph) for job in JOBS))
    assert covered == graph.materializable_asset_keys


def test_no_asset_has_both_a_schedule_and_a_condition() -> None:
    graph = defs.resolve_asset_graph()
    scheduled = INGESTION.selection.resolve(graph)
    conditioned = {spec.key for spec in SPECS.values() if spec.automation_condition}
    assert not scheduled & conditioned
