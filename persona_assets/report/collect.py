"""`collect`: everything that a report shows, read from the lake's tables.

Belongs here: the `Report` and the reading. Does not belong here: interpreting the numbers
(`findings.py`) or showing them (`as_json.py`, `console.py`, `html.py`).

A home half made must still give a report: a table that does not exist is left out of `tables`, and
where rows are shown it counts as empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import narwhals as nw
import polars as pl

from persona_assets.lake.content_hash import render
from persona_assets.lake.store import DeltaStore
from persona_assets.report.customers import Customers, read_customers
from persona_assets.report.example_lists import ExampleList, read_example_lists
from persona_assets.run_record import RunRecord
from persona_assets.settings import Settings, SourceSettings
from persona_assets.tables import TABLES, Table
from persona_assets.tables.evaluation import (
    COLD_START,
    MODEL_COMPARISON,
    PAIRWISE_COMPARISON,
    RECOMMENDATION_ANALYSIS,
    REPLAY_VALIDATION,
    SEGMENT_METRICS,
    STALENESS,
)
from persona_assets.tables.experiments import AB_TEST_RESULTS, AB_TEST_SIMULATION, ARMS
from persona_assets.tables.exploration import COHORTS, DAILY_ACTIVITY, HOURLY_ACTIVITY
from persona_assets.tables.live_experiments import RESULTS, VERDICT
from persona_assets.tables.mart import QUARANTINE, USER_ITEM_INTERACTIONS
from persona_assets.tables.monitoring import DATA_DRIFT, SKIPPED
from persona_assets.tables.raw import EVENTS
from persona_assets.tables.serving import CHAMPION


@dataclass(frozen=True)
class TableState:
    """One table at its newest version.

    `partitions` counts those with rows; an unpartitioned table is its own one partition, with
    `first` and `last` empty. `content_hash` is that of all rows (see `lake.content_hash`), None
    where it was not asked for.
    """

    rows: int
    partitions: int
    first: str
    last: str
    version: int
    content_hash: str | None


@dataclass(frozen=True)
class Conservation:
    """Where the delivered events went.

    `pending_rows` are raw rows of days of which neither the mart nor quarantine has any row: days
    not cleaned yet. `by_reason` has quarantined rows per rule, the most frequent first.
    """

    raw_rows: int
    mart_rows: int
    quarantine_rows: int
    pending_rows: int
    by_reason: Mapping[str, int]

    @property
    def missing_rows(self) -> int:
        """Raw rows that are nowhere (negative: rows that come from nowhere); 0 if conserved."""
        return self.raw_rows - self.mart_rows - self.quarantine_rows - self.pending_rows


@dataclass(frozen=True, eq=False)
class Report:
    """The facts of one home.

    The frames are rows of the tables they are named after, in order of their keys, without rows
    where there are none: `comparison` evaluation/model_comparison, `analysis`
    evaluation/recommendation_analysis, `pairs` evaluation/pairwise_comparison and `segments`
    evaluation/segment_metrics, all three at the comparison's cut-off, `cold` evaluation/cold_start,
    `replay` evaluation/replay_validation, `ages` evaluation/staleness, `drift`
    monitoring/data_drift, `champion` models/champion, `ab_test` experiments/ab_test_results. `arms`
    has `arm, model, users` of the simulated experiment, `live_verdicts` and `live_results` are
    experiments/verdict and experiments/results. `customers` are the customer segments,
    `skipped` monitoring/skipped, `activity` exploration/daily_activity, `hourly`
    exploration/hourly_activity, `cohorts` exploration/cohorts at its newest cut-off. `examples` are
    lists of the champion to judge by eye.
    """

    home: Path
    source: SourceSettings
    engine: str
    tables: Mapping[str, TableState]
    conservation: Conservation
    activity: pl.DataFrame
    hourly: pl.DataFrame
    cohorts: pl.DataFrame
    comparison: pl.DataFrame
    analysis: pl.DataFrame
    pairs: pl.DataFrame
    segments: pl.DataFrame
    cold: pl.DataFrame
    replay: pl.DataFrame
    ages: pl.DataFrame
    drift: pl.DataFrame
    champion: pl.DataFrame
    examples: tuple[ExampleList, ...]
    ab_test: pl.DataFrame
    arms: pl.DataFrame
    live_verdicts: pl.DataFrame
    live_results: pl.DataFrame
    customers: Customers
    skipped: pl.DataFrame
    run: RunRecord | None


def collect(
    store: DeltaStore,
    settings: Settings,
    record: RunRecord | None,
    *,
    content_hashes: bool = True,
) -> Report:
    """Read the report's facts.

    Args:
        store: the lake.
        settings: of the home.
        record: that of the last run, None where none has ended.
        content_hashes: hash the rows of all tables, which means reading all of them; only the JSON
            shows the hashes.

    Raises:
        DataError: a table is there but cannot be read.
    """
    comparison = _rows(store, MODEL_COMPARISON)
    return Report(
        home=settings.home,
        source=settings.source,
        engine=settings.engine,
        tables=_states(store, content_hashes),
        conservation=_conservation(store),
        activity=_rows(store, DAILY_ACTIVITY),
        hourly=_rows(store, HOURLY_ACTIVITY),
        cohorts=_newest(_rows(store, COHORTS)),
        comparison=comparison,
        analysis=_at_newest_cutoff(comparison, _rows(store, RECOMMENDATION_ANALYSIS)),
        pairs=_at_newest_cutoff(comparison, _rows(store, PAIRWISE_COMPARISON)),
        segments=_at_newest_cutoff(comparison, _rows(store, SEGMENT_METRICS)),
        cold=_rows(store, COLD_START),
        replay=_rows(store, REPLAY_VALIDATION),
        ages=_rows(store, STALENESS),
        drift=_rows(store, DATA_DRIFT),
        champion=_rows(store, CHAMPION),
        examples=read_example_lists(store),
        ab_test=_rows(store, AB_TEST_RESULTS).sort(
            pl.col("arm").replace_strict(ARMS, range(len(ARMS))), "metric"
        ),
        arms=_arms(store),
        live_verdicts=_rows(store, VERDICT),
        live_results=_rows(store, RESULTS),
        customers=read_customers(store),
        skipped=_rows(store, SKIPPED),
        run=record,
    )


def _states(store: DeltaStore, content_hashes: bool) -> dict[str, TableState]:
    states = {}
    for path, table in TABLES.items():
        version = store.version(table)
        if version is None:
            continue
        rows = store.partition_rows(table)
        states[path] = TableState(
            rows=sum(rows.values()),
            partitions=len(rows),
            first=min(rows, default=""),
            last=max(rows, default=""),
            version=version,
            content_hash=_content_hash(store, table, version) if content_hashes else None,
        )
    return states


def _content_hash(store: DeltaStore, table: Table, version: int) -> str:
    digests = store.digests(table, at=version).values()
    return render(sum(rows for rows, _ in digests), sum(total for _, total in digests))


def _conservation(store: DeltaStore) -> Conservation:
    raw, mart, quarantine = (
        store.partition_rows(table) if store.exists(table) else {}
        for table in (EVENTS, USER_ITEM_INTERACTIONS, QUARANTINE)
    )
    return Conservation(
        raw_rows=sum(raw.values()),
        mart_rows=sum(mart.values()),
        quarantine_rows=sum(quarantine.values()),
        pending_rows=sum(rows for day, rows in raw.items() if day not in mart | quarantine),
        by_reason=_rejected(store) if quarantine else {},
    )


def _rejected(store: DeltaStore) -> dict[str, int]:
    counted = store.collect(store.scan(QUARANTINE).group_by("rule").agg(nw.len().alias("rows")))
    return dict(counted.sort("rows", "rule", descending=[True, False]).iter_rows())


def _arms(store: DeltaStore) -> pl.DataFrame:
    schema = {"arm": pl.String(), "model": pl.String(), "users": pl.Int64()}
    if not store.exists(AB_TEST_SIMULATION):
        return pl.DataFrame(schema=schema)
    counted = store.collect(
        store.scan(AB_TEST_SIMULATION).group_by("arm", "model").agg(nw.len().alias("users"))
    )
    return counted.cast(schema).sort(pl.col("arm").replace_strict(ARMS, range(len(ARMS))))  # type: ignore[arg-type]


def _rows(store: DeltaStore, table: Table) -> pl.DataFrame:
    return store.read(table).sort(table.key) if store.exists(table) else table.empty()


def _at_newest_cutoff(comparison: pl.DataFrame, analysis: pl.DataFrame) -> pl.DataFrame:
    """Rows of the compared cut-off; of the newest one where nothing is compared yet."""
    evaluated = analysis if comparison.is_empty() else comparison
    return analysis.filter(pl.col("cutoff").is_in(evaluated["cutoff"].sort().tail(1).implode()))


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("cutoff") == pl.col("cutoff").max())
