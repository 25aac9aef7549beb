"""Groups `models` and `recommendations`: one artefact per recommender, the registry, the lists."""

from datetime import date

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.assets.declare import Reads, asset_key, table_asset
from persona_assets.assets.weekly import at, each_cutoff
from persona_assets.lake.content_hash import render
from persona_assets.partitions import BEFORE_CUTOFF, SAME, WEEKLY
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.protocol import NOTHING_ELSE, Recommender
from persona_assets.recommenders.registry import registry_row
from persona_assets.recommenders.side_information import side_information
from persona_assets.recommenders.top_k import batch_top_k
from persona_assets.recommenders.training import train
from persona_assets.resources.models_in_use import models_in_use
from persona_assets.tables import mart, models, raw
from persona_assets.transforms.history import known_before

FEEDBACK = (
    "user_id", "product_id", "event_type", "event_ts", "arrived_at", "weight", "session_id",
)  # fmt: skip
_HISTORY = Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF, FEEDBACK)
_ARTEFACTS = {name: Reads(model.artefact, SAME) for name, model in MODELS.items()}
_TYPES = [type(model) for model in MODELS.values()]


_SIDE = {"users": Reads(raw.USERS), "products": Reads(raw.PRODUCTS)}


def _model_asset(kind: Recommender) -> dg.AssetsDefinition:
    def learn(
        context: dg.AssetExecutionContext, interactions: nw.LazyFrame, **side: pl.DataFrame
    ) -> nw.LazyFrame:
        model = models_in_use(context)[kind.name]
        [history] = context.resources.lake.store.engine.together([interactions])
        known = (
            side_information(**side, key=context.resources.shop.hash_key) if side else NOTHING_ELSE
        )
        return each_cutoff(context, lambda cutoff: train(model, history, cutoff=cutoff, side=known))

    learn.__doc__ = type(kind).__doc__
    return table_asset(
        kind.artefact,
        partitions=WEEKLY,
        reads={"interactions": _HISTORY, **(_SIDE if kind.needs_side else {})},
        kinds=["python"],
        code=[type(kind)],
        required=["shop"],
    )(learn)


TRAINED = {name: _model_asset(model) for name, model in MODELS.items()}
TRAINED_BY = {
    name: asset.code_versions_by_key[asset_key(MODELS[name].artefact)] or ""
    for name, asset in TRAINED.items()
}
"""Code version of each model's training."""


@table_asset(
    models.REGISTRY,
    partitions=WEEKLY,
    reads={"interactions": _HISTORY, **_ARTEFACTS},
    code=_TYPES,
    required=["shop"],
)
def registry(
    context: dg.AssetExecutionContext, interactions: nw.LazyFrame, **artefacts: nw.LazyFrame
) -> pl.DataFrame:
    """What was trained when, with which parameters, from which data: one row per training.

    Data are named by content hashes, which stay the same when a run is repeated; the Delta
    versions that were read are in each artefact's commit.
    """
    engine = context.resources.lake.store.engine
    [history] = engine.together([interactions])
    in_use = models_in_use(context)

    def digest(frame: nw.LazyFrame) -> tuple[int, str]:
        rows, total = engine.digests(frame, None).get(None, (0, 0))
        return rows, render(rows, total)

    def trainings(cutoff: date) -> pl.DataFrame:
        _, input_hash = digest(known_before(history, cutoff))
        learned = {name: digest(at(artefact, cutoff)) for name, artefact in artefacts.items()}
        return pl.concat(
            [
                registry_row(
                    in_use[name],
                    cutoff=cutoff,
                    code_version=TRAINED_BY[name],
                    input_hash=input_hash,
                    artefact_hash=artefact_hash,
                    artefact_rows=rows,
                )
                for name, (rows, artefact_hash) in learned.items()
            ]
        )

    return each_cutoff(context, trainings)


@table_asset(
    models.TOP_K,
    partitions=WEEKLY,
    reads={"interactions": _HISTORY, **_ARTEFACTS},
    required=["shop"],
    code=_TYPES,
)
def top_k(
    context: dg.AssetExecutionContext, interactions: nw.LazyFrame, **artefacts: nw.LazyFrame
) -> nw.LazyFrame:
    """Each model's K best products for every user known before the cut-off, and for strangers.

    What the setting `exclude` names (bought, seen or nothing) is left out of a user's list.
    """
    settings = context.resources.shop.settings
    in_use = models_in_use(context)
    [history] = context.resources.lake.store.engine.together([interactions])

    def lists(cutoff: date) -> nw.LazyFrame:
        return batch_top_k(
            [(in_use[name], at(artefact, cutoff)) for name, artefact in artefacts.items()],
            history,
            cutoff=cutoff,
            k=settings.top_k,
            exclude=settings.exclude,
        )

    return each_cutoff(context, lists)


ASSETS = (*TRAINED.values(), registry, top_k)
