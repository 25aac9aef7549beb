"""Word2Vec vectors of products, and users as weighted means of them.

Belongs here: learning the vectors and averaging them. Does not belong here: the sequences
(`sequences.py`) or models that recommend (`recommenders/`).
"""

import zlib
from datetime import date

import narwhals as nw
import numpy as np
import polars as pl

from persona_assets.tables.features import ITEM_EMBEDDINGS, USER_EMBEDDINGS
from persona_assets.transforms.history import known_before
from persona_assets.transforms.sequences import interaction_sequences

VECTOR_SIZE = 32
"""Enough for some thousands of products; larger ones cost time and gain little there."""
WINDOW = 3
"""Products at most this far apart count as neighbours: visits are short."""
EPOCHS = 2
"""Passes over the sequences; each costs a second per half a million steps."""
MIN_COUNT = 3
"""Fewer occurrences leave a vector near its random start."""
_SEED_RANGE = 2**32  # of NumPy's and gensim's generators


def train_item_embeddings(
    interactions: nw.LazyFrame, *, cutoff: date, seed: int, min_count: int = MIN_COUNT
) -> nw.LazyFrame:
    """`item_embeddings` of a lazy frame, in this process.

    Args:
        interactions: rows of `mart/user_item_interactions`, of either engine.
        cutoff: see `item_embeddings`, as the others.
        seed: of everything random.
        min_count: least number of steps.

    Returns:
        Rows of `features/item_embeddings`, in this process's memory.
    """
    known: pl.DataFrame = known_before(interactions, cutoff).collect("polars").to_native()
    vectors = item_embeddings(known, cutoff=cutoff, seed=seed, min_count=min_count)
    return nw.from_native(vectors.lazy())


def item_embeddings(
    interactions: pl.DataFrame, *, cutoff: date, seed: int, min_count: int = MIN_COUNT
) -> pl.DataFrame:
    """Skip-gram vectors, with hierarchical softmax, of the products of the history.

    Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality"
    (2013), with users as sentences and products as words ("item2vec": Barkan and Koenigstein,
    2016). Hierarchical softmax, not negative sampling: MLlib knows nothing else. One thread, so
    that the same input and seed give the same vectors.

    Args:
        interactions: rows of `mart/user_item_interactions`.
        cutoff: day before which events must have happened and arrived.
        seed: of the vectors' start and of the sampling.
        min_count: products with fewer steps in all sequences get no vector.

    Returns:
        Rows of `features/item_embeddings`, sorted by product; none if no product is frequent
        enough.
    """
    sequences = interaction_sequences(interactions, cutoff=cutoff)
    counts = (
        sequences.explode("products")
        .group_by(product_id="products")
        .agg(events=pl.len().cast(pl.Int64))
        .filter(pl.col("events") >= min_count)
        .sort("product_id")
    )
    if counts.is_empty():
        return ITEM_EMBEDDINGS.empty()
    from gensim.models import Word2Vec  # 1 s to import

    model = Word2Vec(
        sentences=sequences.get_column("products").to_list(),
        vector_size=VECTOR_SIZE,
        window=WINDOW,
        min_count=min_count,
        sg=1,
        hs=1,
        negative=0,
        epochs=EPOCHS,
        seed=seed % _SEED_RANGE,
        workers=1,
        hashfxn=_hash,
    )
    rows = [model.wv.key_to_index[product] for product in counts.get_column("product_id")]
    return _table(
        cutoff, counts.get_column("product_id"), model.wv.vectors[rows], counts.get_column("events")
    )


def user_embeddings(
    interactions: pl.DataFrame, item_embeddings: pl.DataFrame, *, cutoff: date
) -> pl.DataFrame:
    """Each user as the mean of their products' vectors, weighted by implicit feedback.

    Events without weight (returns) and products without a vector count for nothing.

    Args:
        interactions: rows of `mart/user_item_interactions`.
        item_embeddings: rows of `features/item_embeddings` of the same cut-off.
        cutoff: day before which events must have happened and arrived.

    Returns:
        Rows of `features/user_embeddings`, sorted by user.
    """
    items = item_embeddings.sort("product_id").with_row_index("item")
    pairs = (
        known_before(interactions, cutoff)
        .filter(pl.col("weight") > 0)
        .join(items.select("product_id", "item"), on="product_id", how="inner")
        .group_by("user_id", "product_id", "item")
        # Equal addends per event type: sorted, so that their sum has one value.
        .agg(weight=pl.col("weight").sort().sum(), events=pl.len().cast(pl.Int64))
        .sort("user_id", "product_id")
    )
    if pairs.is_empty():
        return USER_EMBEDDINGS.empty()
    from scipy.sparse import csr_array

    users = pairs.group_by("user_id", maintain_order=True).agg(
        pl.len().alias("pairs"), pl.col("events").sum()
    )
    starts = np.concatenate([[0], users.get_column("pairs").to_numpy().cumsum()])
    vectors = np.array(items.get_column("vector").to_list(), dtype=np.float64)
    weights = csr_array(
        (pairs.get_column("weight").to_numpy(), pairs.get_column("item").to_numpy(), starts),
        shape=(users.height, items.height),
    )
    means = (weights @ vectors) / weights.sum(axis=1)[:, None]
    return _table(cutoff, users.get_column("user_id"), means, users.get_column("events"))


def _hash(text: str) -> int:
    """Gensim seeds with a hash of texts; Python's own differs from process to process."""
    return zlib.crc32(text.encode())


def _table(cutoff: date, ids: pl.Series, vectors: np.ndarray, events: pl.Series) -> pl.DataFrame:
    flat = pl.Series("vector", vectors.astype(np.float32), dtype=pl.Array(pl.Float32, VECTOR_SIZE))
    return pl.DataFrame(
        [
            pl.Series("cutoff", [cutoff], dtype=pl.Date).new_from_index(0, len(ids)),
            ids,
            flat.arr.to_list(),
            events,
        ]
    )
