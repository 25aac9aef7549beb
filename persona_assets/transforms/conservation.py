"""Counting rows from raw to mart: is each in the mart or in quarantine, exactly once?

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
    outcome = (
        nw.concat(
            [
                _marked(interactions, mart=1, quarantine=0),
                _marked(quarantine, mart=0, quarantine=1),
            ]
        )
        .group_by(*_ROW)
        .agg(nw.col("mart").sum(), nw.col("quarantine").sum())
        .rename({name: f"{name}_kept" for name in _ROW})
    )
    joined = events.select(*_ROW, raw=nw.lit(1)).join(
        outcome, left_on=list(_ROW), right_on=[f"{name}_kept" for name in _ROW], how="full"
    )
    known = joined.with_columns(
        nw.coalesce(nw.col("event_date"), nw.col("event_date_kept")).alias("event_date"),
        *[nw.col(name).fill_null(0) for name in ("raw", "mart", "quarantine")],
    )
    places = nw.col("mart") + nw.col("quarantine")
    judged = known.with_columns(
        lost=((nw.col("raw") > 0) & (places == 0)).cast(nw.Int64()),
        doubled=((nw.col("raw") > 0) & (places > 1)).cast(nw.Int64()),
        invented=((nw.col("raw") == 0) & (places > 0)).cast(nw.Int64()),
    )
    return judged.group_by("event_date").agg(*[nw.col(name).sum() for name in COUNTS])


def _marked(frame: nw.LazyFrame, *, mart: int, quarantine: int) -> nw.LazyFrame:
    return frame.select(*_ROW, mart=nw.lit(mart), quarantine=nw.lit(quarantine))
