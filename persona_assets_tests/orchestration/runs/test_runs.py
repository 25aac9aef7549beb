"""Running a home: which runs, in which order, when there is nothing to do, and what went wrong."""

import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.definitions import HOME
from persona_assets.errors import DataError, InfrastructureError, UserError
from persona_assets.orchestration.runs import execute as execution
from persona_assets.orchestration.runs.execute import execute
from persona_assets.orchestration.runs.fingerprint import fingerprint, source_files, up_to_date
from persona_assets.orchestration.runs.plan import PlannedRun, plan
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.tables import TABLES, collected, experiments, lifecycle
from persona_assets.tables.monitoring import SKIPPED

DAILY = HOME.calendar.daily


def test_plan_replays_the_asked_number_of_weeks() -> None:
    daily, monitoring, training, evaluating, reports = plan(1, HOME.calendar)
    assert monitoring.partitions == evaluating.partitions
    assert [each for each in plan(1, HOME.calendar) if each.in_subprocess] == [monitoring]
    assert daily.partitions == DAILY.get_partition_keys()
    assert training.partitions == ["2025-01-20", "2025-01-27"]
    assert evaluating.partitions == ["2025-01-20"]
    assert reports.job == "reports"
    assert not reports.tags


def test_plan_is_content_with_the_weeks_there_are() -> None:
    assert plan(99, HOME.calendar) == plan(2, HOME.calendar)
    assert plan(99, HOME.calendar)[3].partitions == ["2025-01-13", "2025-01-20"]


_OTHERS = (*lifecycle.TABLES, *collected.TABLES, *experiments.ON_REQUEST, SKIPPED)
MADE = set(TABLES) - {table.path for table in _OTHERS}
"""Tables that the graph makes of a shop that lacks nothing; most others are for commands."""


def test_record_covers_what_was_made(whole: Any) -> None:
    assert set(whole.record.versions) == MADE
    assert set(whole.record.seconds) >= MADE
    assert whole.record.total > 0
    assert whole.record.framework >= 0


def test_record_has_one_outcome_per_check_and_partition(whole: Any) -> None:
    """The summary that a range run adds to its partitions' results is not counted again."""
    named = [(each.asset, each.check, each.partition) for each in whole.record.checks]
    assert len(named) == len(set(named))
    contracts = {each.partition for each in whole.record.checks if each.asset == "raw/events"}
    assert contracts == {"", *DAILY.get_partition_keys()}  # "": freshness, which has none
    assert not [each for each in whole.record.checks if each.outcome == "failed"]


def test_nothing_to_do_after_a_run(whole: Any) -> None:
    assert up_to_date(whole.settings, whole.defs, plan(4, HOME.calendar))


@pytest.mark.parametrize(
    "change",
    [
        {"top_k": 20},
        {"seed": 8},
        {"exclude": "seen"},
        {"event_weights": {"view": 1.0, "add_to_cart": 3.0, "purchase": 6.0, "return": 0.0}},
        {"hash_key": b"another key than before"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changed_setting_is_work_to_do(change: dict[str, Any], whole: Any) -> None:
    assert not up_to_date(replace(whole.settings, **change), whole.defs, plan(4, HOME.calendar))


def test_other_weeks_are_work_to_do(whole: Any) -> None:
    assert not up_to_date(whole.settings, whole.defs, plan(1, HOME.calendar))


def test_table_that_was_lost_or_written_by_another_is_work_to_do(
    whole: Any, open_graph: Callable[..., Any], copy_tables: Callable[..., None]
) -> None:
    graph = open_graph()
    copy_tables(whole.store, graph, *MADE)
    settings = whole.settings  # where the record lies
    assert up_to_date(settings, graph.defs, plan(4, HOME.calendar))
    registry = TABLES["models/registry"]
    days = graph.store.read(registry)["cutoff"].unique().to_list()
    graph.store.overwrite(registry, graph.store.read(registry), partitions=days)
    assert not up_to_date(settings, graph.defs, plan(4, HOME.calendar))


def test_changed_file_of_the_source_is_work_to_do(whole: Any, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("a\n1\n")
    source = replace(whole.settings.source, name="files", options={"path": str(tmp_path)})
    settings = replace(whole.settings, source=source)
    before = fingerprint(settings, whole.defs, plan(4, HOME.calendar))
    assert fingerprint(settings, whole.defs, plan(4, HOME.calendar)) == before
    file.write_text("a\n1\n2\n")
    assert fingerprint(settings, whole.defs, plan(4, HOME.calendar)) != before


def test_a_file_that_arrives_during_a_run_is_of_the_next_run(whole: Any, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("a\n1\n")
    source = replace(whole.settings.source, name="files", options={"path": str(tmp_path)})
    settings = replace(whole.settings, source=source)
    seen = source_files(settings)
    (tmp_path / "late.csv").write_text("a\n2\n")
    recorded = fingerprint(settings, whole.defs, plan(4, HOME.calendar), files=seen)
    assert fingerprint(settings, whole.defs, plan(4, HOME.calendar)) != recorded


def test_another_segmentation_is_work_to_do(whole: Any) -> None:
    other = replace(whole.settings, segmentation=SegmentationConfig(k=5))
    before = fingerprint(whole.settings, whole.defs, plan(4, HOME.calendar))
    assert fingerprint(other, whole.defs, plan(4, HOME.calendar)) != before


class BrokenShop:
    """A shop whose users cannot be read, or else whose events cannot be used."""

    def __init__(self, shop: Any, error: Exception | None = None) -> None:
        self._shop = shop
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def users(self) -> pl.DataFrame:
        if self._error:
            raise self._error
        return self._shop.users()

    def events(self, days: Any) -> pl.DataFrame:
        if self._error:
            return self._shop.events(days)
        return self._shop.events(days).with_columns(source_row=-pl.col("source_row") - 1)


def run_first_days(graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = nullcontext(graph.instance)  # in place of the one of a home
    monkeypatch.setattr(execution.instance_module, "of", lambda _: instance)
    days = DAILY.get_partition_keys()[:2]
    execute(graph.settings, graph.defs, [PlannedRun("daily_tables", days)])


def test_failed_step_is_reported_in_its_own_words(
    open_graph: Callable[..., Any], shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = UserError("people.csv line 7 has no user_id; give it one")
    graph = open_graph(source=BrokenShop(shop, error))
    with pytest.raises(DataError, match=r"^people.csv line 7 has no user_id; give it one \[step"):
        run_first_days(graph, monkeypatch)
    assert not (graph.settings.home / "last_run.json").exists()


def test_trouble_with_the_storage_is_reported_with_the_mend_and_without_its_cause(
    open_graph: Callable[..., Any], shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = InfrastructureError("raw/users: the shelf is full; make room, then run it again")
    error.__cause__ = OSError("No space left on device (os error 28)")
    graph = open_graph(source=BrokenShop(shop, error))
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between the tries of a step
    with pytest.raises(DataError) as caught:
        run_first_days(graph, monkeypatch)
    assert re.fullmatch(
        r"step \S+ failed: raw/users: the shelf is full; make room, then run it again",
        str(caught.value),
    )


def test_failed_check_is_reported_with_table_partition_and_rule(
    open_graph: Callable[..., Any], shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = open_graph(source=BrokenShop(shop))
    with pytest.raises(
        DataError,
        match=r"raw/events contract 2025-01-01: raw/events breaks: source_row: at least 0",
    ):
        run_first_days(graph, monkeypatch)
