"""Group `monitoring`: did the data change, and how good are they?"""

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl

from persona_assets.calendar import REFERENCE_WEEKS
from persona_assets.monitoring import drift, drift_plots
from persona_assets.monitoring.data_quality import measure_data_quality
from persona_assets.orchestration.outputs import asset_key
from persona_assets.orchestration.partitions import EVALUATED, REFERENCE_AND_WEEK
from persona_assets.orchestration.plot_asset import plot
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.orchestration.weekly import one_by_one
from persona_assets.skipped import Partial
from persona_assets.tables import Table, mart, monitoring

_INTERACTIONS = Reads(mart.USER_ITEM_INTERACTIONS, REFERENCE_AND_WEEK)


@table_asset(
    monitoring.DATA_DRIFT,
    partitions=EVALUATED,
    reads={"interactions": _INTERACTIONS, "sessions": Reads(mart.SESSIONS, REFERENCE_AND_WEEK)},
    kinds=["evidently"],
    settings=["seed"],
)
def data_drift(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: pl.DataFrame,
    sessions: pl.DataFrame,
) -> Partial[pl.DataFrame]:
    """The week from the cut-off against the up to four weeks before it, column by column."""

    def compare(cutoff: date) -> Partial[pl.DataFrame]:
        result = drift.data_drift(
            interactions,
            sessions,
            cutoff=cutoff,
            reference_weeks=REFERENCE_WEEKS,
            seed=shop.settings.seed,
        )
        path = _save(lake, monitoring.DATA_DRIFT, cutoff, result.html)
        _tell(context, monitoring.DATA_DRIFT, cutoff, path, {"drift_share": result.drift_share})
        return Partial(result.table, result.skipped)

    compared = one_by_one(context, monitoring.DATA_DRIFT, compare)
    if compared.rows.height:
        plot(context, lake, monitoring.DATA_DRIFT, drift_plots.drift_figure(compared.rows))
    return compared


@table_asset(
    monitoring.DATA_QUALITY,
    partitions=EVALUATED,
    reads={
        "interactions": _INTERACTIONS,
        "quarantine": Reads(mart.QUARANTINE, REFERENCE_AND_WEEK),
    },
    kinds=["evidently"],
    settings=["seed"],
)
def data_quality(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: pl.DataFrame,
    quarantine: pl.DataFrame,
) -> Partial[pl.DataFrame]:
    """What the week's data look like beside the weeks before: gaps, ranges, rejected, late."""

    def describe(cutoff: date) -> pl.DataFrame:
        result = measure_data_quality(
            interactions,
            quarantine,
            cutoff=cutoff,
            reference_weeks=REFERENCE_WEEKS,
            seed=shop.settings.seed,
        )
        path = _save(lake, monitoring.DATA_QUALITY, cutoff, result.html)
        _tell(context, monitoring.DATA_QUALITY, cutoff, path, {})
        return result.table

    return one_by_one(context, monitoring.DATA_QUALITY, describe)


def _save(lake: Lake, table: Table, cutoff: date, html: str) -> Path:
    path: Path = lake.reports / table.group / table.name / f"{cutoff}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    return path


def _tell(
    context: dg.AssetExecutionContext,
    table: Table,
    cutoff: date,
    path: Path,
    numbers: dict[str, float],
) -> None:
    context.add_asset_metadata(
        {"report": dg.MetadataValue.path(str(path)), **numbers},
        asset_key=asset_key(table),
        partition_key=cutoff.isoformat(),
    )


ASSETS = (data_drift, data_quality)
