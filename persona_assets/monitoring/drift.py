"""Data drift: did the shop's week look unlike the weeks before it?

Belongs here: which columns are compared, and Evidently's drift report as rows and HTML. Does not
belong here: thresholds (`thresholds.py`), the choice of rows (`windows.py`) or figures
(`drift_plots.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.monitoring.thresholds import jensen_shannon_threshold, wasserstein_threshold
from persona_assets.monitoring.windows import (
    SAMPLED_VALUES,
    require_rows,
    sample_values,
    split_weeks,
)
from persona_assets.skipped import Skipped
from persona_assets.statistics.clustered import weekly_noise
from persona_assets.tables import TABLES

HEAD, MIDDLE = 0.5, 0.8
"""Cumulative shares of a week's events that bound the head and the middle of the assortment; the
rest is its tail."""

DECIMALS = 8
"""Decimals kept of a score. Evidently sums over a set of texts, whose order differs from process to
process, and takes the root: of two equal samples, the root of a rounding error of 1e-17."""


@dataclass(frozen=True)
class Distance:
    """A distance between two samples: Evidently's name of it, and ours."""

    method: str
    label: str


CATEGORICAL = Distance("jensenshannon", "Jensen-Shannon distance")
NUMERICAL = Distance("wasserstein", "Wasserstein distance in standard deviations")

MOST_ENDS = 128
"""Values that a number's distribution is described by at most."""
_TAIL = (0.0005, 0.001, 0.002, 0.005, 0.995, 0.998, 0.999, 0.9995)

EVENT_COLUMNS: dict[str, tuple[Distance, pl.Expr]] = {
    "event_type": (CATEGORICAL, pl.col("event_type")),
    "popularity_tier": (CATEGORICAL, pl.col("popularity_tier")),
    "weekday": (CATEGORICAL, pl.col("event_date").dt.strftime("%u")),
    "hour": (NUMERICAL, pl.col("event_ts").dt.hour().cast(pl.Float64)),
    "unit_price": (NUMERICAL, pl.col("unit_price")),
    "purchase_amount": (
        NUMERICAL,
        pl.when(pl.col("event_type") == "purchase").then(pl.col("amount")),
    ),
}
SESSION_COLUMNS: dict[str, tuple[Distance, pl.Expr]] = {
    "session_events": (NUMERICAL, pl.col("events").cast(pl.Float64)),
    "session_duration_s": (NUMERICAL, pl.col("duration_s")),
}
DISTANCES = {name: distance for name, (distance, _) in (EVENT_COLUMNS | SESSION_COLUMNS).items()}


@dataclass(frozen=True)
class DriftResult:
    """`table`: rows of monitoring/data_drift. `html`: Evidently's report, self-contained.

    `drift_share` is the share of compared columns that drifted. `skipped` has the columns that
    could not be compared.
    """

    table: pl.DataFrame
    html: str
    drift_share: float
    skipped: tuple[Skipped, ...] = ()


def data_drift(
    interactions: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    cutoff: date,
    reference_weeks: int = 4,
    seed: int,
) -> DriftResult:
    """Compare the week from `cutoff` with the up to `reference_weeks` weeks before it.

    A column without any value on one of the two sides (such as the price in a shop that logs
    none) is left out.

    Args:
        interactions: rows of mart/user_item_interactions that cover the weeks; others are ignored.
        sessions: rows of mart/sessions, likewise.
        cutoff: Monday on which the evaluated week begins.
        reference_weeks: weeks to look back.
        seed: seed of the samples that Evidently is given.

    Raises:
        InsufficientDataError: the week, or all weeks before it, hold no interactions.
    """
    current_events, reference_events = split_weeks(
        interactions, cutoff=cutoff, reference_weeks=reference_weeks
    )
    require_rows(current_events, what="the evaluated week", cutoff=cutoff)
    require_rows(reference_events, what="the weeks before the evaluated week", cutoff=cutoff)
    current_sessions, reference_sessions = split_weeks(
        sessions, cutoff=cutoff, reference_weeks=reference_weeks
    )
    events = with_popularity_tier(pl.concat([reference_events, current_events]))
    of_week = pl.col("event_date") >= cutoff
    current = _values(events.filter(of_week), current_sessions)
    reference = _values(events.filter(~of_week), reference_sessions)
    compared = [name for name in DISTANCES if len(current[name]) and len(reference[name])]

    rng = np.random.default_rng(seed)
    samples = {
        name: (
            sample_values(current[name]["value"], rng),
            sample_values(reference[name]["value"], rng),
        )
        for name in compared
    }
    thresholds = {
        name: threshold(current[name], reference[name], kind=DISTANCES[name], tests=len(compared))
        for name in compared
    }
    scores, html = _report(samples, thresholds)
    table = pl.DataFrame(
        [
            {
                "cutoff": cutoff,
                "column": name,
                "method": DISTANCES[name].label,
                "score": scores[name],
                "threshold": thresholds[name],
                "drifted": scores[name] >= thresholds[name],
                "current_rows": len(current[name]),
                "reference_rows": len(reference[name]),
            }
            for name in compared
        ],
        schema=TABLES["monitoring/data_drift"].polars_schema,
    )
    drift_share = float(table["drifted"].cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]
    return DriftResult(table, html, drift_share, _incomparable(current, reference))


def threshold(
    current: pl.DataFrame, reference: pl.DataFrame, *, kind: Distance, tests: int
) -> float:
    """Distance from which a column drifted, by how much it moves from week to week by itself.

    Args:
        current: `value`, `user_id` and `week` (any number that orders weeks) of the week's rows.
        reference: likewise, of the weeks before.
        kind: of the distance.
        tests: columns compared together.
    """
    rows = pl.concat([reference, current])
    person = rows["user_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    week = rows["week"].rank("dense").cast(pl.Int64).to_numpy() - 1
    if kind is CATEGORICAL:
        category = rows["value"].rank("dense").cast(pl.Int64).to_numpy() - 1
        noise = weekly_noise(category, person, week, sampled=SAMPLED_VALUES)
        return jensen_shannon_threshold(noise, tests=tests)
    values = rows["value"].to_numpy()
    ends = _ends(values)
    category = np.searchsorted(ends, values, side="left")
    noise = weekly_noise(category, person, week, cumulative=True, sampled=SAMPLED_VALUES)
    return wasserstein_threshold(
        noise, ends, deviation=float(reference["value"].to_numpy().std()), tests=tests
    )


def _ends(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values that describe a distribution, its smallest and largest among them."""
    different = np.unique(values)
    if len(different) <= MOST_ENDS:
        return different
    at = np.concatenate([np.linspace(0, 1, MOST_ENDS - len(_TAIL)), _TAIL])
    return np.unique(np.quantile(values, at, method="nearest"))


def _incomparable(
    current: Mapping[str, pl.DataFrame], reference: Mapping[str, pl.DataFrame]
) -> tuple[Skipped, ...]:
    """The columns without a value on one of the two sides."""
    sides = (("in the weeks before", reference), ("in the evaluated week", current))
    return tuple(
        Skipped(f"there is no value {where}", part=name)
        for name in DISTANCES
        for where, values in sides
        if not len(values[name])
    )


def with_popularity_tier(events: pl.DataFrame) -> pl.DataFrame:
    """Add `popularity_tier`: the tier that the event's product had in the calendar week before.

    `head`: the bestsellers that together drew `HEAD` of that week's events; `middle`: the next,
    up to `MIDDLE`; `tail`: the rest; `new`: no event in that week; null: the frame holds nothing
    of that week. Ranking by the *previous* week, on both sides of the comparison, keeps the
    comparison fair: products ranked by the very events that are then counted always look more
    popular than they turn out to be.

    Args:
        events: has `event_date` and `product_id`.
    """
    week = pl.col("event_date").dt.truncate("1w")
    events = events.with_columns(week=week)
    drawn = pl.col("events").cum_sum().over("week")
    total = pl.col("events").sum().over("week")
    # Share drawn by more popular products: a bestseller that alone exceeds HEAD is still head.
    ahead = (drawn - pl.col("events")) / total
    tiers = (
        events.group_by("week", "product_id")
        .agg(events=pl.len())
        .sort("week", "events", "product_id", descending=[False, True, False])
        .select(
            pl.col("week").dt.offset_by("1w"),
            "product_id",
            popularity_tier=pl.when(ahead < HEAD)
            .then(pl.lit("head"))
            .when(ahead < MIDDLE)
            .then(pl.lit("middle"))
            .otherwise(pl.lit("tail")),
        )
    )
    follows_known_week = pl.col("week").is_in(tiers["week"].unique().implode())
    return (
        events.join(tiers, on=["week", "product_id"], how="left", maintain_order="left")
        .with_columns(
            popularity_tier=pl.when(follows_known_week).then(
                pl.col("popularity_tier").fill_null("new")
            )
        )
        .drop("week")
    )


def _values(events: pl.DataFrame, sessions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Non-null `value`s of every compared column, with `user_id` and `week`.

    They are in an order that rows' order cannot change.
    """
    by_event, by_session = events.sort("event_id"), sessions.sort("session_id")
    week = pl.col("event_date").dt.truncate("1w").dt.epoch("d").alias("week")
    return {
        name: frame.select(expression.alias("value"), "user_id", week).drop_nulls("value")
        for frame, columns in ((by_event, EVENT_COLUMNS), (by_session, SESSION_COLUMNS))
        for name, (_, expression) in columns.items()
    }


def _report(
    samples: Mapping[str, tuple[pl.Series, pl.Series]], thresholds: Mapping[str, float]
) -> tuple[dict[str, float], str]:
    """Evidently's score of every column, and its HTML."""
    from evidently import DataDefinition, Dataset, Report  # 8 s to import
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(
        categorical_columns=[name for name in samples if DISTANCES[name] is CATEGORICAL],
        numerical_columns=[name for name in samples if DISTANCES[name] is NUMERICAL],
    )
    # Columns side by side, padded with nulls, which Evidently drops column by column: events and
    # sessions then share one report, and each column is compared on all its values.
    current, reference = (
        Dataset.from_pandas(
            pl.concat(
                [pair[side].alias(name).to_frame() for name, pair in samples.items()],
                how="horizontal_extend",
            ).to_pandas(),
            data_definition=definition,
        )
        for side in (0, 1)
    )
    preset = DataDriftPreset(
        columns=list(samples),
        per_column_method={name: DISTANCES[name].method for name in samples},
        per_column_threshold=dict(thresholds),
    )
    run = Report([preset]).run(current, reference)
    scores = {
        metric["config"]["column"]: float(metric["value"])
        for metric in run.dict()["metrics"]
        if "column" in metric["config"]
    }
    # Rounding can leave the divergence of equal distributions just below zero; its root is NaN.
    scores = {
        name: 0.0 if np.isnan(score) else round(score, DECIMALS) for name, score in scores.items()
    }
    return scores, run.get_html_str(as_iframe=False)
