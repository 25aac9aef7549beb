"""The segments of one cut-off: everything from features to assigned customers.

Belongs here: the order of the steps. Does not belong here: any step (the modules beside this one).
"""

from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.segmentation import choice, clustering_quality, clusterings, numbering
from persona_assets.segmentation.assignment import assign, segmentable
from persona_assets.segmentation.clusterings import Labels, Matrix
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.outliers import anomalies, unusual
from persona_assets.segmentation.preprocessing import Preprocessing
from persona_assets.segmentation.segmenting_features import FEATURES
from persona_assets.tables.segmentation import (
    CLUSTERING_COMPARISON,
    CUSTOMER_SEGMENTS,
    SEGMENTATION_MODEL,
)

FEWEST_DIFFERENT = 3
"""Different customers of which there are two segments, one of them with two customers."""


class Segmentation(NamedTuple):
    """Rows of the three tables about one cut-off.

    Attributes:
        model: of `segmentation/segmentation_model`.
        comparison: of `segmentation/clustering_comparison`.
        segments: of `segmentation/customer_segments`.
    """

    model: pl.DataFrame
    comparison: pl.DataFrame
    segments: pl.DataFrame


def segment_customers(
    customers: pl.DataFrame, *, cutoff: date, config: SegmentationConfig
) -> Segmentation:
    """Find the segments of a cut-off and assign its customers to them.

    Unusual customers are set aside by an isolation forest; the rest decide on scales, principal
    components and centroids; then everybody with a purchase is assigned. The number of segments is
    chosen on a sample (`choice.chosen`) unless `config.k` names it; of fewer different customers
    than that there are as many segments as they allow.

    Args:
        customers: rows of `segmentation/customer_features` of the cut-off, in any order.
        cutoff: what the rows are for.
        config: see there.

    Returns:
        The same customers in any order give the same tables, to the last bit.

    Raises:
        InsufficientDataError: nobody has purchased anything, or customers are too few or too much
            alike to be told apart.
    """
    from threadpoolctl import threadpool_limits

    # Draws go by place: in this order, what customers are called decides nothing.
    known = segmentable(customers).sort([feature.name for feature in FEATURES])
    if known.is_empty():
        raise InsufficientDataError("nobody bought anything in the 52 weeks before the cut-off")
    _refuse_too_few(known, config)
    # Threads add partial sums in the order in which they end, which moves last digits.
    with threadpool_limits(limits=1):
        everyone = Preprocessing.fit(known, explained_variance=config.explained_variance)
        anomaly = anomalies(everyone.standardised(known), seed=config.seed)
        outlier = unusual(anomaly, config.outlier_share)
        usual = known.filter(~pl.Series(outlier))
        preprocessing = Preprocessing.fit(usual, explained_variance=config.explained_variance)
        points = preprocessing.components(usual)
        comparison, centroids = _centroids(points, config)
    model = pl.concat(
        [
            preprocessing.to_rows(cutoff),
            _segments(preprocessing.standardised(usual), points, centroids, preprocessing, cutoff),
        ]
    )
    flags = pl.DataFrame({"user_id": known["user_id"], "outlier": outlier, "anomaly": anomaly})
    segments = (
        assign(model, known)
        .join(flags, on="user_id", how="left", maintain_order="left")
        .with_columns(cutoff=pl.lit(cutoff))
        .select(CUSTOMER_SEGMENTS.polars_schema.names())
    )
    return Segmentation(
        model,
        comparison.with_columns(cutoff=pl.lit(cutoff)).select(
            CLUSTERING_COMPARISON.polars_schema.names()
        ),
        segments,
    )


def _refuse_too_few(known: pl.DataFrame, config: SegmentationConfig) -> None:
    """Where a home asks for one segment alone, there is always one."""
    names = [feature.name for feature in FEATURES]
    distinct = known.select(names).unique().height
    if distinct < FEWEST_DIFFERENT and config.k != 1:
        raise InsufficientDataError(
            f"segments need at least {FEWEST_DIFFERENT} customers who differ in "
            f"{', '.join(names[:-1])} or {names[-1]}, and of {known.height} there "
            f"{'is' if distinct == 1 else 'are'} {distinct}"
        )


def _centroids(points: Matrix, config: SegmentationConfig) -> tuple[pl.DataFrame, Matrix]:
    """What was tried, and the centroids of what was chosen."""
    sample = _sample(points, config)
    distinct = len(np.unique(sample, axis=0))
    ks = choice.worth_trying(
        config.k or config.least_k, config.k or config.most_k, distinct, len(points)
    )
    if list(ks) == [1]:
        row = {"method": "k_means", "k": 1, "smallest_share": 1.0, "noise_share": 0.0}
        alone = pl.DataFrame([row | {"chosen": True}], schema=_MEASURES)
        return alone, points.mean(axis=0, keepdims=True)
    fitted = {k: clusterings.k_means(sample, k, seed=config.seed) for k in ks}
    pairwise = clustering_quality.pairwise_distances(sample)
    gaps = clustering_quality.gaps(sample, list(ks), seed=config.seed)
    rows = [
        {
            **_measured("k_means", sample, clusterings.nearest(sample, fitted[k]), pairwise),
            "k": k,
            "gap": gaps[k].value,
            "gap_se": gaps[k].error,
            **_stable(sample, clustering_quality.fit_k_means(k), config),
        }
        for k in ks
    ]
    k = choice.chosen(pl.DataFrame(rows, schema=_MEASURES))
    rows += [
        {
            **_measured(
                "gaussian_mixture",
                sample,
                clusterings.gaussian_mixture(sample, each, seed=config.seed)(sample),
                pairwise,
            ),
            "k": each,
            # Of the alternatives' stability only what stands beside the choice: fits are slow.
            **(_stable(sample, _fit_mixture(each), config) if each == k else {}),
        }
        for each in ks
    ]
    rows.append(_measured("hdbscan", sample, clusterings.hdbscan(sample), pairwise))
    tried = pl.DataFrame(rows, schema=_MEASURES).with_columns(
        chosen=(pl.col("method") == "k_means") & (pl.col("k") == k)
    )
    centroids = fitted[k]
    return tried, (
        centroids if len(sample) == len(points) else clusterings.k_means_from(points, centroids)
    )


_MEASURES = pl.Schema(
    {name: type_ for name, type_ in CLUSTERING_COMPARISON.polars_schema.items() if name != "cutoff"}
)


def _sample(points: Matrix, config: SegmentationConfig) -> Matrix:
    """At most `config.sample` of the points, each as likely as any other."""
    if len(points) <= config.sample:
        return points
    rng = np.random.default_rng(config.seed)
    return points[np.sort(rng.choice(len(points), config.sample, replace=False))]


def _fit_mixture(k: int) -> clustering_quality.Fit:
    return lambda points, seed: clusterings.gaussian_mixture(points, k, seed=seed)


def _measured(method: str, points: Matrix, labels: Labels, pairwise: Matrix) -> dict[str, object]:
    """Row of a clustering: noise (label −1) has a share, and no part in the other measures."""
    clustered = labels >= 0
    inside = labels[clustered]
    sizes = np.unique(inside, return_counts=True)[1]
    apart = clustering_quality.separation(
        points[clustered], inside, pairwise[np.ix_(clustered, clustered)]
    )
    return {
        "method": method,
        "k": len(sizes),
        **(apart._asdict() if apart else {}),
        "smallest_share": float(sizes.min() / len(labels)) if len(sizes) else None,
        "noise_share": float(1 - clustered.mean()),
        "chosen": False,
    }


def _stable(
    points: Matrix, fit: clustering_quality.Fit, config: SegmentationConfig
) -> dict[str, float]:
    found = clustering_quality.stability(points, fit, pairs=config.bootstraps, seed=config.seed)
    return {
        "stability": found.mean,
        "stability_low": found.low,
        "stability_high": found.high,
    }


def _segments(
    standard: Matrix,
    points: Matrix,
    centroids: Matrix,
    preprocessing: Preprocessing,
    cutoff: date,
) -> pl.DataFrame:
    """The centroids as rows of the model, numbered by the reference customers they are like."""
    labels = clusterings.nearest(points, centroids)
    there = np.unique(labels)
    means = np.array([standard[labels == label].mean(axis=0) for label in there])
    named = numbering.matched(
        means.reshape(len(there), standard.shape[1]),
        [feature.name for feature in preprocessing.features],
    )
    rows = [
        {
            "cutoff": cutoff,
            "part": "centroid",
            "name": reference.name,
            "vector": centroids[label].tolist(),
            "segment": reference.number,
            "customers": int((labels == label).sum()),
        }
        for label, reference in zip(there.tolist(), named, strict=True)
    ]
    rows.sort(key=lambda row: row["segment"])
    return pl.DataFrame(
        [row | {"position": place} for place, row in enumerate(rows)],
        schema=SEGMENTATION_MODEL.polars_schema,
    )
