"""The same tables from Polars and PySpark, to the last digit, over very dirty rows."""

from datetime import date, timedelta

import narwhals as nw
import pytest
from polars.testing import assert_frame_equal

from persona_assets.tables import TABLES
from persona_assets.transforms.aggregates import item_daily, user_daily
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS, clean
from persona_assets.transforms.sessions import sessions
from persona_assets.transforms.snapshots import item_features, user_features
from persona_assets.transforms.temporal import temporal_features
from persona_assets.transforms.training import training_set

CUTOFF = date(2025, 3, 10)
DAYS = [date(2025, 3, 3) + timedelta(days=number) for number in range(9)]
EVES = [CUTOFF - timedelta(days=back) for back in range(2, 9)]


def all_tables(shop, lazy, collect):
    """Every transform in turn, each fed with the collected tables before it."""
    mart, quarantine = clean(
        lazy(shop.events), lazy(shop.products), key=b"key", weights=DEFAULT_WEIGHTS
    )
    interactions = collect(mart)
    users = collect(user_daily(lazy(interactions), lazy(shop.search_logs), key=b"key"))
    items = collect(item_daily(lazy(interactions)))
    user_state = collect(user_features(lazy(users), EVES))
    item_state = collect(item_features(lazy(items), EVES))
    state = lazy(interactions), lazy(user_state), lazy(item_state)
    features = temporal_features(lazy(interactions), lazy(shop.products), DAYS[1:])
    return {
        "mart/user_item_interactions": interactions,
        "mart/quarantine": collect(quarantine),
        "mart/sessions": collect(sessions(lazy(interactions))),
        "features/temporal_features": collect(features),
        "features/user_daily": users,
        "features/item_daily": items,
        "feature_store/user_features": user_state,
        "feature_store/item_features": item_state,
        "feature_store/training_set": collect(training_set(*state, cutoff=CUTOFF, seed=7)),
    }


@pytest.fixture(scope="module")
def by_engine(dirty_shop, lazy, collect):
    shop = dirty_shop(20_250_303, rows=500, days=len(DAYS))
    reference = all_tables(
        shop,
        lambda frame: nw.from_native(frame.lazy()),
        lambda frame: frame.collect("polars").to_native(),
    )
    return reference, all_tables(shop, lazy, collect)


@pytest.mark.parametrize(
    "path",
    [
        "mart/user_item_interactions",
        "mart/quarantine",
        "mart/sessions",
        "features/temporal_features",
        "features/user_daily",
        "features/item_daily",
        "feature_store/user_features",
        "feature_store/item_features",
        "feature_store/training_set",
    ],
)
def test_engines_agree_to_the_last_digit(by_engine, path):
    reference, result = (tables[path] for tables in by_engine)
    assert dict(result.schema) == dict(TABLES[path].polars_schema)
    assert reference.height > 20
    order = sorted({*TABLES[path].key, TABLES[path].partition})
    assert_frame_equal(reference.sort(order), result.sort(order), check_exact=True)
