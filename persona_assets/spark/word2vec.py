"""Word2Vec by Spark MLlib: the same table of product vectors as `transforms/embeddings.py`.

Belongs here: sequences as MLlib wants them, and its vectors as rows of the table. Does not belong
here: what a step of a sequence is (`transforms/sequences.py`).
"""

from datetime import date
from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl

from persona_assets.tables.features import ITEM_EMBEDDINGS
from persona_assets.transforms.embeddings import EPOCHS, VECTOR_SIZE, WINDOW
from persona_assets.transforms.sequences import ORDER, interaction_steps

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Partitions learn apart and are averaged after each epoch, which costs quality: few of them.
_STEPS_PER_PARTITION = 5_000_000


def item_vectors(
    interactions: nw.LazyFrame, *, cutoff: date, seed: int, min_count: int
) -> nw.LazyFrame:
    """Skip-gram vectors of the products interacted with before the cut-off, learned by MLlib.

    As `embeddings.item_embeddings` (same steps, window and length of vectors), but with
    hierarchical softmax (Mikolov et al. 2013, section 2.1) in place of negative sampling, which
    MLlib lacks. Its vocabulary and vectors are in this process's memory: some millions of products
    are the limit, however many interactions there are.

    The same rows and seed give the same vectors up to last digits, which depend on the order in
    which partitions arrive from other machines.

    Args:
        interactions: PySpark frame with rows of `mart/user_item_interactions`.
        cutoff: day before which events must have happened and arrived.
        seed: of the vectors' start and of the sampling.
        min_count: products with fewer steps in all sequences get no vector.

    Returns:
        Rows of `features/item_embeddings` in this process's memory, sorted by product; none if no
        product is frequent enough.
    """
    from pyspark.ml.feature import Word2Vec
    from pyspark.ml.functions import vector_to_array
    from pyspark.sql import functions as F  # noqa: N812 - its customary name

    sequences = _sequences(interactions, cutoff).persist()
    try:
        steps = sequences.select(F.explode("products").alias("product_id"))
        counts: pl.DataFrame = (
            nw.from_native(steps.groupBy("product_id").agg(F.count("*").alias("events")))
            .collect("polars")
            .to_native()
        )
        frequent = counts.filter(pl.col("events") >= min_count)
        if frequent.is_empty():  # MLlib would refuse to learn
            return nw.from_native(ITEM_EMBEDDINGS.empty().lazy())
        partitions = 1 + counts["events"].sum() // _STEPS_PER_PARTITION
        trained = Word2Vec(
            vectorSize=VECTOR_SIZE,
            windowSize=WINDOW,
            minCount=min_count,
            maxIter=EPOCHS,
            numPartitions=partitions,
            seed=seed,
            inputCol="products",
        ).fit(sequences.repartition(partitions, "user_id").sortWithinPartitions("user_id"))
    finally:
        sequences.unpersist()
    vectors: pl.DataFrame = (
        nw.from_native(
            trained.getVectors().select(
                F.col("word").alias("product_id"),
                vector_to_array("vector", "float32").alias("vector"),
            )
        )
        .collect("polars")
        .to_native()
    )
    rows = frequent.join(vectors, on="product_id").with_columns(
        cutoff=pl.lit(cutoff, dtype=pl.Date())
    )
    return nw.from_native(
        rows.select(ITEM_EMBEDDINGS.polars_schema.names()).sort("product_id").lazy()
    )


def _sequences(interactions: nw.LazyFrame, cutoff: date) -> "DataFrame":
    """`user_id, products`: the steps of each user in their order."""
    from pyspark.sql import functions as F  # noqa: N812

    steps: DataFrame = interaction_steps(interactions, cutoff=cutoff).to_native()
    ordered = F.sort_array(F.collect_list(F.struct(*ORDER)))
    return steps.groupBy("user_id").agg(
        F.transform(ordered, lambda step: step["product_id"]).alias("products")
    )
