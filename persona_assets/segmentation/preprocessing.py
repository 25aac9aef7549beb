"""Preprocessing of customer features to principal components, stored as a table.

Belongs here: filling, transforming, standardising, PCA, as rows of
`segmentation/segmentation_model` and back. Does not belong here: which features
(`segmenting_features.py`) or clusters (`clusterings.py`).
"""

from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.segmentation.segmenting_features import FEATURES, SegmentingFeature
from persona_assets.tables.segmentation import SEGMENTATION_MODEL

Matrix = NDArray[np.float64]

_SAME = 1e-9
"""Standard deviation below which a transformed feature is the same for everybody."""


@dataclass(frozen=True)
class Preprocessing:
    """What is fitted before clusters are: all of it plain numbers.

    Attributes:
        features: those that differ between customers, in order.
        filling: (features,) median before the transform; stands for a missing value.
        mean: (features,) of the transformed feature.
        scale: (features,) its standard deviation, divisor n.
        axes: (components × features) principal axes, each with its largest weight positive.
        explained: (components,) share of the variance.
    """

    features: tuple[SegmentingFeature, ...]
    filling: Matrix
    mean: Matrix
    scale: Matrix
    axes: Matrix
    explained: Matrix

    @classmethod
    def fit(cls, customers: pl.DataFrame, *, explained_variance: float) -> Self:
        """Learn from rows of `segmentation/customer_features`.

        A feature that nobody has, or that is the same for everybody, drops out: it tells no two
        customers apart. Where all do, there are no components.

        Args:
            customers: at least one row.
            explained_variance: as many components as keep this share.
        """
        kept, filling, means, scales, columns = [], [], [], [], []
        for feature in FEATURES:
            known = customers[feature.name].cast(pl.Float64)
            known = known.filter(known.is_finite())
            if known.is_empty():
                continue
            middle = float(np.median(known.to_numpy()))
            values = _transformed(customers, feature, middle)
            if (scale := float(values.std())) <= _SAME:
                continue
            kept.append(feature)
            filling.append(middle)
            means.append(float(values.mean()))
            scales.append(scale)
            columns.append((values - means[-1]) / scale)
        if not kept:
            nothing = np.zeros(0)
            return cls((), nothing, nothing, nothing, np.zeros((0, 0)), nothing)
        axes, explained = _principal_axes(np.column_stack(columns), explained_variance)
        # What the table holds is what is used from here on, in training too.
        stored = axes.astype(np.float32).astype(np.float64)
        return cls(
            tuple(kept), np.array(filling), np.array(means), np.array(scales), stored, explained
        )

    def standardised(self, customers: pl.DataFrame) -> Matrix:
        """(customers × features) filled, transformed, in standard deviations from the mean."""
        columns = np.zeros((len(customers), len(self.features)))
        for place, feature in enumerate(self.features):
            values = _transformed(customers, feature, self.filling[place])
            columns[:, place] = (values - self.mean[place]) / self.scale[place]
        return columns

    def components(self, customers: pl.DataFrame) -> Matrix:
        """(customers × components) as float32 holds them.

        One customer alone gets the same bits as among a million: products are summed feature by
        feature rather than by a matrix product, whose order of sums depends on its shape.
        """
        standard = self.standardised(customers)
        found = np.zeros((len(customers), len(self.axes)))
        for place in range(len(self.features)):
            found += standard[:, place, None] * self.axes[:, place]
        return found.astype(np.float32).astype(np.float64)

    def to_rows(self, cutoff: date) -> pl.DataFrame:
        """Rows of `segmentation/segmentation_model` but the centroids."""
        features = [
            {
                "cutoff": cutoff,
                "part": "feature",
                "name": feature.name,
                "position": place,
                "transform": feature.transform,
                "filling": self.filling[place],
                "mean": self.mean[place],
                "scale": self.scale[place],
            }
            for place, feature in enumerate(self.features)
        ]
        components = [
            {
                "cutoff": cutoff,
                "part": "component",
                "name": f"pc{place + 1}",
                "position": place,
                "vector": self.axes[place].tolist(),
                "explained": self.explained[place],
            }
            for place in range(len(self.axes))
        ]
        return pl.DataFrame([*features, *components], schema=SEGMENTATION_MODEL.polars_schema)

    @classmethod
    def of(cls, model: pl.DataFrame) -> Self:
        """What `to_rows` wrote."""
        features = model.filter(pl.col("part") == "feature").sort("position")
        components = model.filter(pl.col("part") == "component").sort("position")
        axes = np.array(components["vector"].to_list(), dtype=np.float64)
        return cls(
            tuple(
                SegmentingFeature(name, transform)
                for name, transform in features.select("name", "transform").iter_rows()
            ),
            features["filling"].to_numpy(),
            features["mean"].to_numpy(),
            features["scale"].to_numpy(),
            axes.reshape(len(components), len(features)),
            components["explained"].to_numpy(),
        )


def _transformed(customers: pl.DataFrame, feature: SegmentingFeature, filling: float) -> Matrix:
    """A feature of each customer, filled and transformed."""
    return customers.select(feature.transformed(filling)).to_series().to_numpy()


def _principal_axes(standard: Matrix, explained_variance: float) -> tuple[Matrix, Matrix]:
    """Axes of greatest variance, until they explain the share asked for.

    Of the covariance rather than of the matrix itself: it is small, however many customers. An
    axis and its opposite are the same axis: the sign that makes its largest weight positive is
    taken, so that pictures of two weeks can be laid beside each other.
    """
    variances, vectors = np.linalg.eigh(standard.T @ standard / len(standard))
    shares = np.maximum(variances[::-1], 0.0)
    shares = shares / shares.sum()
    axes = vectors.T[::-1]
    enough = int(np.searchsorted(np.cumsum(shares), min(explained_variance, 1.0) - 1e-12)) + 1
    axes, shares = axes[:enough], shares[:enough]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return axes * np.sign(largest), shares
