from collections import Counter
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.tables.feature_store import ITEM_FEATURES, TRAINING_SET, USER_FEATURES
from persona_assets.transforms.aggregates import item_daily, user_daily
from persona_assets.transforms.snapshots import item_features, user_features
from persona_assets.transforms.training import LABEL_DAYS, NEGATIVES, training_set

CUTOFF = date(2025, 3, 10)
DAY = timedelta(days=1)
KEY = list(TRAINING_SET.key)


def at(day, hour=9):
    return datetime(2025, 3, day, hour, tzinfo=UTC)


def snapshots(names, days, table=ITEM_FEATURES):
    """Snapshots of the named entities on each of the days; `events_30d` tells them apart."""
    rows = [
        dict.fromkeys(table.polars_schema, 0)
        | {"as_of": day, table.key[1]: name, "events_30d": 100 * day.day + number}
        for day in days
        for number, name in enumerate(names)
    ]
    return pl.DataFrame(rows, schema=table.polars_schema)


EVES = [CUTOFF - back * DAY for back in range(2, LABEL_DAYS + 2)]
CATALOGUE = [f"p{number:02}" for number in range(40)]
ITEMS = snapshots(CATALOGUE, EVES)
USERS = snapshots(["u", "v"], EVES, USER_FEATURES)


def test_labels_weights_and_the_eves_features(mart, on_polars):
    rows = mart(
        {"at": at(4), "product_id": "p01"},
        {"at": at(4), "product_id": "p01", "event_type": "purchase", "unit_price": 1.0},
        {"at": at(9), "product_id": "p02", "user_id": "w"},
        {"at": at(5), "product_id": "p03", "event_type": "return", "unit_price": 1.0},
        {"at": at(2, 23), "product_id": "p04"},  # eight days before the cut-off
    )
    result = on_polars(training_set, rows, USERS, ITEMS, cutoff=CUTOFF, seed=1).sort(KEY)
    assert dict(result.schema) == dict(TRAINING_SET.polars_schema)
    assert set(result["cutoff"]) == {CUTOFF}
    names = ["label_date", "user_id", "product_id", "weight", "user_events_30d", "item_events_30d"]
    positives = result.filter(pl.col("label") == 1)
    assert positives.select(names).rows() == [
        (date(2025, 3, 4), "u", "p01", 5.0, 300, 301),
        (date(2025, 3, 9), "w", "p02", 1.0, None, 802),
    ]
    negatives = result.filter(pl.col("label") == 0)
    assert negatives.group_by("label_date", "user_id").len().sort("label_date").rows() == [
        (date(2025, 3, 4), "u", NEGATIVES),
        (date(2025, 3, 9), "w", NEGATIVES),
    ]
    assert set(negatives["weight"]) == {0.0}


def test_negatives_are_on_sale_not_interacted_with_and_different(mart, on_polars):
    interacted = CATALOGUE[:6]
    rows = mart(
        *({"at": at(4), "product_id": name} for name in interacted[:4]),
        *(
            {"at": at(4), "product_id": name, "event_type": "return", "unit_price": 1.0}
            for name in interacted[4:]
        ),
        {"at": at(4), "product_id": "not on sale the day before"},
    )
    result = on_polars(training_set, rows, USERS, ITEMS, cutoff=CUTOFF, seed=3)
    assert result.select(KEY).is_unique().all()
    negatives = result.filter(pl.col("label") == 0)
    assert negatives.height == 5 * NEGATIVES
    assert set(negatives["product_id"]) <= set(CATALOGUE) - set(interacted)


def test_a_small_catalogue_gives_all_without_interaction(mart, on_polars):
    rows = mart({"at": at(4), "product_id": "p00"}, {"at": at(4), "product_id": "p01"})
    few = ITEMS.filter(pl.col("product_id") < "p05")
    result = on_polars(training_set, rows, USERS, few, cutoff=CUTOFF, seed=3)
    negatives = result.filter(pl.col("label") == 0)
    assert sorted(negatives["product_id"]) == ["p02", "p03", "p04"]


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_every_product_is_sampled_about_equally_often(mart, on_polars, seed):
    people = [f"user {number}" for number in range(500)]
    rows = mart(*({"at": at(4), "product_id": "p00", "user_id": name} for name in people))
    result = on_polars(training_set, rows, USERS, ITEMS, cutoff=CUTOFF, seed=seed)
    negatives = result.filter(pl.col("label") == 0)
    counts = Counter(negatives["product_id"])
    assert set(counts) == set(CATALOGUE[1:])
    expected = 500 * NEGATIVES / 39
    # Neighbours of p00 on the circle are drawn a little more often, in its place.
    assert max(counts.values()) < 2.5 * expected
    assert min(counts.values()) > 0.4 * expected


def test_another_seed_gives_another_sample(mart, on_polars):
    rows = mart(*({"at": at(4), "product_id": "p00", "user_id": name} for name in "abcdef"))
    one, again, other = (
        on_polars(training_set, rows, USERS, ITEMS, cutoff=CUTOFF, seed=seed).sort(KEY)
        for seed in (1, 1, 2)
    )
    assert one.equals(again)
    assert not one.equals(other)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**9))
def test_nothing_from_the_cut_off_on_moves_it(dirty_mart, dirty_shop, on_polars, seed):
    rows = dirty_mart(seed, rows=120, days=10, dirt=0.2)
    logs = dirty_shop(seed, rows=120, days=10, dirt=0.2).search_logs
    start = datetime(2025, 3, 10, tzinfo=UTC)
    known = rows.filter(pl.col("event_ts") < start, pl.col("arrived_at") < start)
    known_logs = logs.filter(pl.col("event_date") < CUTOFF, pl.col("arrived_at") < start)

    def chain(rows, logs):
        users = on_polars(user_daily, rows, logs, key=b"k")
        items = on_polars(item_daily, rows)
        return on_polars(
            training_set,
            rows,
            on_polars(user_features, users, EVES),
            on_polars(item_features, items, EVES),
            cutoff=CUTOFF,
            seed=seed,
        ).sort(KEY)

    shuffled = known.sample(fraction=1, shuffle=True, seed=1)
    assert rows.height > known.height
    assert_frame_equal(chain(rows, logs), chain(shuffled, known_logs), check_exact=True)
