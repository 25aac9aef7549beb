"""What serves, of the groups `models` and `recommendations`: the champion, and its lists."""

import dagster as dg
import narwhals as nw
import polars as pl

from persona_assets.lifecycle.append import held
from persona_assets.lifecycle.champion import champion_row, served_lists
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.provenance import PROMOTED
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.tables import models, serving
from persona_assets.tables.lifecycle import PROMOTIONS


@table_asset(
    serving.CHAMPION,
    reads={
        "registry": Reads(
            models.REGISTRY,
            columns=("cutoff", "model", "parameters", "artefact_hash", "not_trained"),
        )
    },
    settings=[PROMOTED],
)
def champion(context: dg.AssetExecutionContext, lake: Lake, registry: pl.DataFrame) -> pl.DataFrame:
    """The model that serves: the last that was promoted, else popularity.

    With the decision that made it champion, what the gate measured, and its newest training.
    `persona promote MODEL` asks the gate, `persona rollback` returns to the champion before.
    """
    return champion_row(held(lake.store, PROMOTIONS), registry)


@table_asset(
    serving.SERVED,
    reads={"champion": Reads(serving.CHAMPION), "lists": Reads(models.TOP_K)},
)
def served(
    context: dg.AssetExecutionContext,
    lake: Lake,
    champion: pl.DataFrame,
    lists: nw.LazyFrame,
) -> pl.DataFrame:
    """The lists that shoppers get: those of the champion, of its newest training."""
    newest = lists.filter(
        nw.col("model").is_in(champion["model"].to_list()),
        nw.col("cutoff").is_in(champion["cutoff"].to_list()),
    )
    return served_lists(champion, lake.store.collect(newest))


ASSETS = (champion, served)
