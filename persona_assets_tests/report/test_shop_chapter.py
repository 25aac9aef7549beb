"""The sentence on the shop compares like with like, and says nothing that is not known."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from persona_assets.report.content import Picture
from persona_assets.report.shop_chapter import shop, trade
from persona_assets.tables.exploration import COHORTS, DAILY_ACTIVITY, HOURLY_ACTIVITY

FIRST = date(2025, 1, 6)


def days(count: int, **values: object) -> pl.DataFrame:
    filler = {c.name: 0 for c in DAILY_ACTIVITY.columns}
    rows = [
        {**filler, **values, "event_date": FIRST + timedelta(days=number)}
        for number in range(count)
    ]
    return pl.DataFrame(rows, schema=DAILY_ACTIVITY.polars_schema)


def test_four_weeks_are_compared_with_the_four_before(bare):
    before = days(28, revenue=100.0, sessions=10, sessions_to_purchase=1)
    now = days(28, revenue=110.0, sessions=10, sessions_to_purchase=2).with_columns(
        event_date=pl.col("event_date") + timedelta(days=28)
    )
    report = replace(bare, activity=pl.concat([before, now]))
    assert trade(report) == (
        "From 2025-02-03 to 2025-03-02 the shop took 3,080 (+10.0 % on the 28 days before) and "
        "20.0 % of 280 sessions ended with a purchase (10.0 % before)."
    )


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (days(0), "Nothing is known of the shop's days yet."),
        (
            days(3, revenue=1.0, sessions=2, sessions_to_purchase=1),
            "From 2025-01-06 to 2025-01-08 the shop took 3 and 50.0 % of 6 sessions ended with a "
            "purchase.",
        ),
        # Without prices there is no revenue to speak of.
        (
            days(1, sessions=4),
            "From 2025-01-06 to 2025-01-06 0.0 % of 4 sessions ended with a purchase.",
        ),
        # 55 days: the period before is not whole.
        (
            days(55, revenue=1.0, sessions=1),
            "From 2025-02-02 to 2025-03-01 the shop took 28 and 0.0 % of 28 sessions ended with a "
            "purchase.",
        ),
    ],
)
def test_what_is_not_known_is_not_compared(bare, known, said):
    assert trade(replace(bare, activity=known)) == said


def test_pictures_need_more_than_one_point(bare):
    def pictures(report):
        return sum(isinstance(part, Picture) for part in shop(report).body)

    first = {"cutoff": FIRST, "cohort": "2025-01", "months_since": 0, "complete": True}
    first |= {"cohort_customers": 2, "customers": 2, "retention": 1.0, "revenue": 1.0}
    again = {**first, "months_since": 1, "customers": 1, "retention": 0.5}
    one, two = (pl.DataFrame(rows, COHORTS.polars_schema) for rows in ([first], [first, again]))
    assert pictures(bare) == 0
    assert pictures(replace(bare, activity=days(1), cohorts=one)) == 0
    assert pictures(replace(bare, activity=days(90, sessions=1), cohorts=two)) == 2


@pytest.mark.parametrize(("known", "shown"), [(0, False), (6, False), (7, True)])
def test_hours_are_shown_when_every_weekday_was_seen(bare, known, shown):
    filler = {column.name: 1 for column in HOURLY_ACTIVITY.columns}
    rows = [{**filler, "event_date": FIRST + timedelta(days=n), "hour": 9} for n in range(known)]
    report = replace(bare, hourly=pl.DataFrame(rows, schema=HOURLY_ACTIVITY.polars_schema))
    pictures = [part.description for part in shop(report).body if isinstance(part, Picture)]
    assert ("Share of all events by weekday and hour" in pictures) is shown
