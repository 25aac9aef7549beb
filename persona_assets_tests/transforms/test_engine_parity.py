"""The same tables from Polars and PySpark, to the last digit: over dirt, and over a real week."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace

import narwhals as nw
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.exploration.activity import daily_activity, hourly_activity
from persona_assets.exploration.cohorts import cohorts
from persona_assets.exploration.distributions import distributions
from persona_assets.lake.content_hash import content_hash
from persona_assets.sources.attribute_deliveries import after_delivery, product_history
from persona_assets.sources.online_retail import OnlineRetail
from persona_assets.tables import TABLES
from persona_assets.tables.raw import PRODUCT_HISTORY
from persona_assets.transforms.aggregates import item_daily, user_daily
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, accepted, clean, rejected
from persona_assets.transforms.conservation import tally
from persona_assets.transforms.sessions import summarise_sessions
from persona_assets.transforms.snapshots import item_features, user_features
from persona_assets.transforms.temporal import temporal_features
from persona_assets.transforms.training import training_set

WEEK = timedelta(days=7)
FIRST = date(2025, 3, 3)
PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data" / "online_retail.parquet"


@pytest.fixture(scope="session")
def on_spark(spark):
    """Tables into Spark and out again."""
    return (
        lambda frame: nw.from_native(spark.createDataFrame(frame.to_arrow())),
        lambda frame: frame.collect("polars").to_native(),
    )


ON_POLARS = (
    lambda frame: nw.from_native(frame.lazy()),
    lambda frame: frame.collect("polars").to_native(),
)


def all_tables(shop, first, lazy, collect):
    """Every transform in turn over nine days, each fed with the collected tables before it."""
    cutoff = first + WEEK
    days = [first + timedelta(days=number) for number in range(9)]
    eves = [cutoff - timedelta(days=back) for back in range(2, 9)]
    cleaned = lazy(
        collect(clean(lazy(shop.events), lazy(shop.products), key=b"k", weights=DEFAULT_WEIGHTS))
    )
    interactions, quarantine = collect(accepted(cleaned)), collect(rejected(cleaned))
    sessions = collect(summarise_sessions(lazy(interactions)))
    users = collect(user_daily(lazy(interactions), lazy(shop.search_logs), key=b"k"))
    items = collect(item_daily(lazy(interactions)))
    user_state = collect(user_features(lazy(users), eves))
    item_state = collect(item_features(lazy(items), eves))
    state = lazy(interactions), lazy(user_state), lazy(item_state)
    # The first days are the past of the others.
    features = temporal_features(lazy(interactions), lazy(shop.products), days[2:])
    counted = tally(lazy(shop.events), lazy(interactions), lazy(quarantine))
    return {
        "mart/user_item_interactions": interactions,
        "mart/quarantine": quarantine,
        "mart/sessions": sessions,
        "exploration/daily_activity": collect(daily_activity(lazy(interactions), lazy(sessions))),
        "exploration/hourly_activity": collect(hourly_activity(lazy(interactions))),
        "exploration/distributions": collect(distributions(lazy(interactions), cutoff=cutoff)),
        "exploration/cohorts": collect(cohorts(lazy(interactions), cutoff=cutoff)),
        "features/temporal_features": collect(features),
        "features/user_daily": users,
        "features/item_daily": items,
        "feature_store/user_features": user_state,
        "feature_store/item_features": item_state,
        "feature_store/training_set": collect(training_set(*state, cutoff=cutoff, seed=7)),
        "tally": collect(counted),
    }


def with_changes(products):
    """A catalogue's history: after four days other categories and kinds, and a product is gone."""
    first, later = (datetime.combine(FIRST + days, time(), UTC) for days in (-WEEK, WEEK / 2))
    known = after_delivery(PRODUCT_HISTORY.empty(), products.tail(-1), first)
    changed = products.with_columns(pl.col("category", "kind").reverse()).head(-1)
    return after_delivery(known, changed, later)


def assert_engines_agree(shop, first, on_spark, least):
    reference, result = (all_tables(shop, first, *engine) for engine in (ON_POLARS, on_spark))
    assert_frame_equal(reference.pop("tally"), result.pop("tally"), check_row_order=False)
    for path, expected in reference.items():
        table, found = TABLES[path], result[path]
        # Summaries have a row per day, class or month.
        assert expected.height >= (1 if table.group == "exploration" else least), path
        assert dict(found.schema) == dict(table.polars_schema), path
        order = sorted({*table.key, table.partition})
        assert_frame_equal(expected.sort(order), found.sort(order), check_exact=True)
        assert content_hash(expected) == content_hash(found), path


# Not shrunk: each attempt takes seconds, and the seed names the case.
@settings(max_examples=3, derandomize=True, database=None, phases=[Phase.generate])
@given(seed=st.integers(0, 10**9), dirt=st.sampled_from([0.1, 0.4, 0.8]))
def test_engines_agree_to_the_last_digit_over_generated_dirt(dirty_shop, on_spark, seed, dirt):
    dirty = dirty_shop(seed, rows=600, days=9, dirt=dirt)
    shop = SimpleNamespace(
        events=dirty.events, search_logs=dirty.search_logs, products=with_changes(dirty.products)
    )
    assert_engines_agree(shop, FIRST, on_spark, least=20)


def test_engines_agree_to_the_last_digit_over_a_week_of_online_retail(on_spark):
    if not PUBLISHED.is_file():
        pytest.skip(f"the UCI Online Retail data set is not at {PUBLISHED}")
    source, first = OnlineRetail(PUBLISHED), date(2011, 11, 7)
    days = [first + timedelta(days=number) for number in range(7)]
    shop = SimpleNamespace(
        events=source.events(days),
        products=product_history(PRODUCT_HISTORY.empty(), source, datetime(2026, 1, 1, tzinfo=UTC)),
        search_logs=source.search_logs(days),
    )
    assert shop.events.height > 10_000
    assert_engines_agree(shop, first, on_spark, least=100)
