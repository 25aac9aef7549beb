"""Sessions: which events belong to one visit, and one row about each visit.

Belongs here: the definition of a session and its summary. Does not belong here: an event's place
in its session (`temporal.py`).
"""

from datetime import timedelta

import narwhals as nw

from persona_assets.tables.mart import SESSIONS
from persona_assets.transforms.engine import with_epoch_micros
from persona_assets.transforms.exact import exact_quotient, exact_sum

INACTIVITY = timedelta(minutes=30)
"""More silence than this ends a session: the convention of web analytics since the log files."""

_VISITOR_DAY = ("user_id", "event_date", "arrival_date")
_IN_TIME = ("event_ts", "event_id")
_DEPTH = {"view": 1, "add_to_cart": 2, "purchase": 3}  # a return takes no step of the funnel: 0


def assign_sessions(interactions: nw.LazyFrame) -> nw.LazyFrame:
    """Adds `session_id` to interactions.

    A session ends with more than 30 minutes of silence or at midnight UTC. Rows that arrived on
    another day than they happened are divided by themselves, so that a late row changes no session
    already seen. Events at the same instant follow each other by `event_id`.

    Args:
        interactions: whole days of `mart/user_item_interactions`, without `session_id`.

    Returns:
        The same rows with `session_id` = `<user_id>-<yyyymmdd>-<n>`, followed by
        `-<yyyymmdd of arrival>` where that is another day; n counts from 1.
    """
    previous = nw.col("event_ts").shift(1).over(*_VISITOR_DAY, order_by=_IN_TIME)
    # The first event has no previous one: the comparison is null there.
    opens = (nw.col("event_ts") - nw.col("_previous") > INACTIVITY).fill_null(True)
    number = nw.col("_opens").cum_sum().over(*_VISITOR_DAY, order_by=_IN_TIME)
    late = nw.col("arrival_date") != nw.col("event_date")
    arrival = nw.concat_str([nw.lit("-"), _compact("arrival_date")])
    return (
        interactions.with_columns(_previous=previous)
        .with_columns(_opens=opens.cast(nw.Int64))
        .with_columns(_number=number)
        .with_columns(
            session_id=nw.concat_str(
                [
                    nw.col("user_id"),
                    nw.lit("-"),
                    _compact("event_date"),
                    nw.lit("-"),
                    nw.col("_number").cast(nw.String),
                    nw.when(late).then(arrival).otherwise(nw.lit("")),
                ]
            )
        )
        .drop("_previous", "_opens", "_number")
    )


def summarise_sessions(interactions: nw.LazyFrame) -> nw.LazyFrame:
    """One row per session.

    Args:
        interactions: rows of `mart/user_item_interactions`, whole days.

    Returns:
        Rows of `mart/sessions`.
    """
    step = nw.coalesce(
        *(nw.when(_is(name)).then(nw.lit(depth)) for name, depth in _DEPTH.items()), nw.lit(0)
    )
    bought = nw.when(_is("purchase")).then(nw.col("amount")).otherwise(nw.lit(0.0))
    summary = interactions.group_by("event_date", "session_id", "user_id", "arrival_date").agg(
        started_at=nw.col("event_ts").min(),
        ended_at=nw.col("event_ts").max(),
        events=nw.len().cast(nw.Int64),
        products=nw.col("product_id").n_unique().cast(nw.Int64),
        views=_is("view").cast(nw.Int64).sum(),
        add_to_carts=_is("add_to_cart").cast(nw.Int64).sum(),
        purchases=_is("purchase").cast(nw.Int64).sum(),
        revenue=exact_sum(bought),
        _step=step.max(),
    )
    deepest = nw.coalesce(
        *(nw.when(nw.col("_step") == depth).then(nw.lit(name)) for name, depth in _DEPTH.items()),
        nw.lit("return"),
    )
    timed = with_epoch_micros(summary, _from_us="started_at", _to_us="ended_at")
    return timed.with_columns(
        duration_s=exact_quotient(nw.col("_to_us") - nw.col("_from_us"), 1_000_000),
        depth=deepest,
        abandoned_cart=(nw.col("add_to_carts") > 0) & (nw.col("purchases") == 0),
    ).select(c.name for c in SESSIONS.columns)


def _compact(day: str) -> nw.Expr:
    """A date as `yyyymmdd`; the engines' formatters take several times as long."""
    return nw.col(day).cast(nw.String).str.replace_all("-", "", literal=True)


def _is(event_type: str) -> nw.Expr:
    return nw.col("event_type") == event_type
