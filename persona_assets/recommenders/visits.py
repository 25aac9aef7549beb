"""Visits: interactions of one session, by the rows' session ids or by gaps in time.

Belongs here: which rows form a session. Does not belong here: the mart's sessions, which end at
midnight and are events too (`transforms/sessions.py`), or what a model counts in them.
"""

import polars as pl

TOGETHER = 0.5
"""Share of interactions that must share a session with another product for sessions to mean
something: where people rate or buy one thing at a time, a session is a single product and says
nothing."""
_MICROSECONDS_PER_MINUTE = 60e6


def in_visits(rows: pl.DataFrame, *, gap_minutes: float) -> pl.DataFrame:
    """The rows with the identifier of their session in the place of `user_id`.

    Sessions are those of column `session_id`, if there is one and it is never null; else a user's
    rows until a silence longer than the gap. If less than half of the interactions share their
    session with another product, a user's rows are one session.

    Args:
        rows: `user_id, product_id, event_ts, weight`, perhaps `session_id`.
        gap_minutes: silence after which a new session begins [min].
    """
    if "session_id" in rows.columns and rows["session_id"].null_count() == 0:
        session = pl.concat_str("user_id", "session_id", separator="/")
        visits = rows.with_columns(session=session)
    else:
        silence = pl.col("event_ts").diff().over("user_id").dt.total_microseconds()
        begins = (silence > gap_minutes * _MICROSECONDS_PER_MINUTE).fill_null(value=True)
        number = begins.cast(pl.Int64).cum_sum().over("user_id")
        visits = rows.sort("user_id", "event_ts", "product_id").with_columns(
            session=pl.concat_str("user_id", number, separator="/")
        )
    sizes = visits.group_by("session").agg(pl.col("product_id").n_unique().alias("products"))
    products = sizes["products"].to_numpy()
    if products[products > 1].sum() < TOGETHER * products.sum():
        return rows
    return visits.with_columns(user_id="session").drop("session")
