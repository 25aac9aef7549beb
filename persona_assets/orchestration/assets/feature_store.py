"""Group `feature_store`: daily snapshots, the training set, and the newest snapshot online."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import narwhals as nw

from persona_assets.feature_store.training_sets import remember_week
from persona_assets.lake.content_hash import add
from persona_assets.lake.place import within_home
from persona_assets.orchestration import automation
from persona_assets.orchestration.code_version import code_version
from persona_assets.orchestration.daily import each_batch
from persona_assets.orchestration.outputs import asset_key
from persona_assets.orchestration.partitions import (
    DAILY,
    TRAILING_SNAPSHOT,
    WEEK_BEFORE,
    WEEKLY,
    Calendar,
    days_of,
)
from persona_assets.orchestration.resources.failures import permanent_failures
from persona_assets.orchestration.resources.lake import DayBatch, Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.resources.stopwatch import STOPWATCH
from persona_assets.orchestration.table_asset import OWNERS, Reads, table_asset
from persona_assets.serving.online.manifest import Manifest
from persona_assets.serving.online.materialization import materialize
from persona_assets.serving.online.store import OnlineStore
from persona_assets.serving.online.views import SERVED
from persona_assets.tables import feature_store, features, mart
from persona_assets.transforms import snapshots, training

_Materialize = Callable[
    [dg.AssetExecutionContext, Lake, dg.ResourceParam[OnlineStore]], dg.MaterializeResult
]


@table_asset(
    feature_store.USER_FEATURES,
    partitions=DAILY,
    reads={"user_daily": Reads(features.USER_DAILY, TRAILING_SNAPSHOT)},
)
def user_features(
    context: dg.AssetExecutionContext, lake: Lake, user_daily: nw.LazyFrame
) -> Iterator[DayBatch]:
    """Every user's trailing 1, 7 and 30 days, as known at the end of the day."""
    return each_batch(
        context,
        lake,
        features.USER_DAILY,
        lambda days: snapshots.user_features(user_daily, days),
        seen=snapshots.ROWS_PER_DAILY_TOTAL,
    )


@table_asset(
    feature_store.ITEM_FEATURES,
    partitions=DAILY,
    reads={"item_daily": Reads(features.ITEM_DAILY, TRAILING_SNAPSHOT)},
)
def item_features(
    context: dg.AssetExecutionContext, lake: Lake, item_daily: nw.LazyFrame
) -> Iterator[DayBatch]:
    """Every product's trailing 1, 7 and 30 days, as known at the end of the day."""
    return each_batch(
        context,
        lake,
        features.ITEM_DAILY,
        lambda days: snapshots.item_features(item_daily, days),
        seen=snapshots.ROWS_PER_DAILY_TOTAL,
    )


@table_asset(
    feature_store.TRAINING_SET,
    no_rows="nobody interacted with anything in the week before the cut-off",
    partitions=WEEKLY,
    reads={
        "interactions": Reads(mart.USER_ITEM_INTERACTIONS, WEEK_BEFORE),
        "users": Reads(feature_store.USER_FEATURES, WEEK_BEFORE),
        "items": Reads(feature_store.ITEM_FEATURES, WEEK_BEFORE),
    },
    settings=["seed"],
)
def training_set(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: nw.LazyFrame,
    users: nw.LazyFrame,
    items: nw.LazyFrame,
) -> Iterator[DayBatch]:
    """Positive and sampled negative products of the week before the cut-off, with their features.

    Point-in-time: features are those of the evening before each label. For models of your own; a
    manifest of each partition, from which `persona rebuild` makes it again, lies in the home.
    """
    settings = shop.settings
    key = asset_key(feature_store.TRAINING_SET)
    for cutoff in days_of(context.partition_keys):
        yield (
            [cutoff],
            training.training_set(interactions, users, items, cutoff=cutoff, seed=settings.seed),
        )
        # Here the partition is written.
        remember_week(
            settings.home,
            lake.store,
            cutoff,
            seed=settings.seed,
            versions=lake.versions_read(context, feature_store.TRAINING_SET),
            code_version=context.assets_def.code_versions_by_key[key] or "",
        )


def _online_snapshot(
    context: dg.AssetExecutionContext, lake: Lake, online_store: dg.ResourceParam[OnlineStore]
) -> dg.MaterializeResult:
    """The newest rows of the served feature views, staged for the online store: nobody reads them.

    The check `parity` compares them with their tables; only then are they published.
    """
    lake.begin(context, ONLINE_SNAPSHOT)
    with permanent_failures(), STOPWATCH.measure("feature_store/online_snapshot", "write"):
        manifest = materialize(online_store, lake.store)
        lake.remember(context, ONLINE_SNAPSHOT, _digest(manifest))
    return dg.MaterializeResult(metadata=_told(online_store, manifest))


def _online_features(
    context: dg.AssetExecutionContext, lake: Lake, online_store: dg.ResourceParam[OnlineStore]
) -> dg.MaterializeResult:
    """The online store's published snapshot: features by view and identifier, for serving.

    Publishing moves a pointer: readers see the old or the new snapshot, and never a mixture.
    """
    lake.begin(context, ONLINE_FEATURES)
    with permanent_failures(), STOPWATCH.measure("feature_store/online_features", "write"):
        manifest = online_store.backend.publish()
        lake.remember(context, ONLINE_FEATURES, _digest(manifest))
    return dg.MaterializeResult(metadata=_told(online_store, manifest))


def _digest(manifest: Manifest) -> str:
    return add([each.content_hash for each in manifest.views.values()])


def _told(online: OnlineStore, manifest: Manifest) -> dict[str, Any]:
    """What the UI is told of a snapshot."""
    return {
        "dagster/row_count": manifest.rows,
        "dagster/uri": within_home(online.backend.where, 1),
        "snapshot": manifest.name,
        "as_of": {name: each.partition for name, each in manifest.views.items()},
        "rows": {name: each.rows for name, each in manifest.views.items()},
    }


ONLINE_SNAPSHOT = dg.AssetKey(["feature_store", "online_snapshot"])
ONLINE_FEATURES = dg.AssetKey(["feature_store", "online_features"])


@dataclass(frozen=True)
class _OnlineAsset:
    """An asset that is no table: a snapshot of the online store."""

    key: dg.AssetKey
    function: _Materialize
    reads: Sequence[dg.AssetKey]

    def build(self, calendar: Calendar, conditions: automation.Conditions) -> dg.AssetsDefinition:
        """The asset in a home; it has no partitions."""
        return dg.asset(
            key=self.key,
            description=self.function.__doc__,
            deps=self.reads,
            group_name="feature_store",
            owners=[OWNERS["feature_store"]],
            kinds={"lmdb"},
            tags={"layer": "feature_store", "cadence": "unpartitioned", "pii": "no"},
            code_version=code_version(self.function, materialize),
            freshness_policy=automation.freshness(None),
            automation_condition=conditions.follow_inputs,
            retry_policy=automation.RETRY,
        )(self.function)


online_snapshot = _OnlineAsset(
    ONLINE_SNAPSHOT, _online_snapshot, [asset_key(view.table) for view in SERVED]
)
online_features = _OnlineAsset(ONLINE_FEATURES, _online_features, [ONLINE_SNAPSHOT])

ASSETS = (user_features, item_features, training_set, online_snapshot, online_features)
