"""Directions of products: a factor model's vectors, all of one length.

Belongs here: taking them from an artefact. Does not belong here: learning factors (`als.py`).
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def directions(artefact: pl.DataFrame, products: pl.Series) -> NDArray[np.float32]:
    """(products × factors) of length 1, or 0 for a product without direction.

    Args:
        artefact: rows of a factor table, of one training.
        products: `product_id` of each row of the result; those without a vector have 0.
    """
    vectors = artefact.filter(pl.col("entity") == "product").select("id", "vector")
    rows = vectors.join(products.to_frame("id").with_row_index("row"), on="id").sort("row")
    known = rows["vector"].explode().to_numpy().reshape(rows.height, -1).astype(np.float32)
    found = np.zeros((len(products), known.shape[1]), dtype=np.float32)
    found[rows["row"].to_numpy()] = known
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
