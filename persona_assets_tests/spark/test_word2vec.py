from datetime import date

import narwhals as nw
import numpy as np
import polars as pl
from polars.testing import assert_frame_equal

from persona_assets.orchestration.dispatch import train_item_embeddings
from persona_assets.spark.word2vec import _sequences
from persona_assets.tables.features import ITEM_EMBEDDINGS
from persona_assets.transforms.embeddings import VECTOR_SIZE, item_embeddings
from persona_assets.transforms.sequences import interaction_sequences

CUTOFF = date(2024, 3, 4)


def learned(rows: nw.LazyFrame, **options: int) -> pl.DataFrame:
    options = {"seed": 1, **options}
    vectors = train_item_embeddings(rows, cutoff=CUTOFF, **options)
    return vectors.collect("polars").to_native()


def cosines(vectors: pl.DataFrame) -> np.ndarray:
    directions = np.array(vectors["vector"].to_list())
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions @ directions.T


def test_sequences_are_those_of_the_embedded_engine(shop, planted, on_spark):
    there = pl.from_arrow(_sequences(on_spark(planted), CUTOFF).toArrow())

    assert_frame_equal(
        there, interaction_sequences(shop, cutoff=CUTOFF), check_row_order=False, check_exact=True
    )


def test_products_that_go_together_lie_together_and_only_the_known_past_counts(
    shop, planted, on_spark
):
    vectors = learned(on_spark(shop))

    embedded = item_embeddings(shop, cutoff=CUTOFF, seed=1)
    assert vectors.schema == ITEM_EMBEDDINGS.polars_schema
    assert vectors.drop("vector").equals(embedded.drop("vector"))
    assert vectors["vector"].list.len().unique().to_list() == [VECTOR_SIZE]
    taste = vectors["product_id"].str.slice(1).cast(int).to_numpy() % 5
    same = np.equal.outer(taste, taste) & ~np.eye(len(taste), dtype=bool)
    other = ~np.equal.outer(taste, taste)
    assert cosines(vectors)[same].mean() > cosines(vectors)[other].mean() + 0.1
    again = learned(on_spark(planted, partitions=3))
    assert_frame_equal(vectors, again, rel_tol=1e-4, abs_tol=1e-5)


def test_without_frequent_products_there_are_no_vectors(shop, on_spark):
    assert learned(on_spark(shop.head(20)), min_count=21).equals(ITEM_EMBEDDINGS.empty())
