"""The page's chapter on the shop itself: what it takes, its funnel, and who comes back.

Belongs here: the sentence and pictures that a manager reads first. Does not belong here: which
model serves and what to do next (`champion.py`), or who the customers are (`customer_chapters.py`).
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from persona_assets.experiments.analysis import PRIMARY, REVENUE
from persona_assets.exploration.exploration_plots import (
    activity_figure,
    by_period,
    cohorts_figure,
    hours_figure,
)
from persona_assets.notation import count, number, share
from persona_assets.report.collect import Report
from persona_assets.report.content import Content, Paragraph, Section, picture
from persona_assets.tables.experiments import CONTROL

_DAY = timedelta(days=1)
_PERIOD = timedelta(days=28)
"""Four whole weeks, so that every weekday is in both periods equally often."""
_WEEK = 7
"""Days; of fewer, some weekday would look as if nobody came."""


def shop(report: Report) -> Section:
    """Revenue and the funnel over time, what the lists earn, and who buys again."""
    body: list[Content] = [Paragraph(trade(report), "finding")]
    if (lists := earned(report)) is not None:
        body.append(Paragraph(lists, "finding"))
    if by_period(report.activity)[0].height > 1:
        body += [
            picture(
                activity_figure(report.activity),
                "Revenue, and shares of the sessions that reach the cart and a purchase, over time",
            )
        ]
    if report.hourly["event_date"].n_unique() >= _WEEK:
        body += [
            Paragraph("When people come: the share of all events, by weekday and hour."),
            picture(hours_figure(report.hourly), "Share of all events by weekday and hour"),
        ]
    return Section("shop", "The shop", [*body, *_cohorts(report)])


def trade(report: Report) -> str:
    """What the last four weeks brought, beside the four weeks before them where they are known."""
    days = report.activity["event_date"].to_list()
    if not days:
        return "Nothing is known of the shop's days yet."
    first, last = min(days), max(days)
    begin = max(first, last - _PERIOD + _DAY)
    now = _totals(report.activity, begin, last)
    sentence = f"From {begin} to {last}"
    compared = first <= begin - _PERIOD
    before = _totals(report.activity, begin - _PERIOD, begin - _DAY) if compared else None
    if now.revenue:
        sentence += f" the shop took {count(round(now.revenue))}"
        if before and before.revenue:
            change = 100 * (now.revenue / before.revenue - 1)
            sentence += f" ({change:+.1f} % on the 28 days before)"
        sentence += " and"
    sentence += f" {now.converted} of {count(now.sessions)} sessions ended with a purchase"
    return f"{sentence} ({before.converted} before)." if before else f"{sentence}."


def earned(report: Report) -> str | None:
    """What came of the lists of the model that serves in the simulated week; None: unknown.

    Of control, which is the model that served when the week was simulated. Revenue only where the
    shop's prices are known.
    """
    values = dict(
        report.ab_test.filter(against=CONTROL)
        .unique("metric", maintain_order=True)
        .select("metric", "control_value")
        .iter_rows()
    )
    models = dict(report.arms.select("arm", "model").iter_rows())
    if PRIMARY not in values or CONTROL not in models:
        return None
    sentence = (
        f"In a simulated week {share(values[PRIMARY], 1)} of the users bought from the list that "
        f"{models[CONTROL]} shows them"
    )
    if REVENUE in values:
        sentence += f", for {number(values[REVENUE], 2)} per user"
    return f"{sentence}; whether they would have bought it anyway, an experiment on customers says."


@dataclass(frozen=True)
class _Totals:
    """Of some days."""

    revenue: float
    sessions: int
    purchasing_sessions: int

    @property
    def converted(self) -> str:
        """The share of sessions that ended with a purchase."""
        return share(self.purchasing_sessions, self.sessions)


def _totals(activity: pl.DataFrame, first: date, last: date) -> _Totals:
    of_days = activity.filter(pl.col("event_date").is_between(first, last))
    return _Totals(
        revenue=float(of_days["revenue"].sum()),
        sessions=int(of_days["sessions"].sum()),
        purchasing_sessions=int(of_days["sessions_to_purchase"].sum()),
    )


def _cohorts(report: Report) -> list[Content]:
    later = report.cohorts.filter(pl.col("months_since") > 0)
    if later.is_empty():
        return []
    return [
        Paragraph(
            "Of those who bought for the first time in a month, how many bought again in each "
            "month after it? In brackets: customers of the cohort."
        ),
        picture(cohorts_figure(report.cohorts), "Customers who buy again, by month"),
    ]
