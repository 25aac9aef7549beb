"""Directions of products: a factor model's vectors, all of one length.

Belongs here: taking them from an artefact. Does not belong here: learning factors (`als.py`).
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def directions(artefact: pl.DataFrame) -> NDArray[np.float32]:
    """(products × factors) of length 1, or 0 for a product without direction.

    Args:
        artefact: rows of a factor table, of one training.

    Returns:
        The products in the order of their names.
    """
    vectors = artefact.filter(pl.col("entity") == "product").sort("id")["vector"]
    found = vectors.explode().to_numpy().reshape(len(vectors), -1).astype(np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
