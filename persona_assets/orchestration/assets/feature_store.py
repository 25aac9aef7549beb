"""Group `feature_store`: daily snapshots, the training set, and the newest snapshot online."""

from collections.abc import Iterator

import dagster as dg
import narwhals as nw

from persona_assets.feature_store.training_sets import remember_week
from persona_assets.lake.content_hash import add, content_hash
from persona_assets.orchestration import automation
from persona_assets.orchestration.code_version import code_version
from persona_assets.orchestration.daily import each_batch
from persona_assets.orchestration.partitions import (
    DAILY,
    TRAILING_SNAPSHOT,
    WEEK_BEFORE,
    WEEKLY,
    days_of,
)
from persona_assets.orchestration.resources.lake import DayBatch
from persona_assets.orchestration.resources.stopwatch import STOPWATCH
from persona_assets.orchestration.table_asset import OWNERS, Reads, asset_key, table_asset
from persona_assets.serving.online_store import newest
from persona_assets.serving.profiles import user_profiles
from persona_assets.tables import feature_store, features, mart
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS
from persona_assets.transforms import snapshots, training


@table_asset(
    feature_store.USER_FEATURES,
    partitions=DAILY,
    reads={"user_daily": Reads(features.USER_DAILY, TRAILING_SNAPSHOT)},
)
def user_features(
    context: dg.AssetExecutionContext, user_daily: nw.LazyFrame
) -> Iterator[DayBatch]:
    """Every user's trailing 1, 7 and 30 days, as known at the end of the day."""
    return each_batch(
        context,
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
    context: dg.AssetExecutionContext, item_daily: nw.LazyFrame
) -> Iterator[DayBatch]:
    """Every product's trailing 1, 7 and 30 days, as known at the end of the day."""
    return each_batch(
        context,
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
    required=["shop"],
    settings=["seed"],
)
def training_set(
    context: dg.AssetExecutionContext,
    interactions: nw.LazyFrame,
    users: nw.LazyFrame,
    items: nw.LazyFrame,
) -> Iterator[DayBatch]:
    """Positive and sampled negative products of the week before the cut-off, with their features.

    Point-in-time: features are those of the evening before each label. For models of your own; a
    manifest of each partition, from which `persona rebuild` makes it again, lies in the home.
    """
    settings, lake = context.resources.shop.settings, context.resources.lake
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


def _online_features(
    context: dg.AssetExecutionContext,
    users: nw.LazyFrame,
    items: nw.LazyFrame,
    segments: nw.LazyFrame,
) -> dg.MaterializeResult:
    """The newest snapshot of users and products in the embedded key-value store, for serving.

    With the newest segment of each customer. Found by entity (`user`, `product`) and identifier;
    replaced whole, so that readers see the old or the new snapshot and never a mixture.
    """
    collect = context.resources.lake.store.engine.collect
    with STOPWATCH.measure("feature_store/online_features", "write"):
        found = {
            "user": (
                "user_id",
                user_profiles(collect(newest(users, "as_of")), collect(newest(segments, "cutoff"))),
            ),
            "product": ("product_id", collect(newest(items, "as_of"))),
        }
        rows = context.resources.online_store.replace(found)
        digests = [content_hash(frame) for _, frame in found.values()]
        context.resources.lake.remember(context, ONLINE_FEATURES, add(digests))
    as_of = {entity: str(frame["as_of"].max()) for entity, (_, frame) in found.items()}
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "dagster/uri": str(context.resources.online_store.path),
            "as_of": as_of,
        }
    )


ONLINE_FEATURES = dg.AssetKey(["feature_store", "online_features"])

online_features = dg.asset(
    key=ONLINE_FEATURES,
    description=_online_features.__doc__,
    ins={
        "users": dg.AssetIn(key=asset_key(feature_store.USER_FEATURES)),
        "items": dg.AssetIn(key=asset_key(feature_store.ITEM_FEATURES)),
        "segments": dg.AssetIn(key=asset_key(CUSTOMER_SEGMENTS)),
    },
    required_resource_keys={"lake", "online_store"},
    group_name="feature_store",
    owners=[OWNERS["feature_store"]],
    kinds={"sqlite"},
    tags={"layer": "feature_store", "cadence": "unpartitioned", "pii": "no"},
    code_version=code_version(_online_features),
    freshness_policy=automation.freshness(None),
    automation_condition=automation.FOLLOW_INPUTS,
    retry_policy=automation.RETRY,
)(_online_features)

ASSETS = (user_features, item_features, training_set, online_features)
