"""Which numbers of a customer shape segments, and what is done to each before distances are taken.

Belongs here: the list, the transforms, and what stands for a missing value. Does not belong here:
the numbers themselves (`transforms/customer_features.py`) or standardisation (`preprocessing.py`).

Recency, frequency and monetary value, as marketers know them, and how often goods come back: four
things that somebody can act on. What else is known of customers describes segments but does not
shape them: basket value, breadth, lines and monthly spend follow from orders and spend, so that
they would only count the same thing again; the gap between orders, its trend and their deviation do
not exist for the third of customers with a single order, whom any filling would pile up at one
place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from persona_assets.errors import DataError


def log1p(values: pl.Expr) -> pl.Expr:
    """ln(1 + x): counts and times that span orders of magnitude; below 0 as 0."""
    return values.clip(lower_bound=0).log1p()


def signed_log1p(values: pl.Expr) -> pl.Expr:
    """sign(x) · ln(1 + |x|): amounts that may be below 0, where more came back than was bought."""
    return values.sign() * values.abs().log1p()


def square_root(values: pl.Expr) -> pl.Expr:
    """√x: shares, and times whose first days should not outweigh months; below 0 as 0."""
    return values.clip(lower_bound=0).sqrt()


TRANSFORMS: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "log1p": log1p,
    "signed_log1p": signed_log1p,
    "square_root": square_root,
}
"""By the name that `segmentation/segmentation_model` keeps. They are fixed rather than fitted, as
Box-Cox would be: a number then means the same in every week."""


@dataclass(frozen=True)
class SegmentingFeature:
    """One column of `segmentation/customer_features` and its transform.

    Raises:
        DataError: there is no such transform.
    """

    name: str
    transform: str

    def __post_init__(self) -> None:
        if self.transform not in TRANSFORMS:
            raise DataError(
                f"feature {self.name!r} has transform {self.transform!r}, of which this version "
                f"knows {', '.join(TRANSFORMS)}; materialize segmentation/segmentation_model again"
            )

    def transformed(self, filling: float) -> pl.Expr:
        """The column as float64, `filling` where it is null, NaN or infinite, then transformed.

        By Polars, value by value: a customer alone gets the same bits as among others, which
        vectorised loops of NumPy do not promise for the last few of a row.
        """
        given = pl.col(self.name).cast(pl.Float64)
        known = pl.when(given.is_finite()).then(given).otherwise(filling)
        return TRANSFORMS[self.transform](known).alias(self.name)


FEATURES = (
    SegmentingFeature("recency_days", "square_root"),
    SegmentingFeature("orders", "log1p"),
    SegmentingFeature("net_spend", "signed_log1p"),
    SegmentingFeature("return_rate", "square_root"),
)
"""In the order of the components' weights."""
