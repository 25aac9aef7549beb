"""The IO manager: it reads the mapped partitions only, and every commit says what made it."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import narwhals as nw
import polars as pl
import pytest

from persona_assets.definitions import HOME
from persona_assets.errors import DataError
from persona_assets.lake.commit import PREFIX
from persona_assets.orchestration.resources.lake import COLUMNS, table_of
from persona_assets.tables import features, mart, raw
from persona_assets.transforms import aggregates

DAILY = HOME.calendar.daily

DAYS = ("2025-01-01", "2025-01-02", "2025-01-03")
INTERACTIONS = dg.AssetKey(["mart", "user_item_interactions"])


@pytest.fixture(scope="module")
def graph(open_shared_graph: Callable[..., Any]) -> Any:
    graph = open_shared_graph("lake")
    assets = ["raw/product_history", "raw/events", "mart/user_item_interactions",
              "mart/quarantine", "features/item_daily"]  # fmt: skip
    graph.run("daily_tables", DAYS[0], DAYS[-1], assets=assets)
    return graph


def loaded(
    graph: Any,
    mapping: dg.PartitionMapping | None,
    day: str,
    last: str | None = None,
    *,
    type_: type = pl.DataFrame,
    columns: list[str] | None = None,
) -> Any:
    """What an asset that reads the mart through `mapping` is given for `day` (to `last`)."""
    given = []
    reads = dg.AssetIn(
        key=INTERACTIONS,
        partition_mapping=mapping,
        metadata={COLUMNS: columns} if columns else None,
        dagster_type=dg.PythonObjectDagsterType(type_),
    )

    @dg.asset(
        ins={"interactions": reads},
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def probe(interactions) -> None:
        given.append(interactions)

    tags = {
        "dagster/asset_partition_range_start": day,
        "dagster/asset_partition_range_end": last or day,
    }
    upstream = dg.AssetSpec(INTERACTIONS, partitions_def=DAILY).with_io_manager_key("lake")
    dg.materialize(
        [probe, upstream],
        selection=[probe],
        instance=graph.instance,
        tags=tags,
        resources={"lake": graph.defs.resources["lake"]},
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    return given[0]


def days_in(frame: pl.DataFrame) -> list[str]:
    return sorted(str(day) for day in frame["event_date"].unique())


TRAILING_TWO = dg.TimeWindowPartitionMapping(start_offset=-1)
EVE = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)


def test_same_day_is_read_alone(graph: Any) -> None:
    assert days_in(loaded(graph, dg.TimeWindowPartitionMapping(), DAYS[1])) == [DAYS[1]]


def test_trailing_window_is_read_whole(graph: Any) -> None:
    assert days_in(loaded(graph, TRAILING_TWO, DAYS[2])) == [DAYS[1], DAYS[2]]


def test_range_reads_the_union_of_its_windows(graph: Any) -> None:
    assert days_in(loaded(graph, TRAILING_TWO, DAYS[1], DAYS[2])) == list(DAYS)


def test_first_day_has_no_eve_and_reads_no_rows(graph: Any) -> None:
    """An empty list of partitions must read nothing, not everything."""
    frame = loaded(graph, EVE, DAYS[0])
    assert frame.is_empty()
    assert frame.schema == mart.USER_ITEM_INTERACTIONS.polars_schema


def test_annotation_decides_whether_a_frame_is_lazy(graph: Any) -> None:
    assert isinstance(loaded(graph, None, DAYS[0]), pl.DataFrame)
    lazy = loaded(graph, None, DAYS[0], type_=nw.LazyFrame)
    assert isinstance(lazy, nw.LazyFrame)
    assert lazy.select(nw.len()).collect().item() > 0


def test_only_the_wanted_columns_are_read(graph: Any) -> None:
    frame = loaded(graph, None, DAYS[0], columns=["user_id", "weight"])
    assert frame.columns == ["user_id", "weight"]


def commit_of(graph: Any, table: Any) -> dict[str, str]:
    newest = graph.store.history(table, 1)[0]
    return {name.removeprefix(PREFIX): newest[name] for name in newest if name.startswith(PREFIX)}


def test_commit_says_who_made_the_table_from_what(graph: Any) -> None:
    commit = commit_of(graph, mart.QUARANTINE)
    run = graph.instance.get_runs(dg.RunsFilter(job_name="daily_tables"))[0]
    assert commit["run_id"] == run.run_id
    assert commit["asset"] == "mart/quarantine"
    assert json.loads(commit["partitions"]) == list(DAYS)
    inputs = {table.path: graph.store.version(table) for table in (raw.EVENTS, raw.PRODUCT_HISTORY)}
    assert json.loads(commit["inputs"]) == inputs
    assets = [each for each in graph.defs.assets if isinstance(each, dg.AssetsDefinition)]
    specs = {spec.key.path[-1]: spec for asset in assets for spec in asset.specs}
    assert commit["code_version"] == specs["quarantine"].code_version


def test_commit_names_the_version_that_was_read_though_a_newer_one_was_written_meanwhile(
    open_graph: Callable[..., Any], copy_tables: Callable[..., None], graph: Any, monkeypatch: Any
) -> None:
    mine = open_graph()
    copy_tables(graph.store, mine, "mart/user_item_interactions", "raw/product_history", days=DAYS)
    read = mine.store.version(mart.USER_ITEM_INTERACTIONS)
    aggregate = aggregates.item_daily

    def while_the_mart_is_emptied(interactions: nw.LazyFrame) -> nw.LazyFrame:
        nothing = mart.USER_ITEM_INTERACTIONS.empty()
        days = [date.fromisoformat(DAYS[0])]
        mine.store.overwrite(mart.USER_ITEM_INTERACTIONS, nothing, partitions=days)
        return aggregate(interactions)

    monkeypatch.setattr(aggregates, "item_daily", while_the_mart_is_emptied)
    mine.run("daily_tables", DAYS[0], assets=["features/item_daily"])
    assert mine.store.version(mart.USER_ITEM_INTERACTIONS) > read
    inputs = json.loads(commit_of(mine, features.ITEM_DAILY)["inputs"])
    assert inputs == {"mart/user_item_interactions": read}
    assert mine.store.partition_rows(features.ITEM_DAILY)[DAYS[0]] > 0


def test_materialization_tells_rows_and_hash_of_each_partition(graph: Any) -> None:
    rows = graph.store.partition_rows(mart.USER_ITEM_INTERACTIONS)
    hashes = graph.hashes("mart")["mart/user_item_interactions"]
    for day in DAYS:
        (record,) = graph.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=INTERACTIONS, asset_partitions=[day]), limit=1
        ).records
        told = record.asset_materialization.metadata
        assert told["dagster/partition_row_count"].value == rows[day]
        assert told["persona/content_hash"].value == hashes[day]


def test_missing_input_is_named_with_the_mend(open_graph: Callable[..., Any]) -> None:
    graph = open_graph()
    result = graph.run("daily_tables", DAYS[0], assets=["features/item_daily"], must_succeed=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    cause = failure.step_failure_data.error
    while cause.cause:
        cause = cause.cause
    assert (
        "features/item_daily needs mart/user_item_interactions, which does not exist; materialize "
        "mart/user_item_interactions first"
    ) in cause.message


def test_asset_without_a_contract_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"raw/nothing has no contract; declare it in tables/raw\.py"
    ):
        table_of(dg.AssetKey(["raw", "nothing"]))
    assert table_of(dg.AssetKey(["raw", "users"])) is raw.USERS
