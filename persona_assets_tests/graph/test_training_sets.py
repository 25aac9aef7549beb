"""The weekly training set has a manifest, by which it comes out the same after all that follows."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from persona_assets.feature_store import manifests, training_sets
from persona_assets.lake.content_hash import render
from persona_assets.orchestration.maintenance.home import maintain_home
from persona_assets.sources.synthetic import SyntheticShop
from persona_assets.tables.feature_store import TRAINING_SET, USER_FEATURES
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS

FIRST, LAST_BEFORE, LAST = "2025-01-01", "2025-01-19", "2025-01-28"
CUTOFFS = ["2025-01-13", "2025-01-20"]
NOTHING = timedelta(0)
DAILY = [
    "raw/users", "raw/products", "raw/user_history", "raw/product_history", "raw/events",
    "mart/user_item_interactions", "mart/quarantine", "mart/sessions", "raw/search_logs",
    "features/user_daily", "features/item_daily",
    "feature_store/user_features", "feature_store/item_features",
]  # fmt: skip


def late_rows(shop: SyntheticShop) -> pl.DataFrame:
    """Views of the weeks before the cut-offs that arrive after them."""
    days = [date(2025, 1, 1) + timedelta(days=each) for each in range(19)]
    events = shop.events(days).filter(
        pl.col("consent"), pl.col("event_type") == "view", pl.col("user_id").is_not_null()
    )
    arrived = pl.lit(datetime(2025, 1, 22, tzinfo=UTC), pl.Datetime("us", "UTC"))
    return events.with_columns(event_id="late-" + pl.col("event_id"), arrived_at=arrived)


@pytest.fixture
def home(open_graph: Callable[..., Any], tmp_path: Path) -> Path:
    """A home with nineteen days and the training sets of two weeks."""
    graph = open_graph("home")
    graph.run("daily_tables", FIRST, LAST_BEFORE, assets=DAILY)
    graph.run("weekly_training", CUTOFFS[0], CUTOFFS[1], assets=[TRAINING_SET.path])
    return tmp_path / "home"


def test_the_weekly_training_set_outlives_late_rows_more_days_and_maintenance(
    open_graph: Callable[..., Any],
    home: Path,
    shop: SyntheticShop,
    shop_with_more_rows: Callable[..., Any],
) -> None:
    graph = open_graph("home", shop_with_more_rows(shop, late_rows(shop)))
    store = graph.store
    paths = {cutoff: manifests.path_of(home, f"training_set-{cutoff}") for cutoff in CUTOFFS}
    made = {key: render(*sums) for key, sums in store.digests(TRAINING_SET).items()}
    assert {key: manifests.load(paths[key]).content_hash for key in CUTOFFS} == made
    first = manifests.load(paths[CUTOFFS[0]])
    assert first.code_version
    assert first.tables[USER_FEATURES.path] == store.version(USER_FEATURES)
    graph.run("daily_tables", FIRST, LAST, assets=DAILY)
    maintain_home(
        graph.settings, store, graph.instance,
        now=datetime.now(UTC) + timedelta(minutes=1), retention=NOTHING, history=NOTHING,
    )  # fmt: skip
    # Every day that the sets were made from has other rows now, in other files.
    then = store.digests(USER_ITEM_INTERACTIONS, at=first.tables[USER_ITEM_INTERACTIONS.path])
    now = store.digests(USER_ITEM_INTERACTIONS)
    assert not [day for day in then if then[day] == now[day]]
    for cutoff, path in paths.items():
        again = training_sets.rebuild(store, path)
        assert again.rows.height == manifests.load(path).rows > 0
        assert again.manifest.content_hash == made[cutoff]
    # Made anew from what there is now: what arrived after the cut-off changes nothing.
    graph.run("weekly_training", CUTOFFS[1], assets=[TRAINING_SET.path])
    second = manifests.load(paths[CUTOFFS[1]])
    assert second.tables[USER_FEATURES.path] > first.tables[USER_FEATURES.path]
    assert second.content_hash == made[CUTOFFS[1]]
