"""Data quality: what the week's rows look like, and how many were rejected or late.

Belongs here: measures per column of the mart and of the week as a whole, and Evidently's summary as
HTML. Does not belong here: evaluating single rows (the mart's quarantine) or comparing
distributions (`drift.py`).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from persona_assets.monitoring.windows import require_rows, sample_values, split_weeks
from persona_assets.tables import TABLES

DESCRIBED = (
    "user_id",
    "product_id",
    "session_id",
    "order_id",
    "event_type",
    "quantity",
    "unit_price",
    "amount",
)
NUMERICAL = ("quantity", "unit_price", "amount")
SUMMARISED = {"event_type": "categorical", **dict.fromkeys(NUMERICAL, "numerical")}
"""Columns of the HTML report: identifiers say nothing there, and those of people stay out of it."""


@dataclass(frozen=True)
class QualityResult:
    """`table`: rows of monitoring/data_quality. `html`: Evidently's summary, self-contained."""

    table: pl.DataFrame
    html: str


def measure_data_quality(
    interactions: pl.DataFrame,
    quarantine: pl.DataFrame,
    *,
    cutoff: date,
    reference_weeks: int = 4,
    seed: int = 0,
) -> QualityResult:
    """Describe the week from `cutoff` beside the up to `reference_weeks` weeks before it.

    Measures per column: `missing_share` and `distinct`; for numbers also `mean`, `std`, `min`,
    `q05`, `median`, `q95`, `max`. Of the week as a whole (column `*`): `rows` of the mart,
    `rejected_share` of the delivered rows that went to quarantine, and `late_share` of the mart's
    rows that arrived on a later day than they happened. Counts (`rows`, `distinct`) of the
    reference are means over its weeks that have rows, everything else is taken over all its rows
    together. A measure without a value in the week (the mean of nothing) has no row.

    Args:
        interactions: rows of mart/user_item_interactions that cover the weeks; others are ignored.
        quarantine: rows of mart/quarantine, likewise.
        cutoff: Monday on which the evaluated week begins.
        reference_weeks: weeks to look back.
        seed: seed of the samples that Evidently is given for the HTML; the table uses every row.

    Raises:
        InsufficientDataError: the week holds no interactions.
    """
    current, reference = split_weeks(interactions, cutoff=cutoff, reference_weeks=reference_weeks)
    require_rows(current, what="the evaluated week", cutoff=cutoff)
    rejected = quarantine.with_columns(arrival_date=pl.col("arrived_at").dt.date())
    current_rejected, reference_rejected = split_weeks(
        rejected, cutoff=cutoff, reference_weeks=reference_weeks
    )
    values = _measure(current, current_rejected)
    references = _measure(reference, reference_rejected) if reference.height else {}
    table = pl.DataFrame(
        [
            {
                "cutoff": cutoff,
                "column": column,
                "measure": measure,
                "value": value,
                "reference": references.get((column, measure)),
            }
            for (column, measure), value in values.items()
            if value is not None
        ],
        schema=TABLES["monitoring/data_quality"].polars_schema,
    )
    return QualityResult(table, _html(current, reference, seed=seed))


def _measure(rows: pl.DataFrame, rejected: pl.DataFrame) -> dict[tuple[str, str], float | None]:
    """Every measure by column and name; counts are means over the weeks that have rows."""
    by_week = rows.group_by(pl.col("event_date").dt.truncate("1w"))
    distinct = by_week.agg(pl.col(DESCRIBED).drop_nulls().n_unique(), rows=pl.len()).mean()
    measures: dict[tuple[str, str], float | None] = {
        ("*", "rows"): distinct["rows"].item(),
        ("*", "rejected_share"): rejected.height / (rejected.height + rows.height),
        ("*", "late_share"): rows.select(
            (pl.col("arrival_date") > pl.col("event_date")).mean()
        ).item(),
    }
    for name in DESCRIBED:
        measures[name, "missing_share"] = rows[name].is_null().mean()  # type: ignore[assignment]
        measures[name, "distinct"] = distinct[name].item()
    for name in NUMERICAL:
        # Sorted: a sum of floats depends, in its last digits, on the order of its terms.
        values = rows[name].drop_nulls().cast(pl.Float64).sort()
        measures |= {
            (name, "mean"): values.mean(),  # type: ignore[dict-item]
            (name, "std"): values.std(),  # type: ignore[dict-item]
            (name, "min"): values.min(),  # type: ignore[dict-item]
            (name, "q05"): values.quantile(0.05, "linear"),
            (name, "median"): values.median(),  # type: ignore[dict-item]
            (name, "q95"): values.quantile(0.95, "linear"),
            (name, "max"): values.max(),  # type: ignore[dict-item]
        }
    return measures


def _html(current: pl.DataFrame, reference: pl.DataFrame, *, seed: int) -> str:
    """Evidently's summary of samples of both sides; of the week alone if there is no reference."""
    from evidently import DataDefinition, Dataset, Report  # 8 s to import
    from evidently.presets import DataSummaryPreset

    definition = DataDefinition(
        categorical_columns=[name for name, kind in SUMMARISED.items() if kind == "categorical"],
        numerical_columns=[name for name, kind in SUMMARISED.items() if kind == "numerical"],
    )
    rng = np.random.default_rng(seed)

    def dataset(rows: pl.DataFrame) -> Dataset | None:
        if rows.is_empty():
            return None
        ordered = rows.sort("event_id")
        sample = ordered[sample_values(pl.int_range(ordered.height, eager=True), rng)]
        return Dataset.from_pandas(
            sample.select(*SUMMARISED).to_pandas(), data_definition=definition
        )

    # Of a column without any value, as where a shop has no prices, Evidently divides 0 by 0, shows
    # no number, and would warn whoever runs it of a line of its own.
    with np.errstate(invalid="ignore"):
        run = Report([DataSummaryPreset()]).run(dataset(current), dataset(reference))
        return str(run.get_html_str(as_iframe=False))
