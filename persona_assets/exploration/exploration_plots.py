"""Plots of a shop's events: activity and funnel over time, hours, cohorts, distributions.

Belongs here: drawing rows of the tables of group `exploration`. Does not belong here: computing
them.
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from persona_assets.plotting import colour, new_figure
from persona_assets.tables.exploration import (
    BASKET_SIZE,
    DAYS_BETWEEN_PURCHASES,
    EVENTS_PER_PRODUCT,
    EVENTS_PER_USER,
    UNIT_PRICE,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAILY_UP_TO = 70
"""Days that are drawn one by one; longer ranges by week, since the weekday's pattern hides all."""
_COHORTS = 12
_MEASURED = {
    BASKET_SIZE: ("orders", "their amount"),
    UNIT_PRICE: ("purchased lines", "their amount"),
    EVENTS_PER_USER: ("users", "their events"),
    EVENTS_PER_PRODUCT: ("products", "their events"),
    DAYS_BETWEEN_PURCHASES: ("intervals", None),
}
"""What the two bars of a class are shares of; None: nothing adds up."""


def by_period(activity: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Daily activity summed up for drawing, and the word for its periods: `day` or `week`.

    Args:
        activity: rows of `exploration/daily_activity`.

    Returns:
        `period` (its first day), `revenue, sessions, sessions_to_cart, sessions_to_purchase`,
        whole weeks only where they are weeks.
    """
    measures = ("revenue", "sessions", "sessions_to_cart", "sessions_to_purchase")
    if activity.height <= _DAILY_UP_TO:
        days = activity.select("event_date", *measures).rename({"event_date": "period"})
        return days.sort("period"), "day"
    week = pl.col("event_date").dt.truncate("1w").alias("period")
    weeks = activity.group_by(week).agg(pl.col(*measures).sum()).sort("period")
    first, last = activity["event_date"].min(), activity["event_date"].max()
    whole = (pl.col("period") >= first) & (pl.col("period").dt.offset_by("6d") <= last)
    return weeks.filter(whole), "week"


def activity_figure(activity: pl.DataFrame) -> "Figure":
    """Revenue, and the share of sessions that reach the cart and a purchase, over time.

    Args:
        activity: rows of `exploration/daily_activity`, at least one.
    """
    periods, word = by_period(activity)
    figure = new_figure(7.0, 4.6)
    above, below = figure.subplots(2, 1, sharex=True)
    days = periods["period"].to_list()
    above.plot(days, periods["revenue"], color=colour(0))
    above.set_ylabel(f"revenue per {word}")
    above.set_ylim(bottom=0)
    sessions = periods["sessions"].to_numpy()
    for number, (column, label) in enumerate(
        [("sessions_to_cart", "cart or more"), ("sessions_to_purchase", "purchase")], start=1
    ):
        shares = 100 * periods[column].to_numpy() / np.maximum(sessions, 1)
        below.plot(days, shares, color=colour(number), label=label)
    below.set_ylabel("of sessions reach, %")
    below.set_ylim(bottom=0)
    below.legend(frameon=False)
    figure.autofmt_xdate()
    return figure


def hours_figure(hourly: pl.DataFrame) -> "Figure":
    """Events by weekday and hour, as a share of all.

    Args:
        hourly: rows of `exploration/hourly_activity`, at least one.
    """
    events = np.zeros((7, 24))
    weekday = (pl.col("event_date").dt.weekday() - 1).alias("weekday")
    counted = hourly.group_by(weekday, "hour").agg(pl.col("events").sum())
    for day, hour, count in counted.iter_rows():
        events[day, hour] = count
    figure = new_figure(7.0, 2.6)
    axes = figure.subplots()
    image = axes.imshow(100 * events / events.sum(), aspect="auto", cmap="Blues", vmin=0)
    axes.set_yticks(range(7), _WEEKDAYS)
    axes.set_xticks(range(0, 24, 3))
    axes.set_xlabel("hour, UTC")
    figure.colorbar(image, ax=axes, label="of events, %")
    return figure


def cohorts_figure(cohorts: pl.DataFrame) -> "Figure":
    """Share of each month's first-time customers who bought in the months after it.

    Args:
        cohorts: rows of `exploration/cohorts` of one cut-off, at least one.
    """
    names = cohorts["cohort"].unique().sort().to_list()[-_COHORTS:]
    # In its first month all of a cohort have bought: that column says nothing where others do.
    later = cohorts.filter(pl.col("cohort").is_in(names), pl.col("months_since") > 0)
    shown = cohorts if later.is_empty() else later
    months = shown["months_since"].to_list()
    first, last = min(months), max(months)
    shares = np.full((len(names), last - first + 1), np.nan)
    for row in shown.iter_rows(named=True):
        shares[names.index(row["cohort"]), row["months_since"] - first] = 100 * row["retention"]
    figure = new_figure(7.0, max(2.4, 1.4 + 0.28 * len(names)))
    axes = figure.subplots()
    top = max(float(np.nanmax(shares)), 1.0)
    image = axes.imshow(shares, aspect="auto", cmap="Blues", vmin=0, vmax=top)
    for row in shown.iter_rows(named=True):
        share = 100 * row["retention"]
        axes.text(
            row["months_since"] - first,
            names.index(row["cohort"]),
            f"{share:.0f}{'' if row['complete'] else '+'}",
            ha="center",
            va="center",
            color="white" if share > 0.6 * top else "black",
            fontsize=8,
        )
    sizes = dict(cohorts.select("cohort", "cohort_customers").unique().iter_rows())
    axes.set_yticks(range(len(names)), [f"{name} ({sizes[name]:,})" for name in names])
    axes.set_xticks(range(last - first + 1), [str(month) for month in range(first, last + 1)])
    axes.set_xlabel("months since the first purchase; +: the month is not over")
    figure.colorbar(image, ax=axes, label="bought, %")
    return figure


def distributions_figure(distributions: pl.DataFrame) -> "Figure":
    """Members of each class, and what the class adds up to, as shares of all.

    Args:
        distributions: rows of `exploration/distributions` of one cut-off, at least one.
    """
    names = distributions["distribution"].unique().sort().to_list()
    figure = new_figure(7.0, 1.9 * len(names))
    for axes, name in zip(np.atleast_1d(figure.subplots(len(names), 1)), names, strict=True):
        rows = distributions.filter(pl.col("distribution") == name).sort("at_least")
        whole = name != UNIT_PRICE
        labels = [
            _class(low, high, whole=whole)
            for low, high in rows.select("at_least", "below").iter_rows()
        ]
        places = np.arange(len(labels))
        members, total = _MEASURED[name]
        added_up = total is not None and not rows["total_share"].is_null().any()
        width = 0.4 if added_up else 0.8
        left = places - 0.2 if added_up else places
        axes.bar(left, 100 * rows["share"].to_numpy(), width, color=colour(0), label=members)
        if added_up:
            of_total = 100 * rows["total_share"].to_numpy()
            axes.bar(places + 0.2, of_total, width, color=colour(1), label=total)
        axes.set_xticks(places, labels, fontsize=8)
        axes.set_ylabel("%")
        axes.set_title(name.replace("_", " "), loc="left", fontsize=9)
        axes.legend(frameon=False, fontsize=8)
    return figure


def _class(low: int, high: int | None, *, whole: bool) -> str:
    """`5–9`, `2` or `20+` of whole numbers, `5 to 10` of others."""
    if high is None:
        return f"{low}+"
    if not whole:
        return f"{low} to {high}"
    return f"{low}" if high - low == 1 else f"{low}–{high - 1}"
