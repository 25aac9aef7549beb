"""Events that the service collected, as rows of the raw events of their days.

Belongs here: what a collected event is in `raw/events`, next to the rows that the source delivers.
Does not belong here: collecting and keeping them (`serving/collector/`).

The raw events of a day are what the source delivers for it and what the service collected of it,
whichever comes first and whichever is made again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import polars as pl

from persona_assets.lake import DeltaStore, content_hash
from persona_assets.sources.delivered_versions import NOTHING
from persona_assets.tables.collected import COLLECTED_EVENTS, RAW_TYPES
from persona_assets.tables.mart import UNUSED
from persona_assets.tables.raw import EVENTS
from persona_assets.transforms.pseudonyms import MARK

FIRST_ROW = 1_000_000_000_000
"""`source_row` of a day's first collected event: no source delivers so many rows, and a row that
the source delivers later does not change the numbers of these."""

Deliver = Callable[[Sequence[date]], pl.DataFrame]


def with_collected(deliver: Deliver, store: DeltaStore) -> Deliver:
    """`deliver` of a source's events, with the collected ones.

    Of a day that the source has no rows of any more (its file has left the folder), those that
    `raw/events` holds stay beside the collected ones.
    """

    def both(days: Sequence[date]) -> pl.DataFrame:
        delivered = deliver(days)
        if not store.exists(COLLECTED_EVENTS):
            return delivered
        collected = as_delivered(store.read(COLLECTED_EVENTS, days))
        if collected.is_empty():
            return delivered
        gone = set(collected["event_date"]) - set(delivered["event_date"])
        kept = EVENTS.empty()
        if gone and store.exists(EVENTS):
            kept = store.read(EVENTS, sorted(gone)).filter(pl.col("source_row") < FIRST_ROW)
        whole = pl.concat([each.select(EVENTS.polars_schema.names()) for each in
                           (delivered, kept, collected)])  # fmt: skip
        return whole.sort("event_date", "source_row")

    return both


def with_collected_versions(versions: Mapping[str, str], store: DeltaStore) -> dict[str, str]:
    """Day → version of what is delivered for it, by the source's and by the collected rows."""
    found = dict(versions)
    if store.exists(COLLECTED_EVENTS):
        for day, (rows, total) in store.digests(COLLECTED_EVENTS).items():
            if rows:
                found[day] = f"{found.get(day, NOTHING)}+{content_hash.render(rows, total)}"
    return found


def as_delivered(collected: pl.DataFrame) -> pl.DataFrame:
    """Rows of `raw/events`, in the order in which they arrived.

    Impressions are none: they say what the service showed, and are in `serving/impressions`.

    Args:
        collected: all rows of `raw/collected_events` of some days.
    """
    has_product = pl.col("product_id").is_not_null()
    kind = pl.col("event_type").replace_strict(dict(RAW_TYPES), default=UNUSED)
    is_return = pl.col("event_type") == "refund"
    ordered = collected.filter(pl.col("event_type") != "impression").sort(
        "event_date", "arrived_at", "event_id"
    )
    return ordered.select(
        "event_date",
        "event_id",
        "product_id",
        "arrived_at",
        "consent",
        source_row=FIRST_ROW + pl.int_range(pl.len(), dtype=pl.Int64).over("event_date"),
        user_id=pl.lit(MARK) + pl.col("user_id"),
        event_type=pl.when(has_product).then(kind).otherwise(pl.lit(UNUSED)),
        timestamp=pl.col("event_ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
        quantity=pl.when(is_return).then(-pl.col("quantity")).otherwise("quantity"),
        unit_price=pl.col("price"),
        quantity_text=pl.lit(None, pl.String),
        unit_price_text=pl.lit(None, pl.String),
        order_id=pl.lit(MARK) + pl.col("order_id"),
        related_event_id=pl.lit(None, pl.String),
    ).select(EVENTS.polars_schema.names())
