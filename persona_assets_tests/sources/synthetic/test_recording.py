"""Planted dirt: counted again from the raw columns alone, by rules written here afresh."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest

from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.sources.synthetic.behaviour import simulate_day
from persona_assets.sources.synthetic.recording import soil
from persona_assets.tables.mart import RULES

START = date(2025, 1, 6)
DAYS = [START + timedelta(n) for n in range(14)]
SHOP = SyntheticShop(DAYS[0], DAYS[-1] + timedelta(1), users=1500, products=600, seed=3)
NORMALISED = ("late_arrival", "other_time_zone", "other_date_format")


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return SHOP.events(DAYS)


@pytest.fixture(scope="module")
def truth() -> dict[str, int]:
    return SHOP.planted_truth(DAYS)


def read(text: str) -> tuple[datetime, str]:
    """Event time and the notation it is written in."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC), "other_date_format"
    if "/" in text:
        return datetime.strptime(text, "%d/%m/%Y %H:%M:%S").replace(tzinfo=UTC), "other_date_format"
    moment = datetime.fromisoformat(text)
    return moment, "iso" if text.endswith("Z") else "other_time_zone"


def judge(row: dict, seen: set, known: set) -> str:
    """First broken rule in the order of the mart's rules, or what is unusual about the row."""
    content = tuple(value for name, value in row.items() if name != "source_row")
    if content in seen:
        return "exact_duplicate"
    seen.add(content)
    moment, notation = read(row["timestamp"])
    broken = {
        "no_consent": not row["consent"],
        "missing_user": row["user_id"] is None,
        "missing_product": row["product_id"] is None,
        "implausible_timestamp": moment > row["arrived_at"],
        "unknown_product": row["product_id"] not in known,
        "negative_price": row["unit_price"] is not None and row["unit_price"] < 0,
    }
    for rule in RULES:
        if broken.get(rule):
            return rule
    assert moment.astimezone(UTC).date() == row["event_date"]
    assert row["arrived_at"] >= moment
    if row["arrived_at"].date() > row["event_date"]:
        assert notation == "iso"
        return "late_arrival"
    return notation


def test_planted_truth_is_what_an_independent_count_finds(events, truth):
    seen: set = set()
    known = set(SHOP.products()["product_id"])
    verdicts = pl.Series([judge(row, seen, known) for row in events.iter_rows(named=True)])
    counted = dict(verdicts.value_counts().iter_rows())
    clean = counted.pop("iso") + sum(counted[kind] for kind in NORMALISED)
    assert counted | {"raw_rows": events.height, "clean_rows": clean} == truth
    assert all(count > 0 for count in truth.values())


def test_truth_adds_up_over_days_and_names_the_marts_rules(truth):
    alone = [SHOP.planted_truth([day]) for day in DAYS]
    assert {name: sum(day[name] for day in alone) for name in truth} == truth
    rejected = {name for name in truth if name in RULES}
    assert set(truth) - rejected == {*NORMALISED, "raw_rows", "clean_rows"}
    assert truth["raw_rows"] - truth["clean_rows"] == sum(truth[name] for name in rejected)


def test_truth_of_no_days_is_zero(truth):
    assert SHOP.planted_truth([]) == dict.fromkeys(truth, 0)


def test_dirt_is_rare(truth):
    for name, count in truth.items():
        if name not in ("raw_rows", "clean_rows", "no_consent"):
            assert 0.001 < count / truth["raw_rows"] < 0.015, name


def test_late_rows_arrive_one_to_three_days_after_the_others_on_their_own_day(events):
    arrival = pl.col("arrived_at").dt.date() - pl.col("event_date")
    days = events.select(arrival.dt.total_days())["arrived_at"]
    assert set(days) == {0, 1, 2, 3}
    assert (days > 0).mean() == pytest.approx(0.008, rel=0.3)


def test_punctual_rows_of_the_last_second_still_arrive_on_their_day():
    events = simulate_day(SHOP._tastes, SHOP.seed, DAYS[0]).events
    midnight = datetime(2025, 1, 7, tzinfo=UTC)
    last = events.with_columns(
        event_ts=pl.lit(midnight - timedelta(seconds=1)).cast(pl.Datetime("us", "UTC"))
    )
    recorded = soil(last, np.random.default_rng(0), DAYS[0])
    late = recorded["outcome"] == "late_arrival"
    assert late.any()
    punctual = recorded.filter(~late & pl.col("consent"))
    assert punctual["arrived_at"].max() == midnight - timedelta(microseconds=1)
    assert punctual["arrived_at"].min() > midnight - timedelta(seconds=1)


def test_both_time_zones_and_both_formats_occur(events):
    clean = events["timestamp"]
    assert clean.str.ends_with("+02:00").any() and clean.str.ends_with("-05:00").any()
    assert clean.str.contains(r"^\d\d/\d\d/\d{4} ").any() and clean.str.contains(r"^\d+$").any()
    zones = {read(text)[0].utcoffset() for text in clean.filter(clean.str.contains(r"\d-05:00$"))}
    assert zones == {timezone(timedelta(hours=-5)).utcoffset(None)}


def test_recording_moves_no_event(events):
    """Whatever the notation, the moment is the one that truly was, to the second."""
    truly = simulate_day(SHOP._tastes, SHOP.seed, DAYS[0]).events
    moments = dict(truly.select("event_id", "event_ts").iter_rows())
    for event_id, text, arrived in (
        events.filter(pl.col("event_date") == DAYS[0])
        .select("event_id", "timestamp", "arrived_at")
        .iter_rows()
    ):
        moment, _ = read(text)
        if moment <= arrived:
            assert timedelta(0) <= moments[event_id] - moment < timedelta(seconds=1)
        else:
            assert moment - moments[event_id] >= timedelta(days=700)


def test_consent_belongs_to_the_person(events):
    per_user = events.drop_nulls("user_id").group_by("user_id").agg(pl.col("consent").n_unique())
    assert (per_user["consent"] == 1).all()
    refused = events.filter(~pl.col("consent"))["user_id"].n_unique()
    assert 0.01 < refused / per_user.height < 0.06
    searches = SHOP.search_logs(DAYS).select("user_id", "consent").unique()
    given = events.drop_nulls("user_id").select("user_id", "consent").unique()
    both = searches.join(given, on="user_id", suffix="_events")
    assert (both["consent"] == both["consent_events"]).all()
