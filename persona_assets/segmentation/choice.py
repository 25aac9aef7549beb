"""The choice of the number of segments.

Belongs here: the rule. Does not belong here: the measures that it weighs (`clustering_quality.py`).
"""

from collections.abc import Sequence

import polars as pl

STABLE = 0.85
"""Mean adjusted Rand index from which clusters count as found again in other customers: what Hennig
(2007) calls highly stable. From .8, as is often read, k flickered more from week to week."""
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

    Of those that are stable (`STABLE`; the most stable one where none is) the best by the mean of
    its ranks in separation (silhouette, Calinski-Harabasz, Davies-Bouldin), gap and stability;
    of equals the fewer. No single index decides: each has a shape of cluster that it likes.

    Args:
        tried: k-means rows of `segmentation/clustering_comparison` of one cut-off, at least one.
    """
    measured = tried.drop_nulls([name for name, _ in CRITERIA])
    if measured.is_empty():
        return int(tried["k"].min())  # type: ignore[arg-type]
    stable = measured.filter(pl.col("stability") >= STABLE)
    if stable.is_empty():
        stable = measured.filter(pl.col("stability") == pl.col("stability").max())
    ranks = [
        pl.col(name).rank("average", descending=better > 0).alias(name) for name, better in CRITERIA
    ]
    names = [name for name, _ in CRITERIA]
    ranked = stable.select("k", *ranks).with_columns(mean=pl.mean_horizontal(names))
    return int(ranked.sort("mean", "k")["k"][0])


def worth_trying(least: int, most: int, distinct: int) -> Sequence[int]:
    """Numbers of clusters to try among `distinct` different customers.

    Fewer customers than `least` are tried in as many clusters as leave two customers together, and
    in one where there is nothing to tell apart.
    """
    most = min(most, distinct - 1)
    return range(min(least, most), most + 1) if most >= 2 else (1,)
