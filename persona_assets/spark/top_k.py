"""Batch top-K by Spark: users in blocks on the workers, each with the products' side beside it.

Belongs here: bringing users, what is known of them and what is excluded for them together, and
running a model on blocks of them. Does not belong here: who gets a list and which pairs are
excluded (`recommenders/`), or scores and ranks (the models).
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl

from persona_assets.lake.schema import DELTA_TYPES
from persona_assets.recommenders.artefact import by_user
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.recommenders.protocol import NO_HISTORY, Recommender
from persona_assets.recommenders.sequences import HISTORY_SCHEMA
from persona_assets.recommenders.top_k import of_model
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.transforms.engine import to_engine
from persona_assets.transforms.history import known_before

if TYPE_CHECKING:
    import pyarrow as pa

USERS_PER_BLOCK = 2_000
"""Users handed to a model at once: so many that reading the products' side again for each block is
little beside the scores, so few that what is excluded for them fits anywhere."""

Batches = Iterator["pa.RecordBatch"]


def lists(
    model: Recommender,
    artefact: nw.LazyFrame,
    interactions: nw.LazyFrame,
    *,
    cutoff: date,
    k: int,
    exclude: Exclusion,
) -> nw.LazyFrame:
    """The rows that `recommenders.top_k.top_k` gives, made by the workers, in no order.

    What all lists share (products, and the vector of people without history) comes into this
    process and goes to every worker. A user's own row, history and excluded products go to one task
    only, which holds a block of users and a few blocks of scores at a time (`score_blocks.py`).

    Args:
        model: the recommender that trained the artefact; its `recommend` runs on the workers.
        artefact: PySpark frame with what it learned at this cut-off.
        interactions: PySpark frame with rows of `mart/user_item_interactions`.
        cutoff: the cut-off of the training.
        k: length of the lists.
        exclude: which of a user's products stay out of the user's list.

    Raises:
        UserError: `k` is below 1 or `exclude` is not a known rule.
        DataError: the artefact is empty or holds several cut-offs.
    """
    from pyspark.sql import functions as F  # noqa: N812 - its customary name

    of_all, own = by_user(artefact)
    shared: pl.DataFrame = of_all.collect("polars").to_native()
    excluded = excluded_pairs(interactions, cutoff=cutoff, exclude=exclude).to_native()
    # Nobody's lists, for the errors that would otherwise come from a worker, wrapped in Spark's.
    model.recommend(shared, [], k=k)
    known = known_before(interactions, cutoff)
    everyone = nw.concat(
        [
            known.select("user_id").unique(),
            to_engine(interactions, pl.DataFrame({"user_id": [FALLBACK_USER]})),
        ]
    ).to_native()
    users = everyone.join(
        excluded.groupBy("user_id").agg(F.collect_list("product_id").alias("excluded")),
        "user_id",
        "left",
    )
    if own is not None:
        rows = own.to_native().select(F.col("id").alias("user_id"), F.struct("*").alias("row"))
        users = users.join(rows, "user_id", "left")
    if model.needs_history:
        pairs = known.to_native().select("user_id", F.struct(*HISTORY_SCHEMA).alias("interaction"))
        histories = pairs.groupBy("user_id").agg(F.collect_list("interaction").alias("history"))
        users = users.join(histories, "user_id", "left")
    # By a number of its own, as rows of users are too small for Spark to see work for many tasks.
    tasks = int(users.sparkSession.conf.get("spark.sql.shuffle.partitions"))
    columns = ", ".join(f"{column.name} {DELTA_TYPES[column.type]}" for column in TOP_K.columns)
    ranked = users.repartition(tasks, "user_id").mapInArrow(
        _ranking(model, shared, cutoff, k), columns
    )
    return nw.from_native(ranked)


def _ranking(
    model: Recommender, shared: pl.DataFrame, cutoff: date, k: int
) -> Callable[[Batches], Batches]:
    """What a worker does: batches of users in, batches of their lists out.

    `shared` travels inside the function, which Spark broadcasts where it is larger than a megabyte.
    """

    def rank(batches: Batches) -> Batches:
        for batch in batches:
            for block in pl.DataFrame(batch).iter_slices(USERS_PER_BLOCK):
                made = model.recommend(
                    pl.concat([shared, *_own_rows(block)]),
                    block["user_id"].to_list(),
                    k=k,
                    excluded=block.select("user_id", product_id="excluded")
                    .drop_nulls()
                    .explode("product_id"),
                    histories=_histories(block),
                )
                rows = of_model(made, model, cutoff).to_arrow().cast(TOP_K.arrow_schema)
                yield from rows.to_batches()

    return rank


def _own_rows(block: pl.DataFrame) -> list[pl.DataFrame]:
    """The artefact's rows of a block's users, if the model knows users."""
    return [block["row"].drop_nulls().struct.unnest()] if "row" in block.columns else []


def _histories(block: pl.DataFrame) -> pl.DataFrame:
    """What a block's users interacted with, if the model asks for it."""
    if "history" not in block.columns:
        return NO_HISTORY
    seen = block.select("history").drop_nulls().explode("history").unnest("history")
    return seen.cast(HISTORY_SCHEMA)
