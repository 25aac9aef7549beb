"""Bringing the served-list log into the lake: every logged list in `serving/served_lists`, once.

Belongs here: rows of the log's records. Does not belong here: how far a log was brought in
(`serving/event_log/ingestion.py`), what followed from a list (`impressions.py`).
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.serving.event_log import ingestion
from persona_assets.serving.event_log.ingestion import RECORDS, Destination, Ingested
from persona_assets.serving.served.record import ServedList, decoded
from persona_assets.tables.collected import SERVED_LISTS

_OF_LIST = (
    "recommendation_id", "user_id", "route", "context", "placement", "item_id", "model", "version",
    "path", "latency_us", "experiment", "arm",
)  # fmt: skip


def ingest(folder: Path, store: DeltaStore, *, records: int = RECORDS) -> Ingested:
    """Bring in all that the log in `folder` has; see `ingestion.ingest`."""
    return ingestion.ingest(folder, store, LISTS, records=records)


def rows_of(lists: Sequence[ServedList]) -> pl.DataFrame:
    """Rows of `serving/served_lists`: one per product; an empty list has none."""
    schema = SERVED_LISTS.polars_schema
    whole = pl.DataFrame(
        {name: [getattr(each, name) for each in lists] for name in _OF_LIST}
        | {
            "served_at": [each.served_at for each in lists],
            "product_id": [each.products for each in lists],
            "position": [list(range(1, len(each.products) + 1)) for each in lists],
            "score": [each.scores for each in lists],
            "propensity": [each.propensities or [1.0] * len(each.products) for each in lists],
        },
        schema={name: schema[name] for name in _OF_LIST}
        | {
            "served_at": pl.Int64(),
            "product_id": pl.List(pl.String()),
            "position": pl.List(pl.Int64()),
            "score": pl.List(pl.Float64()),
            "propensity": pl.List(pl.Float64()),
        },
    )
    instant = pl.Datetime("us", "UTC")
    return (
        whole.filter(pl.col("product_id").list.len() > 0)
        .explode("product_id", "position", "score", "propensity")
        .with_columns(
            pl.col("served_at").cast(instant),
            event_date=pl.col("served_at").cast(instant).dt.date(),
        )
        .select(schema.names())
    )


def _rows(payloads: Sequence[bytes]) -> pl.DataFrame:
    return rows_of([decoded(each) for each in payloads])


def _arrival(payload: bytes) -> int:
    return decoded(payload).served_at


LISTS = Destination(SERVED_LISTS, ("recommendation_id", "position"), _rows, _arrival)
"""Where the records of the served-list log go."""
