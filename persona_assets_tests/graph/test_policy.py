"""What every asset owes to the people who look at it in the UI, and to those who are paged."""

from pathlib import Path

import dagster as dg
import pytest

from persona_assets.definitions import ASSETS, DECLARED, defs
from persona_assets.orchestration.jobs import JOBS
from persona_assets.orchestration.outputs import asset_key
from persona_assets.orchestration.table_asset import TableAsset
from persona_assets.tables import TABLES, collected, experiments, lifecycle
from persona_assets.tables.monitoring import SKIPPED

WANTED = {
    "raw": {"users", "products", "events", "orders", "search_logs"},
    "mart": {"user_item_interactions", "quarantine", "sessions"},
    "exploration": {"daily_activity", "hourly_activity", "distributions", "cohorts"},
    "features": {
        "temporal_features", "user_daily", "item_daily", "user_embeddings", "item_embeddings",
    },
    "feature_store": {
        "user_features", "item_features", "training_set", "online_snapshot", "online_features",
    },
    "models": {"popularity_model", "als_model", "bpr_model", "registry", "champion"},
    "recommendations": {"top_k", "served"},
    "evaluation": {
        "offline_metrics", "recommendation_analysis", "replay_validation", "model_comparison",
        "segment_metrics", "pairwise_comparison", "cold_start", "staleness",
    },
    "segmentation": {
        "customer_features", "cleaning_steps", "segmentation_model", "clustering_comparison",
        "customer_segments", "segment_profiles", "segment_traits", "segment_migration",
    },
    "monitoring": {"data_drift", "data_quality"},
    "experiments": {"ab_test_simulation", "ab_test_results", "planted_effects"},
}  # fmt: skip
"""Names that are part of the interface."""

SPECS = {"/".join(spec.key.path): spec for asset in ASSETS for spec in asset.specs}
CHECKED = {
    ("/".join(spec.asset_key.path), spec.name): spec
    for checks in defs.asset_checks or ()
    for spec in checks.check_specs
}

every_asset = pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
every_table = pytest.mark.parametrize("path", sorted(SPECS.keys() & TABLES.keys()))


def test_every_promised_asset_is_there() -> None:
    missing = {f"{group}/{name}" for group, names in WANTED.items() for name in names} - set(SPECS)
    assert not missing


def test_every_contract_belongs_to_an_asset() -> None:
    # Those of `tables/lifecycle.py` are written by commands, collected events by the service's log,
    # the other by whatever skips something.
    others = {table.path for table in (*lifecycle.TABLES, *collected.TABLES, SKIPPED)}
    assert TABLES.keys() - others <= SPECS.keys()


def test_only_the_online_store_is_an_asset_without_a_contract() -> None:
    assert SPECS.keys() - TABLES.keys() == {
        "feature_store/online_snapshot", "feature_store/online_features",
    }  # fmt: skip


@every_asset
def test_asset_is_described_owned_and_dated(spec: dg.AssetSpec) -> None:
    assert spec.group_name == spec.key.path[0]
    assert [owner for owner in spec.owners if owner.startswith("team:")]
    assert spec.kinds
    assert {"layer", "cadence", "pii"} <= spec.tags.keys()
    assert spec.code_version
    assert spec.freshness_policy or is_on_request(spec)
    assert len((spec.description or "").split()) >= 8


@every_asset
def test_asset_either_follows_its_inputs_or_is_ingested_by_the_schedule(spec: dg.AssetSpec) -> None:
    on_its_own = spec.group_name == "raw" or is_on_request(spec)
    assert (spec.automation_condition is None) == on_its_own


def is_on_request(spec: dg.AssetSpec) -> bool:
    return "/".join(spec.key.path) in {table.path for table in experiments.ON_REQUEST}


@every_table
def test_table_shows_its_contract_as_column_schema(path: str) -> None:
    schema: dg.TableSchema = SPECS[path].metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == [c.name for c in TABLES[path].columns]
    assert all(column.description for column in schema.columns)


@every_table
def test_table_has_a_blocking_contract_check_over_its_partitions(path: str) -> None:
    check = CHECKED[path, "contract"]
    assert check.blocking
    assert check.partitions_def is SPECS[path].partitions_def


@every_table
def test_partition_column_goes_with_partitions(path: str) -> None:
    assert (TABLES[path].partition is None) == (SPECS[path].partitions_def is None)


def test_every_look_back_has_a_blocking_completeness_check() -> None:
    trailing = {
        path
        for path, spec in SPECS.items()
        for dep in spec.deps
        if isinstance(dep.partition_mapping, dg.TimeWindowPartitionMapping)
        and dep.partition_mapping.start_offset < 0
    }
    assert {path for (path, name) in CHECKED if name == "window_complete"} == trailing
    assert all(CHECKED[path, "window_complete"].blocking for path in trailing)


def test_personal_data_is_tagged_and_stays_in_raw() -> None:
    flagged = {path for path, spec in SPECS.items() if spec.tags["pii"] == "yes"}
    contracts = {path for path, table in TABLES.items() if any(c.pii for c in table.columns)}
    # An external asset has no tags of ours; its table is kept to its owner all the same.
    assert flagged == contracts - {table.path for table in collected.TABLES}
    assert all(table.private for table in collected.TABLES if table.group == "raw")
    assert {path.partition("/")[0] for path in flagged} == {"raw"}


def test_every_schedule_sensor_and_resource_says_what_it_is_for() -> None:
    shown = {
        each.name: each.description
        for each in [*(defs.schedules or ()), *(defs.sensors or ()), *JOBS]
    } | {name: each.description for name, each in (defs.resources or {}).items()}
    assert {"lake", "shop", "daily_ingestion", "arriving_files", "daily_tables"} <= set(shown)
    assert [name for name, said in shown.items() if not said] == []


def test_lineage_names_columns_that_the_inputs_have_and_that_are_read() -> None:
    named = 0
    for declared in DECLARED:
        if not isinstance(declared, TableAsset):
            continue
        reads = {asset_key(read.table): read for read in declared.reads.values()}
        for table in declared.tables:
            lineage = SPECS[table.path].metadata["dagster/column_lineage"]
            assert set(lineage.deps_by_column) <= {column.name for column in table.columns}
            for deps in lineage.deps_by_column.values():
                for dep in deps:
                    read = reads[dep.asset_key]
                    names = {column.name for column in read.table.columns}
                    assert dep.column_name in names
                    assert read.columns is None or dep.column_name in read.columns
                    named += 1
    assert named > 100


def test_columns_come_from_where_they_are_known_to_come_from() -> None:
    def of(path: str, column: str) -> set[str]:
        lineage = SPECS[path].metadata["dagster/column_lineage"]
        return {
            f"{dep.asset_key.to_user_string()}.{dep.column_name}"
            for dep in lineage.deps_by_column.get(column, ())
        }

    interactions = "mart/user_item_interactions"
    assert of(interactions, "event_date") == {"raw/events.event_date"}
    assert "raw/product_history.product_id" in of(interactions, "product_id")
    assert of("features/item_daily", "product_id") == {f"{interactions}.product_id"}
    assert "recommendations/top_k.model" in of("evaluation/offline_metrics", "model")
    assert of("feature_store/user_features", "events_7d") == set()  # computed, not carried over


def test_code_references_lead_to_the_asset_s_function() -> None:
    for path, spec in SPECS.items():
        if path in ("feature_store/online_snapshot", "feature_store/online_features"):
            continue
        first, *_ = spec.metadata["dagster/code_references"].code_references
        lines = Path(first.file_path).read_text(encoding="utf-8").splitlines()
        assert "def " in "".join(lines[first.line_number - 1 : first.line_number + 40])
        assert "orchestration/assets/" in first.file_path
