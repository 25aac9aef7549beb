"""What people do: the funnel, seasons, popularity, and nothing before its time."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.sources.synthetic.behaviour import simulate_day

START = date(2025, 1, 6)
DAYS = [START + timedelta(n) for n in range(28)]
SHOP = SyntheticShop(DAYS[0], DAYS[-1] + timedelta(1), users=1500, products=600, seed=5)


@pytest.fixture(scope="module")
def true_events() -> pl.DataFrame:
    """What truly happened, before dirt."""
    return pl.concat(simulate_day(SHOP._tastes, SHOP.seed, day).events for day in DAYS)


@pytest.fixture(scope="module")
def orders() -> pl.DataFrame:
    return SHOP.orders(DAYS)


def test_nothing_happens_before_signup_or_launch(true_events):
    dated = true_events.join(SHOP.users(), on="user_id", how="left").join(
        SHOP.products(), on="product_id", how="left"
    )
    happened = pl.col("event_ts").dt.date()
    assert dated.select((happened >= pl.col("signup_date")).all()).item()
    assert dated.select((happened >= pl.col("launch_date")).all()).item()


def test_newcomers_and_new_products_take_part(true_events):
    users = SHOP.users().filter(pl.col("signup_date") >= START)
    products = SHOP.products().filter(pl.col("launch_date") >= START)
    assert true_events.join(users, on="user_id", how="semi")["user_id"].n_unique() > 10
    assert true_events.join(products, on="product_id", how="semi")["product_id"].n_unique() > 5


def test_view_comes_before_cart_before_purchase_before_return(true_events):
    first = (
        true_events.with_columns(day=pl.col("event_ts").dt.date())
        .group_by("day", "user_id", "product_id", "event_type")
        .agg(pl.col("event_ts").min(), lines=pl.len())
        .pivot("event_type", index=["day", "user_id", "product_id"], values="event_ts")
    )
    for before, after in (
        ("view", "add_to_cart"),
        ("add_to_cart", "purchase"),
        ("purchase", "return"),
    ):
        pairs = first.filter(pl.col(after).is_not_null())
        assert pairs.height > 0
        # A null on the left, a step without the one before it, fails too.
        assert pairs.select((pl.col(before) < pl.col(after)).fill_null(False).all()).item()
    sizes = true_events["event_type"].value_counts(sort=True)["event_type"].to_list()
    assert sizes == ["view", "add_to_cart", "purchase", "return"]


def test_no_day_repeats_another():
    """Once nobody is new any more, two Mondays would be the same if they shared a stream."""
    first, second = (
        simulate_day(SHOP._tastes, SHOP.seed, START + timedelta(weeks=week)).events.select(
            "user_id", second=pl.col("event_ts").dt.time()
        )
        for week in (30, 31)
    )
    assert first.join(second, on=["user_id", "second"], how="semi").height == 0


def test_events_stay_on_their_day_and_keep_their_names(true_events):
    named = pl.col("event_id").str.slice(1, 8)
    assert true_events.select((named == pl.col("event_ts").dt.strftime("%Y%m%d")).all()).item()
    assert true_events["event_id"].n_unique() == true_events.height
    assert true_events["event_ts"].is_sorted()


def test_a_return_takes_back_the_pieces_of_its_purchase(true_events):
    returns = true_events.filter(pl.col("event_type") == "return")
    same = ["user_id", "product_id", "unit_price", "order_id"]
    back = returns.join(
        true_events, left_on="related_event_id", right_on="event_id", suffix="_bought"
    )
    assert 0 < returns.height == back.height
    assert set(back["event_type_bought"]) == {"purchase"}
    assert back.select((pl.col("quantity") == -pl.col("quantity_bought")).all()).item()
    for column in same:
        assert (back[column] == back[f"{column}_bought"]).all()
    others = true_events.filter(pl.col("event_type") != "return")
    assert others["related_event_id"].null_count() == others.height


def test_orders_are_the_purchases(true_events, orders):
    columns = ["order_id", "user_id", "product_id", "quantity", "unit_price"]
    purchases = true_events.filter(pl.col("event_type") == "purchase").with_columns(
        timestamp=pl.col("event_ts").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    )
    columns.append("timestamp")
    assert sorted(orders.select(columns).rows()) == sorted(purchases.select(columns).rows())
    assert set(orders["status"]) == {"completed"}
    by_order = orders.group_by("order_id").agg(
        pl.col("user_id", "timestamp").n_unique(),
        lines=pl.len(),
        products=pl.col("product_id").n_unique(),
    )
    assert (by_order["user_id"] == 1).all() and (by_order["timestamp"] == 1).all()
    assert (by_order["products"] == by_order["lines"]).all()
    assert by_order["lines"].max() > 1
    browsing = true_events.filter(pl.col("event_type").is_in(["view", "add_to_cart"]))
    assert browsing["order_id"].null_count() == browsing.height
    assert (browsing["quantity"] == 1).all()


def test_popularity_has_a_head_and_a_long_tail(true_events):
    views = true_events.filter(pl.col("event_type") == "view")
    counts = views["product_id"].value_counts(sort=True)["count"].to_numpy()
    assert 0.35 < counts[: 600 // 10].sum() / counts.sum() < 0.75
    assert len(counts) > 0.9 * SHOP.products().height
    # Zipf: on log-log scale, between rank 20 and 300, close to a falling line.
    ranks = np.arange(20, 300)
    slope, _ = np.polyfit(np.log(ranks), np.log(counts[ranks]), 1)
    assert -1.3 < slope < -0.5


def test_activity_is_uneven(true_events):
    counts = true_events["user_id"].value_counts(sort=True)["count"].to_numpy()
    assert counts[: len(counts) // 10].sum() > 0.3 * counts.sum()


def test_weekends_and_evenings_are_busier(true_events):
    by_weekday = true_events["event_ts"].dt.weekday().value_counts().sort("event_ts")["count"]
    assert by_weekday[6] > 1.1 * by_weekday[1]
    by_hour = true_events["event_ts"].dt.hour().value_counts().sort("event_ts")["count"]
    assert by_hour[20] > 5 * by_hour[3]


def test_sessions_have_a_focus(true_events):
    """Consecutive views share a category far more often than a person's views at large do."""
    category = SHOP.products().select("product_id", "category")
    views = true_events.filter(pl.col("event_type") == "view").join(category, on="product_id")
    ordered = views.sort("user_id", "event_ts")
    following = ordered.with_columns(
        same=(pl.col("category") == pl.col("category").shift().over("user_id")),
        near=pl.col("event_ts").diff().over("user_id") < timedelta(minutes=10),
    )
    within = following.filter(pl.col("near"))["same"].mean()
    across = following.filter(~pl.col("near"))["same"].mean()
    assert within > 1.5 * across


def test_searches_precede_a_view_of_what_they_find(true_events):
    searches = SHOP.search_logs(DAYS)
    assert 0.3 < searches.height / (true_events["event_type"] == "view").sum() * 4.6 < 0.5
    assert (searches["results"] >= 1).all()
    products = SHOP.products()
    views = true_events.filter(pl.col("event_type") == "view").join(products, on="product_id")
    led = (
        searches.sort("arrived_at")
        .join_asof(
            views.select("user_id", "event_ts", "name").sort("event_ts"),
            left_on="arrived_at",
            right_on="event_ts",
            by="user_id",
            strategy="forward",
            check_sortedness=False,
        )
        .with_columns(noun=pl.col("query").str.split(" ").list.last())
    )
    found = led.filter(pl.col("name").str.contains(pl.col("noun"), literal=True)).height
    assert found / led.height > 0.98  # overlapping sessions of one person explain the rest


def test_a_search_counts_the_products_on_sale_with_its_words():
    searches = SHOP.search_logs(DAYS).unique(["event_date", "query"]).head(400)
    products = SHOP.products().with_columns(words=pl.col("name").str.to_lowercase())
    for day, query, results in searches.select("event_date", "query", "results").iter_rows():
        named = products.filter(
            pl.col("launch_date") <= day,
            pl.col("words").str.contains(rf"(^| ){query} \d+$"),
        )
        assert named.height == results, query
    assert searches["query"].str.contains("^(acme|wren|rowan) ").any()
