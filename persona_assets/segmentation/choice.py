"""The choice of the number of segments.

Belongs here: the rule. Does not belong here: the measures that it weighs (`clustering_quality.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

STABLE = 0.85
"""Mean adjusted Rand index from which clusters count as found again in other customers: what Hennig
(2007) calls highly stable. From .8, as is often read, k flickered more from week to week."""
FEWEST_CUSTOMERS = 50
"""Customers per segment, on average, below which a further segment is not tried: shares within it
would have intervals of 14 percentage points and more to either side."""
CRITERIA = (
    ("silhouette", 1),
    ("calinski_harabasz", 1),
    ("davies_bouldin", -1),
    ("gap", 1),
    ("stability", 1),
)
"""Column of `segmentation/clustering_comparison`, and 1 where more is better."""


def chosen(tried: pl.DataFrame) -> int:
    """The number of clusters that makes the segments.

    Of those that are stable (`STABLE`; the fewest tried where none is: more would only be told
    apart by accident) the best by the mean of its ranks in separation (silhouette,
    Calinski-Harabasz, Davies-Bouldin), gap and stability; of equals the fewer. No single index
    decides: each has a shape of cluster that it likes.

    Args:
        tried: k-means rows of `segmentation/clustering_comparison` of one cut-off, at least one.
    """
    measured = tried.drop_nulls([name for name, _ in CRITERIA])
    if measured.is_empty():
        return int(tried["k"].min())  # type: ignore[arg-type]
    stable = measured.filter(pl.col("stability") >= STABLE)
    if stable.is_empty():
        return int(measured["k"].min())  # type: ignore[arg-type]
    ranks = [
        pl.col(name).rank("average", descending=better > 0).alias(name) for name, better in CRITERIA
    ]
    names = [name for name, _ in CRITERIA]
    ranked = stable.select("k", *ranks).with_columns(mean=pl.mean_horizontal(names))
    return int(ranked.sort("mean", "k")["k"][0])


def is_stable(chosen_row: Mapping[str, Any] | None) -> bool:
    """Would other customers have given the same segments, as far as that was measured?

    Args:
        chosen_row: of `segmentation/clustering_comparison`; None, or without a stability: there was
            nothing to choose, as where a home asks for one segment.
    """
    if chosen_row is None or chosen_row["stability"] is None:
        return True
    return bool(chosen_row["stability"] >= STABLE)


def worth_trying(least: int, most: int, distinct: int, customers: int) -> Sequence[int]:
    """Numbers of clusters to try among `distinct` different ones of `customers`.

    More clusters than `least` only as long as they hold `FEWEST_CUSTOMERS` on average. Fewer
    customers than `least` are tried in as many clusters as leave two customers together, and in one
    where there is nothing to tell apart.
    """
    most = min(most, max(least, customers // FEWEST_CUSTOMERS), distinct - 1)
    return range(min(least, most), most + 1) if most >= 2 else (1,)
