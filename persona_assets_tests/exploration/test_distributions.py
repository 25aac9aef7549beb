"""Every member is in one class of its distribution, and shares add up."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.exploration.distributions import distributions
from persona_assets.lake.content_hash import content_hash
from persona_assets.tables.exploration import DISTRIBUTIONS

CUTOFF = date(2025, 3, 31)
NINE = datetime(2025, 3, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def classes(found: pl.DataFrame, name: str) -> list[tuple[float, ...]]:
    of_it = found.filter(pl.col("distribution") == name).sort("at_least")
    return of_it.select("at_least", "below", "members", "share", "total", "total_share").rows()


def test_classes_are_those_of_a_count_by_hand(mart, on_polars):
    def purchase(user, day, product, price, order):
        return {
            **{"at": NINE + day * DAY, "user_id": user, "product_id": product},
            **{"event_type": "purchase", "unit_price": price, "order_id": order},
        }

    rows = mart(
        purchase("a", 0, "p1", 1.0, "o1"),
        purchase("a", 0, "p2", 5.0, "o1"),
        purchase("a", 3, "p1", 2.0, "o2"),
        purchase("b", 0, "p1", 12.0, None),
        {"at": NINE, "user_id": "c", "product_id": "p3"},
        purchase("b", 28, "p1", 2.0, "o3"),  # on the day of the cut-off
    )
    found = on_polars(distributions, rows, cutoff=CUTOFF)
    assert dict(found.schema) == dict(DISTRIBUTIONS.polars_schema)
    assert classes(found, "basket_size") == [(1, 2, 1, 0.5, 2, 0.25), (2, 3, 1, 0.5, 6, 0.75)]
    assert classes(found, "unit_price") == [
        (1, 2, 1, 0.25, 1, 0.05),
        (2, 5, 1, 0.25, 2, 0.1),
        (5, 10, 1, 0.25, 5, 0.25),
        (10, 20, 1, 0.25, 12, 0.6),
    ]
    assert classes(found, "events_per_user") == [
        (1, 2, 2, 2 / 3, 2, 0.4),
        (2, 5, 1, 1 / 3, 3, 0.6),
    ]
    assert classes(found, "days_between_purchases") == [(2, 7, 1, 1.0, None, None)]


def test_without_prices_nothing_adds_up(mart, on_polars):
    rows = mart({"at": NINE, "event_type": "purchase", "order_id": "o"}).with_columns(
        unit_price=pl.lit(None, pl.Float64), amount=pl.lit(None, pl.Float64)
    )
    found = on_polars(distributions, rows, cutoff=CUTOFF)
    assert classes(found, "unit_price") == []
    assert classes(found, "basket_size") == [(1, 2, 1, 1.0, None, None)]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 200_000)),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_every_member_is_in_one_class(mart, on_polars, purchases):
    rows = mart(
        *(
            {
                **{"at": NINE + day * DAY, "user_id": user, "product_id": f"p{cents % 5}"},
                **{"event_type": "purchase", "unit_price": cents / 100, "order_id": f"{user}{day}"},
            }
            for user, day, cents in purchases
        )
    )
    found = on_polars(distributions, rows, cutoff=CUTOFF)
    members = dict(found.group_by("distribution").agg(pl.col("members").sum()).iter_rows())
    days = {(user, day) for user, day, _ in purchases}
    users = {user for user, _ in days}
    assert members.pop("days_between_purchases", 0) == len(days) - len(users)
    assert members == {
        "basket_size": len(days),
        "unit_price": len(purchases),
        "events_per_user": len(users),
        "events_per_product": len({cents % 5 for *_, cents in purchases}),
    }
    of_each = found.group_by("distribution").agg(pl.col("share", "total_share").sum())
    assert all(abs(share - 1) < 1e-9 for share in of_each["share"])
    assert (found["below"].is_null() | (found["below"] > found["at_least"])).all()


def test_rows_in_any_order_give_the_same_bits(mart, on_polars):
    prices = [0.1, 0.7, 2.3, 5.9, 11.1, 23.7, 51.3, 99.9, 210.7, 0.3, 1.1, 7.7]
    rows = mart(
        *(
            {"at": NINE, "event_type": "purchase", "unit_price": price, "order_id": f"o{number}"}
            for number, price in enumerate(prices * 3)
        )
    )
    found = {
        content_hash(
            on_polars(
                distributions, rows.sample(fraction=1, shuffle=True, seed=seed), cutoff=CUTOFF
            )
        )
        for seed in range(20)
    }
    assert len(found) == 1
