"""One process holds the graphs of several homes, each with its own calendar."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterUnknownPartitionError

from persona_assets.definitions import build_defs
from persona_assets.orchestration.resources.build import resources_of
from persona_assets.settings import Settings, SourceSettings
from persona_assets.tables import mart, raw

SMALL = {"users": 20, "products": 15}
STARTS = {"winter": date(2025, 1, 1), "summer": date(2025, 6, 1)}
ENDS = {"winter": date(2025, 1, 29), "summer": None}
TABLES_OF_A_DAY = (
    "raw/users", "raw/products", "raw/user_history", "raw/product_history",
    "raw/events", "mart/user_item_interactions", "mart/quarantine",
)  # fmt: skip


@pytest.fixture
def homes(tmp_path: Path) -> dict[str, Settings]:
    """A closed home, and an open one that begins after its end."""
    return {
        name: Settings(
            home=tmp_path / name,
            source=SourceSettings("synthetic", start, ENDS[name], SMALL),
        )
        for name, start in STARTS.items()
    }


def test_two_homes_have_their_own_days_and_a_day_of_each_can_be_made(
    homes: dict[str, Settings],
) -> None:
    graphs = {name: build_defs(settings) for name, settings in homes.items()}
    key = dg.AssetKey(["mart", "user_item_interactions"])
    for name, defs in graphs.items():
        partitions = defs.resolve_asset_graph().get(key).partitions_def
        assert partitions is not None
        assert partitions.get_first_partition_key() == STARTS[name].isoformat()
    for name, defs in graphs.items():
        day = STARTS[name].replace(day=3).isoformat()
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_job_def("daily_tables").execute_in_process(
                instance=instance,
                partition_key=day,
                asset_selection=[dg.AssetKey(path.split("/")) for path in TABLES_OF_A_DAY],
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
            assert result.success
            assert instance.get_materialized_partitions(key) == {day}
        store = resources_of(defs)["lake"].store
        assert store.uri(raw.EVENTS).startswith(str(homes[name].home))
        for table in (raw.EVENTS, mart.USER_ITEM_INTERACTIONS):
            assert set(store.partition_rows(table)) == {day}


def test_a_day_of_another_home_is_no_partition(homes: dict[str, Settings]) -> None:
    winter = build_defs(homes["winter"]).resolve_job_def("daily_tables")
    with pytest.raises(DagsterUnknownPartitionError, match="2025-06-03"):
        winter.execute_in_process(partition_key="2025-06-03")


def test_schedules_and_conditions_are_of_their_own_home(homes: dict[str, Settings]) -> None:
    """Each asks for the day before a tick in its own calendar; conditions open their own lake."""
    now = datetime(2025, 6, 10, 2, 15, tzinfo=UTC)
    found = {}
    for name, settings in homes.items():
        defs = build_defs(settings)
        with dg.DagsterInstance.ephemeral() as instance:
            tick = defs.resolve_schedule_def("daily_ingestion").evaluate_tick(
                dg.build_schedule_context(
                    instance=instance,
                    scheduled_execution_time=now,
                    repository_def=defs.get_repository_def(),
                )
            )
            [request] = tick.run_requests or []
            found[name] = request.partition_key
            dg.evaluate_automation_conditions(defs, instance, evaluation_time=now)
    assert found == {"winter": "2025-01-28", "summer": "2025-06-09"}
