"""Promise 3: nothing that is made for a cut-off moves when rows from its future are planted.

Two shops differ only in rows that happened or arrived at or after Monday `W`. The planted rows are
many and loud, and some lie exactly on the boundary. At the midnight of `W` the second shop also
delivers other attributes of all people and products, and new ones.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from persona_assets.definitions import HOME
from persona_assets.lake.content_hash import content_hash
from persona_assets.orchestration.partitions import days_of
from persona_assets.orchestration.resources.build import resources_of
from persona_assets.recommenders import MODELS
from persona_assets.sources.attribute_deliveries import product_history, user_history
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.tables import TABLES
from persona_assets.tables.raw import PRODUCT_HISTORY, USER_HISTORY
from persona_assets.transforms.attribute_history import as_known_at

DAILY = HOME.calendar.daily

W = date(2025, 1, 20)
DAY = timedelta(days=1)
MIDNIGHT = datetime(2025, 1, 20, tzinfo=UTC)
INSTANT = pl.lit(MIDNIGHT, dtype=pl.Datetime("us", "UTC"))
ISO = "%Y-%m-%dT%H:%M:%S%.6fZ"

BY_CUTOFF = [
    "features/item_embeddings", "features/user_embeddings", "feature_store/training_set",
    *(model.artefact.path for model in MODELS.values()), "models/registry",
    "recommendations/top_k",
    "segmentation/customer_features", "segmentation/segmentation_model",
    "segmentation/clustering_comparison", "segmentation/customer_segments",
    "segmentation/segment_profiles", "segmentation/segment_traits", "segmentation/cleaning_steps",
]  # fmt: skip
SNAPSHOTS = ["feature_store/user_features", "feature_store/item_features"]
FACTS = [
    "mart/user_item_interactions", "mart/sessions",
    "features/temporal_features", "features/user_daily", "features/item_daily",
]  # fmt: skip
EVALUATED = [
    "evaluation/offline_metrics", "evaluation/recommendation_analysis",
    "evaluation/segment_metrics", "evaluation/pairwise_comparison", "evaluation/cold_start",
]  # fmt: skip


def with_new_ids(rows: pl.DataFrame, prefix: str) -> pl.DataFrame:
    return rows.with_columns(event_id=prefix + pl.col("event_id"))


@pytest.fixture(scope="module")
def planted_events(shop: SyntheticShop) -> pl.DataFrame:
    """Rows from the future of `W`: what they are about is what real events were not about."""
    days = days_of(DAILY.get_partition_keys())
    events = shop.events(days).filter(
        pl.col("consent"),
        pl.col("user_id").is_not_null(),
        pl.col("product_id").is_in(shop.products()["product_id"].implode()),
        pl.col("event_type") == "view",
    )
    rarest = events["product_id"].value_counts().sort("count", "product_id")["product_id"][:5]
    loud = events.with_columns(
        product_id=rarest.gather(events["source_row"] % 5),
        quantity=pl.lit(3),
        unit_price=pl.lit(999.0),
        event_type=pl.lit("purchase"),
        order_id=pl.lit("planted"),
    )
    later = loud.filter(pl.col("event_date") >= W)
    earlier = loud.filter(pl.col("event_date") < W)
    late = earlier.with_columns(arrived_at=INSTANT + pl.duration(hours=pl.col("source_row") % 90))
    on_the_boundary = earlier.filter(pl.col("event_date") == W - timedelta(days=1)).with_columns(
        timestamp=(INSTANT - pl.duration(microseconds=1)).dt.strftime(ISO), arrived_at=INSTANT
    )
    at_midnight = later.filter(pl.col("event_date") == W).with_columns(
        timestamp=INSTANT.dt.strftime(ISO), arrived_at=INSTANT
    )
    strangers = late.with_columns(user_id=pl.lit("planted-stranger"))
    delivered_again = earlier.with_columns(arrived_at=INSTANT)  # under the event's own identifier
    return pl.concat(
        [
            with_new_ids(later, "later-"),
            with_new_ids(late, "late-"),
            with_new_ids(on_the_boundary, "boundary-"),
            with_new_ids(at_midnight, "midnight-"),
            with_new_ids(strangers, "stranger-"),
            delivered_again,
        ]
    )


class ShopWithOtherAttributes:
    """A shop in which every attribute of people and products is another than in `shop`."""

    def __init__(self, shop: Any) -> None:
        self._shop = shop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)

    def affinity(self, user_ids: Any, product_ids: Any, on: date) -> Any:
        """Nobody can want the planted products: the made-up shop has no tastes for them."""
        planted = np.array([product.startswith("planted-") for product in product_ids])
        affinity = np.full((len(user_ids), len(product_ids)), -np.inf)
        own = [product for product, other in zip(product_ids, planted, strict=True) if not other]
        affinity[:, ~planted] = self._shop.affinity(user_ids, own, on)
        return affinity

    def users(self) -> pl.DataFrame:
        users = self._shop.users()
        strangers = users.head(5).with_columns(user_id=pl.lit("planted-") + pl.col("user_id"))
        moved = users.with_columns(country=pl.col("country").reverse(), signup_date=None)
        return pl.concat([moved.tail(-3), strangers.with_columns(signup_date=None)]).cast(
            users.schema
        )

    def products(self) -> pl.DataFrame:
        products = self._shop.products()
        newcomers = products.head(5).with_columns(
            product_id=pl.lit("planted-") + pl.col("product_id")
        )
        other = products.with_columns(
            pl.col("name", "category", "brand").reverse(), price=pl.col("price").rank() * 10
        )
        # The first three are no longer sold.
        return pl.concat([other.tail(-3), newcomers.with_columns(launch_date=None)]).cast(
            products.schema
        )


@pytest.fixture(scope="module")
def planted(
    open_shared_graph: Callable[..., Any],
    shop_with_more_rows: Callable[..., Any],
    shop: SyntheticShop,
    planted_events: pl.DataFrame,
) -> Any:
    """The graph over the shop with the planted rows, which delivers its attributes twice."""
    searches = shop.search_logs(days_of(DAILY.get_partition_keys()))
    late_searches = searches.with_columns(
        pl.max_horizontal("arrived_at", INSTANT).alias("arrived_at"), query=pl.lit("planted")
    )
    other = ShopWithOtherAttributes(shop_with_more_rows(shop, planted_events, late_searches))
    graph = open_shared_graph("planted", other)
    store = graph.store
    store.overwrite(USER_HISTORY, user_history(USER_HISTORY.empty(), shop, MIDNIGHT - DAY))
    store.overwrite(PRODUCT_HISTORY, product_history(PRODUCT_HISTORY.empty(), shop, MIDNIGHT - DAY))
    resources_of(graph.defs)["shop"].clock = lambda: MIDNIGHT
    graph.run("daily_tables", "2025-01-01", "2025-01-28")
    graph.run("weekly_training", "2025-01-13", "2025-01-27")
    # A leaked stranger would stop this run: the tests below then say what leaked.
    graph.run("weekly_evaluation", "2025-01-13", assets=EVALUATED, must_succeed=False)
    return graph


@pytest.mark.parametrize("path", BY_CUTOFF)
def test_what_is_made_for_a_cutoff_does_not_see_its_future(
    path: str, whole: Any, planted: Any
) -> None:
    found = planted.hashes(path.partition("/")[0])[path]
    for cutoff in ("2025-01-13", "2025-01-20"):
        assert found[cutoff] == whole.hashes[path][cutoff]


@pytest.mark.parametrize("path", SNAPSHOTS)
def test_snapshots_before_the_cutoff_do_not_move(path: str, whole: Any, planted: Any) -> None:
    before = [key for key in DAILY.get_partition_keys() if key < str(W)]
    found = planted.hashes("feature_store")[path]
    assert [found[key] for key in before] == [whole.hashes[path][key] for key in before]


@pytest.mark.parametrize("path", FACTS)
def test_facts_known_before_the_cutoff_do_not_move(path: str, whole: Any, planted: Any) -> None:
    known = (pl.col("event_date") < W) & (pl.col("arrival_date") < W)
    was, is_ = (
        graph.store.read(TABLES[path]).filter(known).drop("source_row", strict=False)
        for graph in (whole, planted)
    )
    assert content_hash(is_) == content_hash(was)


@pytest.mark.parametrize("path", EVALUATED)
def test_metrics_of_a_week_that_was_over_do_not_move(path: str, whole: Any, planted: Any) -> None:
    assert planted.hashes("evaluation")[path]["2025-01-13"] == whole.hashes[path]["2025-01-13"]


@pytest.mark.parametrize("table", [USER_HISTORY, PRODUCT_HISTORY])
def test_other_attributes_are_known_from_the_day_after(
    table: Any, whole: Any, planted: Any
) -> None:
    was, is_ = (graph.store.read(table) for graph in (whole, planted))
    for cutoff in (date(2025, 1, 13), W):
        assert content_hash(as_known_at(is_, cutoff)) == content_hash(as_known_at(was, cutoff))
    later = as_known_at(is_, W + DAY)
    assert later[table.key[0]].str.starts_with("planted-").sum() == 5
    key, changing = table.key[0], {"user_id": "country", "product_id": "price"}[table.key[0]]
    both = later.join(as_known_at(was, W + DAY), on=key)
    assert (both[changing] != both[f"{changing}_right"]).mean() > 0.5


@pytest.mark.parametrize("path", [*BY_CUTOFF, *SNAPSHOTS])
def test_the_planted_rows_are_loud_enough_to_be_noticed(
    path: str, whole: Any, planted: Any
) -> None:
    """The same comparison a week later finds a difference in every table."""
    later = "2025-01-27"
    assert planted.hashes(path.partition("/")[0])[path][later] != whole.hashes[path][later]
