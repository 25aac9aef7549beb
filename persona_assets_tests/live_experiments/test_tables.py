"""The asset over a lake that has what the service logged."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.live_experiments.stored_plans import StoredPlan, save
from persona_assets.orchestration.resources.provenance import LIVE_EXPERIMENTS, settings_digest
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.tables import Table
from persona_assets.tables.collected import IMPRESSIONS
from persona_assets.tables.live_experiments import EXPOSURES, RESULTS, TABLES, UNIT_METRICS, VERDICT
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets_tests.live_experiments.test_verdict import END, SPRING, START, golden

PATHS = [table.path for table in TABLES]
_OF = {
    pl.String(): "x",
    pl.Float64(): 1.0,
    pl.Int64(): 1,
    pl.Boolean(): False,
}


def write(store: DeltaStore, table: Table, rows: list[dict[str, Any]]) -> None:
    """Rows of which only some columns are said."""
    frame = pl.DataFrame(rows)
    said = set(frame.columns)
    schema = table.polars_schema
    whole = frame.with_row_index("n").with_columns(
        pl.lit(_OF.get(kind)).alias(name) for name, kind in schema.items() if name not in said
    )
    if "event_id" in schema:
        whole = whole.with_columns(
            event_id=pl.col("n").cast(pl.String), arrived_at="event_ts", arrival_date="event_date"
        )
    chosen = whole.select(pl.col(name).cast(kind) for name, kind in schema.items())
    days = chosen["event_date"].unique().sort().to_list()
    store.overwrite(table, chosen, partitions=days)


def filled(store: DeltaStore) -> None:
    lists, purchases = golden(users=200)
    write(store, IMPRESSIONS, [row | {"position": 1, "revenue": 0.0} for row in lists])
    sold = [row | {"event_type": "purchase"} for row in purchases]
    write(store, USER_ITEM_INTERACTIONS, [*sold, sold[0] | {"event_date": END}])


def test_logs_become_a_verdict_and_a_changed_plan_is_refused(open_graph: Any) -> None:
    graph = open_graph(live_experiments=(SPRING,))
    filled(graph.store)
    graph.run("reports", assets=PATHS)
    exposed, metrics, results, verdict = (graph.store.read(table) for table in TABLES)
    assert (exposed.height, set(exposed["arm"])) == (200, {"control", "challenger"})
    assert metrics["orders"].sum() > 0
    assert results["metric"].n_unique() == 4
    assert verdict["experiment"].to_list() == ["spring"]
    assert verdict["users"].to_list() == [200]
    changed = replace(SPRING, users=SPRING.users + 1)
    save(graph.settings.home, {"spring": StoredPlan(changed.as_plan(), SPRING.arms, exposed=True)})
    with pytest.raises(AssertionError, match="users was 1001 and is 1000"):
        graph.run("reports", assets=PATHS)


def test_a_home_without_experiments_has_empty_tables_and_no_warning(open_graph: Any) -> None:
    graph = open_graph()
    filled(graph.store)
    result = graph.run("reports", assets=PATHS)
    for table in (EXPOSURES, UNIT_METRICS, RESULTS, VERDICT):
        assert graph.store.read(table).is_empty()
    checks = result.get_asset_check_evaluations()
    assert checks
    assert all(each.passed for each in checks)


def test_verdicts_are_due_when_the_declaration_or_the_log_changes(open_graph: Any) -> None:
    graph = open_graph(live_experiments=(SPRING,))
    filled(graph.store)

    def digest(*experiments: LiveExperiment) -> str:
        changed = replace(graph.settings, live_experiments=experiments)
        return settings_digest([LIVE_EXPERIMENTS], ShopResource(changed), graph.store)

    before, without = digest(SPRING), digest()
    assert before == digest(SPRING)
    assert len({before, without, digest(replace(SPRING, end=date(2026, 5, 1)))}) == 3
    row = golden(users=2)[0][0] | {"event_date": START + timedelta(days=9)}
    write(graph.store, IMPRESSIONS, [row])
    assert digest(SPRING) != before
    assert digest() == without
