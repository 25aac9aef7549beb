"""Groups `models` and `recommendations`: one artefact per recommender, the registry, the lists."""

from collections.abc import Mapping
from datetime import date

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.lake.content_hash import render
from persona_assets.lifecycle.registry import Trained, registry_row
from persona_assets.orchestration.assets import segmentation as segmentation_assets
from persona_assets.orchestration.dispatch import TRAINED_BY_WORKERS, batch_top_k, train
from persona_assets.orchestration.partitions import BEFORE_CUTOFF, SAME, WEEKLY, days_of
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.models_in_use import model_in_use, models_in_use
from persona_assets.orchestration.resources.provenance import CONFIGURATIONS
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, TableAsset, table_asset
from persona_assets.orchestration.weekly import at, each_cutoff
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.protocol import Recommender
from persona_assets.recommenders.side_information import attribute_histories, with_segments
from persona_assets.recommenders.training import not_trained
from persona_assets.segmentation.trained import CustomerSegments
from persona_assets.skipped import Partial
from persona_assets.tables import Table, mart, models, raw
from persona_assets.tables.customer_features import CUSTOMER_FEATURES
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS, SEGMENTATION_MODEL
from persona_assets.transforms.history import known_before

FEEDBACK = (
    "user_id", "product_id", "event_type", "event_ts", "arrived_at", "weight", "session_id",
)  # fmt: skip
_HISTORY = Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF, FEEDBACK)
_ARTEFACTS = {name: Reads(model.artefact, SAME) for name, model in MODELS.items()}
_TYPES = [type(model) for model in MODELS.values()]
_SIDE_TABLES = {
    "users": Reads(raw.USER_HISTORY),
    "products": Reads(raw.PRODUCT_HISTORY),
    "customer_segments": Reads(CUSTOMER_SEGMENTS, SAME, ("cutoff", "user_id", "name")),
}


def _model_asset(kind: Recommender, part_tables: Mapping[str, Table]) -> TableAsset:
    def learn(
        context: dg.AssetExecutionContext,
        lake: Lake,
        shop: Shop,
        interactions: nw.LazyFrame,
        **tables: pl.DataFrame,
    ) -> Partial[nw.LazyFrame]:
        model = model_in_use(lake, shop, kind)
        [history] = lake.store.engine.cache([interactions])
        parts = {name: tables.pop(name) for name in kind.parts}
        untrained = {name: lake.skipped(table) for name, table in part_tables.items()}
        segments = tables.pop("customer_segments", None)
        attributes = attribute_histories(**tables, key=shop.hash_key)

        def of(cutoff: date) -> nw.LazyFrame:
            known = attributes.known_at(cutoff)
            if segments is not None:
                known = with_segments(known, at(segments, cutoff))
            return train(
                model,
                history,
                cutoff=cutoff,
                side_information=known,
                parts={name: at(artefact, cutoff) for name, artefact in parts.items()},
                untrained=not_trained(untrained, cutoff),
            )

        return each_cutoff(context, lake, kind.artefact, of)

    learn.__doc__ = type(kind).__doc__
    by_workers = TRAINED_BY_WORKERS.get(type(kind))
    return table_asset(
        kind.artefact,
        partitions=WEEKLY,
        reads={
            "interactions": _HISTORY,
            **{name: _SIDE_TABLES[name] for name in sorted(kind.needs_side_information)},
            **{name: Reads(table, SAME) for name, table in part_tables.items()},
        },
        kinds=["python"],
        code=[type(kind), *([by_workers] if by_workers else [])],
        settings=[
            "exclude",
            "hash_key",
            *(f"{CONFIGURATIONS}/{name}" for name in (kind.name, *kind.parts)),
        ],
    )(learn)


TRAINED = {
    name: _model_asset(model, {part: MODELS[part].artefact for part in model.parts})
    for name, model in MODELS.items()
}
TRAINED_BY = {name: asset.code_version for name, asset in TRAINED.items()}
"""Code version of each model's training."""

_SEGMENTATION = {
    "customers": Reads(CUSTOMER_FEATURES, SAME),
    "segmentation": Reads(SEGMENTATION_MODEL, SAME),
}
_SEGMENTED_BY = segmentation_assets.segments.code_version


@table_asset(
    models.REGISTRY,
    partitions=WEEKLY,
    reads={"interactions": _HISTORY, **_SEGMENTATION, **_ARTEFACTS},
    code=[*_TYPES, CustomerSegments],
    settings=["exclude", "segmentation", CONFIGURATIONS],
)
def registry(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: nw.LazyFrame,
    **digested: nw.LazyFrame,
) -> Partial[pl.DataFrame]:
    """What was trained when, with which parameters, from which data: one row per training.

    Recommenders, and the segmentation of customers. Data are named by content hashes, which stay
    the same when a run is repeated; the Delta versions that were read are in each artefact's
    commit.
    """
    store, versions = lake.store, lake.versions_read(context, models.REGISTRY)
    [history] = store.engine.cache([interactions])
    cutoffs = days_of(context.partition_keys)

    def digests(table: Table) -> dict[str, tuple[int, int]]:
        # Not from the frames in `digested`: the store reads small tables here, on Spark too.
        return store.digests(table, cutoffs, at=versions[table.path])

    in_use = models_in_use(lake, shop)
    segmenting = CustomerSegments(shop.settings.segmentation)
    of_customers, segmented = digests(CUSTOMER_FEATURES), digests(SEGMENTATION_MODEL)
    learned = {name: digests(model.artefact) for name, model in MODELS.items()}
    reasons = {
        table: {each.partition: each.reason for each in lake.skipped(table)}
        for table in (SEGMENTATION_MODEL, *(model.artefact for model in MODELS.values()))
    }

    def trainings(cutoff: date) -> pl.DataFrame:
        def row(
            trained: Trained, code_version: str, known: tuple[int, int], artefact: tuple[int, int]
        ) -> pl.DataFrame:
            return registry_row(
                trained,
                cutoff=cutoff,
                code_version=code_version,
                input_hash=render(*known),
                artefact_hash=render(*artefact),
                artefact_rows=artefact[0],
                not_trained=reasons[trained.artefact].get(cutoff),
            )

        day = str(cutoff)
        known = store.engine.digests(known_before(history, cutoff), None).get(None, (0, 0))
        recommenders = (
            row(in_use[name], TRAINED_BY[name], known, made[day]) for name, made in learned.items()
        )
        segmentation = row(segmenting, _SEGMENTED_BY, of_customers[day], segmented[day])
        return pl.concat([*recommenders, segmentation])

    return each_cutoff(context, lake, models.REGISTRY, trainings)


@table_asset(
    models.TOP_K,
    partitions=WEEKLY,
    reads={"interactions": _HISTORY, **_ARTEFACTS},
    settings=["exclude", "top_k", CONFIGURATIONS],
    code=_TYPES,
)
def top_k(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    interactions: nw.LazyFrame,
    **artefacts: nw.LazyFrame,
) -> Partial[nw.LazyFrame]:
    """Each model's K best products per user known before the cut-off, and one list for all others.

    What the setting `exclude` names (bought, seen or nothing) is left out of a user's list. A model
    that could not be trained has no lists.
    """
    settings = shop.settings
    in_use = models_in_use(lake, shop)
    [history] = lake.store.engine.cache([interactions])

    skipped = {name: lake.skipped(MODELS[name].artefact) for name in artefacts}

    def lists(cutoff: date) -> Partial[nw.LazyFrame]:
        untrained = not_trained(skipped, cutoff)
        return Partial(
            batch_top_k(
                [
                    (in_use[name], at(artefact, cutoff))
                    for name, artefact in artefacts.items()
                    if name not in untrained
                ],
                history,
                cutoff=cutoff,
                k=settings.top_k,
                exclude=settings.exclude,
            ),
            tuple(untrained.values()),
        )

    return each_cutoff(context, lake, models.TOP_K, lists)


ASSETS = (*TRAINED.values(), registry, top_k)
