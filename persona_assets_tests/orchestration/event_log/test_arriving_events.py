"""Collected events reach the days that they are of, once, however often these are made."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl
import pytest

from persona_assets import settings as settings_module
from persona_assets.definitions import defs
from persona_assets.orchestration.event_log.sensors import Seen, ingestion_of
from persona_assets.serving.collector.acceptance import encoded
from persona_assets.serving.collector.contract import CollectedEvent
from persona_assets.serving.collector.ingest import FOLDER, Lag
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.sources.collected import FIRST_ROW
from persona_assets.tables.collected import COLLECTED_EVENTS
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import EVENTS, PRODUCTS

DAY, OTHER = "2025-01-05", "2025-01-07"
TABLES = ["raw/events", "raw/products", "raw/product_history", "mart/user_item_interactions",
          "mart/quarantine"]  # fmt: skip


def event(number: int, day: str, product: str) -> CollectedEvent:
    moment = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1e6) + number
    return CollectedEvent(
        event_id=f"live-{number}",
        event_type="view",
        event_time=moment,
        arrival_time=moment + 1_000,
        source="events",
        user_id="0" * 32,
        product_id=product,
        quantity=1.0,
        consent=True,
    )


def look(name: str, cursor: str | None = None) -> dg.SensorResult:
    sensor = defs.resolve_sensor_def(name)
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, cursor=cursor, definitions=defs) as context,
    ):
        found = sensor(context)
    assert isinstance(found, dg.SensorResult)
    return found


@pytest.fixture
def home(open_graph: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    graph = open_graph()
    graph.settings.home.mkdir(parents=True, exist_ok=True)
    settings_module.save(graph.settings)
    monkeypatch.setenv("PERSONA_HOME", str(graph.settings.home))
    return graph


def test_collected_events_of_a_day_are_in_its_mart_once(home: Any) -> None:
    home.run("daily_tables", DAY, assets=TABLES)
    (product, *_) = home.store.read(PRODUCTS).filter(pl.col("kind") == "product")["product_id"]
    before = home.store.read(EVENTS)
    log = EventLog(home.settings.home / FOLDER)
    sent = [event(1, DAY, product), event(2, DAY, "unknown"), event(3, OTHER, product)]
    log.append([encoded(each) for each in [*sent, sent[0]]]).result()
    log.close()

    (observed,) = look("event_log").asset_events
    assert observed.metadata["persona/bytes_not_in_the_lake"].value > 0
    asked = look("arriving_events")
    (run,) = asked.run_requests
    assert run.job_name == "event_ingestion"
    home.run("event_ingestion")
    assert home.store.read(COLLECTED_EVENTS).height == 3

    asked = look("arriving_events", asked.cursor)
    bounds = [
        (each.tags["dagster/asset_partition_range_start"],
         each.tags["dagster/asset_partition_range_end"])
        for each in asked.run_requests
    ]  # fmt: skip
    for day in (DAY, OTHER):
        assert any(first <= day <= last for first, last in bounds)
    assert {each.job_name for each in asked.run_requests} == {"ingestion"}
    assert all(each.asset_selection == [dg.AssetKey(["raw", "events"])]
               for each in asked.run_requests)  # fmt: skip

    for _ in range(2):
        home.run("daily_tables", DAY, assets=TABLES)
        rows = home.store.read(EVENTS)
        assert rows.filter(pl.col("source_row") < FIRST_ROW).equals(before)
        mart = home.store.read(USER_ITEM_INTERACTIONS)
        assert mart.filter(pl.col("user_id") == "0" * 32)["event_id"].to_list() == ["live-1"]
    (observed,) = look("event_log").asset_events
    assert observed.metadata["persona/bytes_not_in_the_lake"].value == 0
    assert observed.metadata["persona/lag_seconds"].value == 0
    # Nothing has changed since: nothing is asked for.
    assert not look("arriving_events", asked.cursor).run_requests


def test_a_home_without_a_service_asks_for_nothing(home: Any) -> None:
    for name in ("event_log", "arriving_events"):
        found = look(name)
        assert not found.run_requests
        assert found.skip_reason is not None


def test_what_is_in_the_lake_is_not_asked_for_and_a_failed_run_is_asked_for_again() -> None:
    hour = datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert ingestion_of("log", Lag(offset=10, sealed=10, end=15, seconds=1.0), hour) is None
    behind = Lag(offset=10, sealed=20, end=20, seconds=1.0)
    keys = {
        run.run_key
        for at in (hour, hour.replace(minute=59), hour.replace(hour=11))
        if (run := ingestion_of("log", behind, at)) is not None
    }
    assert len(keys) == 2


@pytest.mark.parametrize("cursor", [None, "", "{", "[]", json.dumps({"other": 1})])
def test_a_cursor_that_is_lost_costs_a_look_and_nothing_else(cursor: str | None) -> None:
    assert Seen.of(cursor) == Seen()
