"""Which numbers of a customer shape segments, and what is done to each before distances are taken.

Belongs here: the list, the transforms, and what stands for a missing value. Does not belong here:
the numbers themselves (`transforms/customer_features.py`) or standardisation (`preprocessing.py`).

Chosen so that each says something that a marketer can act on: how long ago, how often, how much,
how large a basket, how much comes back. Breadth, gaps and trends follow from these in practice
(orders and products correlate at .9) and would only let the same thing count several times.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def log1p(values: Values) -> Values:
    """ln(1 + x) of what cannot be negative: amounts and times span orders of magnitude."""
    return np.log1p(values)


def signed_log1p(values: Values) -> Values:
    """sign(x) · ln(1 + |x|): the same for what may be below 0."""
    return np.sign(values) * np.log1p(np.abs(values))


def square_root(values: Values) -> Values:
    """√x of a share: spreads the many near 0 without sending 0 to −∞."""
    return np.sqrt(values)


TRANSFORMS: Mapping[str, Callable[[Values], Values]] = {
    "log1p": log1p,
    "signed_log1p": signed_log1p,
    "square_root": square_root,
}
"""By the name that `segmentation/segmentation_model` keeps; fixed rather than fitted (as Box-Cox
would be), so that weeks are comparable."""


@dataclass(frozen=True)
class SegmentingFeature:
    """One column of `segmentation/customer_features` and its transform."""

    name: str
    transform: str


FEATURES = (
    SegmentingFeature("recency_days", "log1p"),
    SegmentingFeature("orders", "log1p"),
    SegmentingFeature("net_spend", "signed_log1p"),
    SegmentingFeature("average_order_value", "log1p"),
    SegmentingFeature("return_rate", "square_root"),
)
"""In the order of the components' weights."""
