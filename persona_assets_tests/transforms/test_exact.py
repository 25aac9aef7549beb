import random
from decimal import Decimal

import narwhals as nw
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.transforms.exact import exact_quotient, exact_sum

MONEY = st.decimals(min_value=-(10**7), max_value=10**7, places=4)


def total(values):
    frame = pl.DataFrame({"group": 1, "value": values}, schema_overrides={"value": pl.Float64})
    lazy = nw.from_native(frame.lazy())
    return lazy.group_by("group").agg(sum=exact_sum(nw.col("value"))).collect()["sum"][0]


@settings(max_examples=100)
@given(st.lists(MONEY, min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_money_adds_up_to_the_decimal_sum_in_every_order(amounts, rng):
    expected = float(sum(amounts, Decimal(0)))
    floats = [float(amount) for amount in amounts]
    first = total(floats)
    rng.shuffle(floats)
    assert total(floats) == first
    assert abs(first - expected) <= 1e-9 * max(1.0, abs(expected))


def test_order_would_matter_to_a_plain_sum():
    floats = [0.1] * 10 + [1e8, -1e8]
    orders = {sum(random.Random(seed).sample(floats, 12)) for seed in range(20)}
    assert len(orders) > 1
    assert {total(random.Random(seed).sample(floats, 12)) for seed in range(20)} == {1.0}


def test_large_and_small_totals_are_as_good_as_floats_can_be():
    assert total([0.3, -0.1]) == 0.2
    assert total([-0.3, 0.1]) == -0.2
    assert total([4e9, 0.25]) == 4_000_000_000.25
    assert total([-5e17, 0.25]) == -5e17
    assert total([None, 1.5]) == 1.5


def test_quotients_are_rounded_correctly():
    values = list(range(0, 10_000_000, 997))
    frame = nw.from_native(pl.DataFrame({"value": values}).lazy())
    result = frame.select(q=exact_quotient(nw.col("value"), 1_000_000)).collect()["q"].to_list()
    assert result == [value / 1_000_000 for value in values]
