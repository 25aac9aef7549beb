"""Promise 3: nothing that is made for a cut-off moves when rows from its future are planted.

Two shops differ only in rows that happened or arrived at or after Monday `W`. The planted rows are
many and loud, and some lie exactly on the boundary.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from persona_assets.lake.content_hash import content_hash
from persona_assets.partitions import DAILY, days_of
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.tables import TABLES

W = date(2025, 1, 20)
MIDNIGHT = datetime(2025, 1, 20, tzinfo=UTC)
INSTANT = pl.lit(MIDNIGHT, dtype=pl.Datetime("us", "UTC"))
ISO = "%Y-%m-%dT%H:%M:%S%.6fZ"

BY_CUTOFF = [
    "features/item_embeddings", "features/user_embeddings", "feature_store/training_set",
    "models/popularity_model", "models/als_model", "models/bpr_model", "models/registry",
    "models/customer_segment_popularity_model", "recommendations/top_k",
    "segmentation/customer_features", "segmentation/segmentation_model",
    "segmentation/clustering_comparison", "segmentation/customer_segments",
    "segmentation/segment_profiles", "segmentation/segment_traits", "segmentation/cleaning_steps",
]  # fmt: skip
SNAPSHOTS = ["feature_store/user_features", "feature_store/item_features"]
FACTS = [
    "mart/user_item_interactions", "mart/sessions",
    "features/temporal_features", "features/user_daily", "features/item_daily",
]  # fmt: skip
JUDGED = [
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


@pytest.fixture(scope="module")
def planted(
    open_shared_graph: Callable[..., Any],
    shop_with_more_rows: Callable[..., Any],
    shop: SyntheticShop,
    planted_events: pl.DataFrame,
) -> Any:
    """The graph over the shop with the planted rows."""
    searches = shop.search_logs(days_of(DAILY.get_partition_keys()))
    late_searches = searches.with_columns(
        pl.max_horizontal("arrived_at", INSTANT).alias("arrived_at"), query=pl.lit("planted")
    )
    graph = open_shared_graph("planted", shop_with_more_rows(shop, planted_events, late_searches))
    graph.run("daily_tables", "2025-01-01", "2025-01-28")
    graph.run("weekly_training", "2025-01-13", "2025-01-27")
    # A leaked stranger would stop this run: the tests below then say what leaked.
    graph.run("weekly_evaluation", "2025-01-13", assets=JUDGED, must_succeed=False)
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


@pytest.mark.parametrize("path", JUDGED)
def test_metrics_of_a_week_that_was_over_do_not_move(path: str, whole: Any, planted: Any) -> None:
    assert planted.hashes("evaluation")[path]["2025-01-13"] == whole.hashes[path]["2025-01-13"]


@pytest.mark.parametrize("path", [*BY_CUTOFF, *SNAPSHOTS])
def test_the_planted_rows_are_loud_enough_to_be_noticed(
    path: str, whole: Any, planted: Any
) -> None:
    """The same comparison a week later finds a difference in every table."""
    later = "2025-01-27"
    assert planted.hashes(path.partition("/")[0])[path][later] != whole.hashes[path][later]
