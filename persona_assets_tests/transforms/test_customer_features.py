"""Customers computed by hand, by a plain loop, in every order of rows and on both engines."""

import math
import random
import statistics
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.lake.content_hash import content_hash
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import PRODUCTS
from persona_assets.tables.segmentation import CUSTOMER_FEATURES
from persona_assets.tables.verify import violations
from persona_assets.transforms.customer_features import compute_customer_features

CUTOFF = date(2025, 12, 1)  # a Monday
MIDNIGHT = datetime(2025, 12, 1, tzinfo=UTC)
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
FIRST_INSTANT = MIDNIGHT - 364 * DAY
CATEGORIES = {"p1": "lamps", "p2": "chairs", "p3": None, "p4": "chairs", "p5": "apples"}
GOODS = pl.DataFrame(
    [{"product_id": name, "category": category} for name, category in CATEGORIES.items()],
    schema=PRODUCTS.polars_schema,
)
LIVES = pl.DataFrame({"user_id": ["regular", "once", "stranger"], "country": ["France", None, "?"]})
NO_PURCHASE = {
    "orders": 0, "lines": 0, "products": 0, "categories": 0, "gross_spend": 0.0,
    "first_purchase_at": None, "last_purchase_at": None, "recency_days": None,
    "tenure_days": None, "average_order_value": None, "days_between_orders": None,
    "favourite_weekday": None, "favourite_hour": None, "monthly_spend_mean": None,
    "monthly_spend_std": None, "spend_trend": None, "spend_trend_se": None,
    "top_category": None, "top_category_share": None, "category_evenness": None,
}  # fmt: skip


def bought(at, amount, order="1", product="p1", user="u", **more):
    """A purchased line, or a returned one where the amount is negative."""
    return {
        "event_date": at.date(),
        "event_ts": at,
        "arrived_at": at,
        "user_id": user,
        "product_id": product,
        "event_type": "purchase" if amount >= 0 else "return",
        "amount": float(amount),
        "order_id": order,
    } | more


def lines(rows):
    return pl.DataFrame(
        [dict.fromkeys(USER_ITEM_INTERACTIONS.polars_schema) | row for row in rows],
        schema=USER_ITEM_INTERACTIONS.polars_schema,
    )


def features(on_polars, rows, products=GOODS, lives=LIVES, cutoff=CUTOFF):
    frame = rows if isinstance(rows, pl.DataFrame) else lines(rows)
    return on_polars(compute_customer_features, frame, lives, products, cutoff=cutoff)


def only(on_polars, rows):
    [row] = features(on_polars, rows).to_dicts()
    return row


def at(month, day, hour=12, minute=0):
    return datetime(2025, month, day, hour, minute, tzinfo=UTC)


REGULAR = [
    bought(at(9, 10, 10, 1), 20, "A", "p2", "regular"),
    bought(at(9, 10, 10), 10, "A", "p1", "regular"),
    bought(at(10, 15, 10, 30), 5, "B", "p1", "regular"),
    bought(at(10, 15, 10, 30), 7, "B", "p3", "regular"),
    bought(at(11, 28, 9), 20, "C", "p4", "regular"),
    bought(at(11, 29, 9), -10, "D", "p4", "regular"),
]
ONCE = [bought(MIDNIGHT - MICROSECOND, 3.5, "E", "p1", "once")]
RETURNER = [
    bought(FIRST_INSTANT - MICROSECOND, 80, "F", "p1", "returner"),
    bought(at(3, 1), -30.25, "G", "p1", "returner"),
    bought(at(3, 1), -1, "G", "p2", "returner"),
    bought(at(4, 1), -0.75, "H", "p1", "returner"),
]
NO_CUSTOMERS = [
    bought(FIRST_INSTANT - MICROSECOND, 80, "I", user="gone"),
    bought(at(11, 1), 0, user="visitor", event_type="view", order_id=None),
]


def test_hand_computed_customers(lazy, collect):
    rows = lines([*REGULAR, *ONCE, *RETURNER, *NO_CUSTOMERS])
    found = collect(compute_customer_features(lazy(rows), lazy(LIVES), lazy(GOODS), cutoff=CUTOFF))
    assert dict(found.schema) == dict(CUSTOMER_FEATURES.polars_schema)
    found = {row["user_id"]: row for row in found.to_dicts()}
    assert found.keys() == {"regular", "once", "returner"}
    assert found["regular"] == {
        "cutoff": CUTOFF,
        "user_id": "regular",
        "country": "France",
        "first_purchase_at": at(9, 10, 10),
        "last_purchase_at": at(11, 28, 9),
        "recency_days": 2.625,  # Friday 9:00 to Monday 0:00
        "tenure_days": pytest.approx(81 + 14 / 24, rel=1e-15),
        "orders": 3,
        "return_orders": 1,
        "return_rate": 0.25,
        "lines": 5,
        "products": 4,
        "gross_spend": 62.0,
        "returned_spend": 10.0,
        "net_spend": 52.0,
        "average_order_value": 62 / 3,
        "days_between_orders": pytest.approx((81 + 14 / 24 - 2.625) / 2, rel=1e-15),
        "favourite_weekday": 3,
        "favourite_hour": 10,
        # Periods of four weeks with 30, 12 and 20: deviations 28/3, -26/3 and -2/3.
        "monthly_spend_mean": 62 / 3,
        "monthly_spend_std": pytest.approx(math.sqrt(488 / 3 / 2)),
        "spend_trend": pytest.approx(-5.0),
        # Residuals 13/3, -26/3 and 13/3.
        "spend_trend_se": pytest.approx(math.sqrt(338 / 3 / 1 / 2)),
        "categories": 2,
        "top_category": "chairs",
        "top_category_share": 40 / 55,
        "category_evenness": 0.845350937,
    }
    assert found["once"] == {
        "cutoff": CUTOFF,
        "user_id": "once",
        "country": None,
        "first_purchase_at": MIDNIGHT - MICROSECOND,
        "last_purchase_at": MIDNIGHT - MICROSECOND,
        "recency_days": 1 / 86_400_000_000,
        "tenure_days": 1 / 86_400_000_000,
        "orders": 1,
        "return_orders": 0,
        "return_rate": 0.0,
        "lines": 1,
        "products": 1,
        "gross_spend": 3.5,
        "returned_spend": 0.0,
        "net_spend": 3.5,
        "average_order_value": 3.5,
        "days_between_orders": None,
        "favourite_weekday": 7,
        "favourite_hour": 23,
        "monthly_spend_mean": 3.5,
        "monthly_spend_std": None,
        "spend_trend": None,
        "spend_trend_se": None,
        "categories": 1,
        "top_category": "lamps",
        "top_category_share": 1.0,
        "category_evenness": 0.0,
    }
    # Who only returns: two documents, the purchase lies before the window.
    assert found["returner"] == NO_PURCHASE | {
        "cutoff": CUTOFF,
        "user_id": "returner",
        "country": None,
        "return_orders": 2,
        "return_rate": 1.0,
        "returned_spend": 32.0,
        "net_spend": -32.0,
    }


def test_nobody_to_look_at_gives_an_empty_table(on_polars):
    for rows in (USER_ITEM_INTERACTIONS.empty(), lines(NO_CUSTOMERS)):
        found = features(on_polars, rows)
        assert_frame_equal(found, CUSTOMER_FEATURES.empty())


def test_the_window_is_52_weeks_to_the_microsecond(on_polars):
    inside = bought(FIRST_INSTANT, 1, "a")
    row = only(on_polars, [inside, bought(FIRST_INSTANT - MICROSECOND, 2, "b")])
    assert (row["orders"], row["tenure_days"], row["gross_spend"]) == (1, 364.0, 1.0)
    assert row["monthly_spend_mean"] == pytest.approx(1 / 13)


def test_ties_go_to_the_first_weekday_hour_and_category(on_polars):
    rows = [
        bought(at(11, 9, 20), 10, "a", "p1"),  # Sunday
        bought(at(11, 10, 8), 10, "b", "p2"),  # Monday
        bought(at(11, 11, 14), 10, "c", "p5"),  # Tuesday
    ]
    row = only(on_polars, rows)
    assert (row["favourite_weekday"], row["favourite_hour"]) == (1, 8)
    assert (row["top_category"], row["top_category_share"]) == ("apples", 1 / 3)
    assert row["category_evenness"] == 1.0


def test_weekday_and_hour_count_orders_not_lines(on_polars):
    long = [bought(at(11, 9, 20), 1, "a", f"p{number}") for number in (1, 2, 3, 4)]
    row = only(on_polars, [*long, bought(at(11, 11, 8), 1, "b"), bought(at(11, 18, 8), 1, "c")])
    assert (row["favourite_weekday"], row["favourite_hour"], row["lines"]) == (2, 8, 6)


def test_orders_at_one_instant_are_no_time_apart(on_polars):
    row = only(on_polars, [bought(at(11, 3), 1, "a"), bought(at(11, 3), 2, "b")])
    assert (row["orders"], row["days_between_orders"]) == (2, 0.0)


def test_lines_without_an_order_number_form_an_order_per_instant(on_polars):
    times = (at(11, 3), at(11, 3), at(11, 5), at(11, 7))
    row = only(on_polars, [bought(each, 1, None) for each in times])
    assert (row["orders"], row["days_between_orders"], row["lines"]) == (3, 2.0, 4)


def test_a_return_under_the_number_of_its_order_is_a_document_of_its_own(on_polars):
    row = only(on_polars, [bought(at(11, 3), 5, "a"), bought(at(11, 4), -5, "a")])
    assert (row["orders"], row["return_orders"], row["return_rate"]) == (1, 1, 0.5)
    assert (row["gross_spend"], row["net_spend"], row["last_purchase_at"]) == (5.0, 0.0, at(11, 3))


def test_equal_spend_in_every_period_is_a_flat_line(on_polars):
    rows = [bought(MIDNIGHT - 28 * n * DAY, 12.5, f"{n}") for n in range(1, 14)]
    row = only(on_polars, rows)
    names = ("monthly_spend_mean", "monthly_spend_std", "spend_trend", "spend_trend_se")
    assert [row[name] for name in names] == [12.5, 0.0, 0.0, 0.0]


def test_periods_without_purchases_count_as_nothing_spent(on_polars):
    row = only(on_polars, [bought(MIDNIGHT - 100 * DAY, 40, "a")])
    # Four periods: 40, 0, 0, 0.
    assert (row["monthly_spend_mean"], row["monthly_spend_std"]) == (10.0, 20.0)
    assert row["spend_trend"] == pytest.approx(-12.0)


def test_a_slope_through_two_periods_has_no_standard_error(on_polars):
    row = only(on_polars, [bought(at(10, 20), 4, "a"), bought(at(11, 20), 10, "b")])
    assert (row["spend_trend"], row["spend_trend_se"]) == (6.0, None)


def test_sums_have_no_float_dust(on_polars):
    row = only(on_polars, [bought(at(11, 3), 0.1, f"{n}") for n in range(3)])
    assert (row["gross_spend"], row["net_spend"]) == (0.3, 0.3)


def random_lines(seed, users=4, rows=120):
    """Lines before, in and after the window, late ones, ties of all kinds, numbers used again."""
    rng = random.Random(seed)
    made = []
    for _ in range(rows):
        when = MIDNIGHT - timedelta(days=rng.randrange(-10, 400), hours=rng.choice([0, 0, 5, 12]))
        late = timedelta(days=rng.choice([0, 0, 0, 3, 500]))
        kind = rng.choice(["purchase", "purchase", "purchase", "return", "view", "add_to_cart"])
        price = rng.choice([0.01, 5.0, 5.0, 19.99, round(rng.uniform(0.001, 900), 3)])
        made.append(
            bought(
                when,
                {"purchase": price, "return": -price}.get(kind, 0.0),
                rng.choice([None, f"{when:%j}", f"{when:%j}", "again"]),
                rng.choice([*CATEGORIES, "unheard of"]),
                f"u{rng.randrange(users)}",
                event_type=kind,
                arrived_at=when + late,
            )
        )
    return lines(made)


def plain(rows):
    """The contract in plain Python, over a list of rows."""
    known = defaultdict(list)
    for row in rows:
        seen = FIRST_INSTANT <= row["event_ts"] < MIDNIGHT and row["arrived_at"] < MIDNIGHT
        if seen and row["event_type"] in ("purchase", "return"):
            known[row["user_id"]].append(row)
    return {user: plain_customer(theirs) for user, theirs in known.items()}


def plain_customer(rows):
    purchases = [row for row in rows if row["event_type"] == "purchase"]
    returns = [row for row in rows if row["event_type"] == "return"]
    back = math.fsum(-(row["amount"] or 0.0) for row in returns)
    documents = plain_orders(returns)
    values = NO_PURCHASE | {
        "return_orders": len(documents),
        "return_rate": len(documents) / (len(documents) + len(plain_orders(purchases))),
        "returned_spend": back,
        "net_spend": -back,
    }
    if not purchases:
        return values
    orders = sorted(plain_orders(purchases).values(), key=lambda order: order["at"])
    times, gross = (
        [order["at"] for order in orders],
        math.fsum(r["amount"] or 0.0 for r in purchases),
    )
    gaps = [(later - earlier) / DAY for earlier, later in pairwise(times)]
    last = max(row["event_ts"] for row in purchases)
    return (
        values
        | plain_periods(orders)
        | plain_categories(purchases)
        | {
            "first_purchase_at": times[0],
            "last_purchase_at": last,
            "recency_days": (MIDNIGHT - last) / DAY,
            "tenure_days": (MIDNIGHT - times[0]) / DAY,
            "orders": len(orders),
            "lines": len(purchases),
            "products": len({row["product_id"] for row in purchases}),
            "gross_spend": gross,
            "net_spend": gross - back,
            "average_order_value": gross / len(orders),
            "days_between_orders": statistics.mean(gaps) if gaps else None,
            "favourite_weekday": commonest(each.isoweekday() for each in times),
            "favourite_hour": commonest(each.hour for each in times),
        }
    )


def plain_orders(rows):
    orders = {}
    for row in rows:
        number = row["order_id"] or row["event_ts"]
        order = orders.setdefault(number, {"at": row["event_ts"], "spend": []})
        order["at"] = min(order["at"], row["event_ts"])
        order["spend"].append(row["amount"] or 0.0)
    return orders


def commonest(values):
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def plain_periods(orders):
    ends = [MIDNIGHT - 28 * number * DAY for number in range(14)]
    spend = [
        math.fsum(x for order in orders if start <= order["at"] < end for x in order["spend"])
        for end, start in pairwise(ends)
    ]
    while ends[len(spend) - 1] <= orders[0]["at"]:
        spend.pop()
    spend.reverse()
    time = list(range(len(spend)))
    found = {"monthly_spend_mean": statistics.mean(spend)}
    if len(spend) > 1:
        line = statistics.linear_regression(time, spend)
        found |= {"monthly_spend_std": statistics.stdev(spend), "spend_trend": line.slope}
    if len(spend) > 2:
        rest = sum(
            (y - line.intercept - line.slope * x) ** 2 for x, y in zip(time, spend, strict=True)
        )
        about = sum((x - statistics.mean(time)) ** 2 for x in time)
        found["spend_trend_se"] = math.sqrt(rest / (len(spend) - 2) / about)
    return found


def plain_categories(purchases):
    spend = defaultdict(float)
    for row in purchases:
        if category := CATEGORIES.get(row["product_id"]):
            spend[category] += row["amount"] or 0.0
    if not spend:
        return {}
    total, top = sum(spend.values()), min(spend, key=lambda name: (-round(spend[name], 6), name))
    entropy = -sum(x / total * math.log(x / total) for x in spend.values())
    return {
        "categories": len(spend),
        "top_category": top,
        "top_category_share": spend[top] / total,
        "category_evenness": entropy / math.log(len(spend)) if len(spend) > 1 else 0.0,
    }


def assert_equal_to_plain(found, expected):
    found = found.rows_by_key("user_id", named=True, unique=True)
    assert found.keys() == expected.keys()
    for user, values in expected.items():
        # A trend of 0 leaves dust of the size of a cent's billionth.
        approximate = {
            name: pytest.approx(value, rel=1e-9, abs=1e-8) if isinstance(value, float) else value
            for name, value in values.items()
        }
        assert {name: found[user][name] for name in values} == approximate
        assert values.keys() == set(CUSTOMER_FEATURES.polars_schema) - {
            "cutoff", "user_id", "country",
        }  # fmt: skip


@settings(max_examples=40)
@given(seed=st.integers(0, 10**9), rows=st.sampled_from([3, 30, 200]))
def test_customers_agree_with_a_plain_loop(on_polars, seed, rows):
    made = random_lines(seed, rows=rows)
    found = features(on_polars, made)
    assert_equal_to_plain(found, plain(made.to_dicts()))
    assert (found["cutoff"] == CUTOFF).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10**9))
def test_customers_keep_their_contract_in_every_order_of_rows(on_polars, seed):
    made = random_lines(seed, users=9)
    found = features(on_polars, made)
    broken = violations(
        nw.from_native(found.lazy()),
        CUSTOMER_FEATURES,
        {},
        lambda frame: frame.collect("polars").to_native(),
    )
    assert not any(broken.values()), broken
    again = features(on_polars, made.sample(fraction=1.0, shuffle=True, seed=seed % 2**32))
    assert_frame_equal(found.sort("user_id"), again.sort("user_id"), check_exact=True)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**9))
def test_the_future_and_what_arrived_in_it_change_nothing(on_polars, seed):
    made = random_lines(seed)
    unseen = (pl.col("event_ts") >= MIDNIGHT) | (pl.col("arrived_at") >= MIDNIGHT)
    old = pl.col("event_ts") < FIRST_INSTANT
    worse = made.with_columns(
        amount=pl.when(unseen | old).then(pl.col("amount") * 99).otherwise("amount"),
        user_id=pl.when(unseen | old).then(pl.lit("u0")).otherwise("user_id"),
    )
    past = features(on_polars, made.filter(~unseen & ~old))
    for rows in (made, worse):
        found = features(on_polars, rows)
        assert_frame_equal(found.sort("user_id"), past.sort("user_id"), check_exact=True)


def test_repeated_products_and_people_double_nobody(on_polars):
    once = features(on_polars, lines(REGULAR))
    twice = features(
        on_polars, lines(REGULAR), pl.concat([GOODS, GOODS]), pl.concat([LIVES, LIVES])
    )
    assert_frame_equal(once, twice)


def test_engines_agree_to_the_last_digit(spark, on_polars):
    rows = pl.concat(
        [lines([*REGULAR, *ONCE, *RETURNER, *NO_CUSTOMERS]), random_lines(1, 60, 2_000)]
    )
    expected = features(on_polars, rows)
    on_spark = (
        nw.from_native(spark.createDataFrame(frame.to_arrow())) for frame in (rows, LIVES, GOODS)
    )
    found = compute_customer_features(*on_spark, cutoff=CUTOFF).collect("polars").to_native()
    assert dict(found.schema) == dict(CUSTOMER_FEATURES.polars_schema)
    assert expected.height > 60
    assert_frame_equal(expected.sort("user_id"), found.sort("user_id"), check_exact=True)
    assert content_hash(expected) == content_hash(found)
