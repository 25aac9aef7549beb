"""Groups `models` and `recommendations`: one artefact per recommender, the registry, the lists."""

import dagster as dg
import polars as pl

from persona_assets.assets.declare import Reads, asset_key, table_asset
from persona_assets.assets.weekly import at, each_cutoff
from persona_assets.lake.content_hash import content_hash
from persona_assets.partitions import BEFORE_CUTOFF, SAME, WEEKLY
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.protocol import Recommender
from persona_assets.recommenders.registry import registry_row
from persona_assets.recommenders.top_k import top_k as lists_of
from persona_assets.tables import mart, models
from persona_assets.transforms.history import known_before

FEEDBACK = ("user_id", "product_id", "event_type", "event_ts", "arrived_at", "weight")
_HISTORY = Reads(mart.USER_ITEM_INTERACTIONS, BEFORE_CUTOFF, FEEDBACK)
_ARTEFACTS = {name: Reads(model.artefact, SAME) for name, model in MODELS.items()}
_TYPES = [type(model) for model in MODELS.values()]


def _model_asset(model: Recommender) -> dg.AssetsDefinition:
    def train(context: dg.AssetExecutionContext, interactions: pl.DataFrame) -> pl.DataFrame:
        return each_cutoff(context, lambda cutoff: model.fit(interactions, cutoff=cutoff))

    train.__doc__ = type(model).__doc__
    return table_asset(
        model.artefact,
        partitions=WEEKLY,
        reads={"interactions": _HISTORY},
        kinds=["python"],
        code=[type(model)],
    )(train)


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
)
def registry(
    context: dg.AssetExecutionContext, interactions: pl.DataFrame, **artefacts: pl.DataFrame
) -> pl.DataFrame:
    """What was trained when, with which parameters, from which data: one row per training.

    Data are named by content hashes, which stay the same when a run is repeated; the Delta
    versions that were read are in each artefact's commit.
    """
    return each_cutoff(
        context,
        lambda cutoff: pl.concat(
            [
                registry_row(
                    MODELS[name],
                    cutoff=cutoff,
                    code_version=TRAINED_BY[name],
                    input_hash=content_hash(known_before(interactions, cutoff)),
                    artefact_hash=content_hash(at(artefact, cutoff)),
                    artefact_rows=at(artefact, cutoff).height,
                )
                for name, artefact in artefacts.items()
            ]
        ),
    )


@table_asset(
    models.TOP_K,
    partitions=WEEKLY,
    reads={"interactions": _HISTORY, **_ARTEFACTS},
    required=["shop"],
    code=_TYPES,
)
def top_k(
    context: dg.AssetExecutionContext, interactions: pl.DataFrame, **artefacts: pl.DataFrame
) -> pl.DataFrame:
    """Each model's K best products for every user known before the cut-off, and for strangers.

    What the setting `exclude` names (bought, seen or nothing) is left out of a user's list.
    """
    settings = context.resources.shop.settings
    return each_cutoff(
        context,
        lambda cutoff: pl.concat(
            [
                lists_of(
                    MODELS[name],
                    at(artefact, cutoff),
                    interactions,
                    cutoff=cutoff,
                    k=settings.top_k,
                    exclude=settings.exclude,
                )
                for name, artefact in artefacts.items()
            ]
        ),
    )


ASSETS = (*TRAINED.values(), registry, top_k)
