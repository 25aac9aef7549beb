"""Row counts from raw to mart: each row is in the mart or in quarantine, exactly once.

Belongs here: promise 1 of the platform as a frame. What rejects a row is `cleaning.py`'s.
"""

import narwhals as nw

_ROW = ("event_date", "source_row")
COUNTS = ("raw", "mart", "quarantine", "lost", "doubled", "invented")


def tally(
    events: nw.LazyFrame, interactions: nw.LazyFrame, quarantine: nw.LazyFrame
) -> nw.LazyFrame:
    """Rows per day: `event_date` and the `COUNTS`.

    Args:
        events: rows of raw/events.
        interactions: rows of mart/user_item_interactions of the same days.
        quarantine: rows of mart/quarantine of the same days.

    `lost` raw rows are in neither table, `doubled` ones occur more than once in the two, and
    `invented` rows of the two have no raw row.
    """
    places = {"raw": events, "mart": interactions, "quarantine": quarantine}
    marked = [
        frame.select(*_ROW, *(nw.lit(int(name == place), nw.Int64).alias(name) for name in places))
        for place, frame in places.items()
    ]
    found = nw.concat(marked).group_by(*_ROW).agg(*(nw.col(name).sum() for name in places))
    is_raw, kept = nw.col("raw") > 0, nw.col("mart") + nw.col("quarantine")
    counted = found.with_columns(
        lost=(is_raw & (kept == 0)).cast(nw.Int64()),
        doubled=(is_raw & (kept > 1)).cast(nw.Int64()),
        invented=(~is_raw).cast(nw.Int64()),
    )
    return counted.group_by("event_date").agg(*(nw.col(name).sum() for name in COUNTS))
