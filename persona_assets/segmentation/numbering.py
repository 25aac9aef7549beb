"""Numbers and names of segments that mean the same in every week.

Belongs here: matching clusters to reference customers. Does not belong here: the reference
customers (`reference_customers.py`).

A week's numbers may not hang on those of the week before: that one may not have been computed, or
be computed later, and tables must not depend on the order. So clusters are matched to something
that does not change.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from persona_assets.segmentation.reference_customers import (
    REFERENCE_CUSTOMERS,
    ReferenceCustomer,
)
from persona_assets.segmentation.segmenting_features import FEATURES

_SPEND = "net_spend"
_TAKEN_LAST = 1e6
"""Added to a squared distance: more than all others together."""


def matched(centroids: NDArray[np.float64], features: Sequence[str]) -> list[ReferenceCustomer]:
    """The reference customer of each cluster, each taken at most once, at least total distance.

    Linear sum assignment (Kuhn 1955) on squared distances; numbers do not depend on the order in
    which clusters come.

    Args:
        centroids: (clusters × features) means of the members' standardised features.
        features: names of the columns. In a segmenting feature that is not among them (nobody
            differs in it) every cluster is at the mean. Without `net_spend`, which is not known or
            tells nobody apart, reference customers are compared by the other features alone, and
            those whose names tell of spend are taken last.

    Raises:
        ValueError: more clusters than reference customers.
    """
    from scipy.optimize import linear_sum_assignment

    if len(centroids) > len(REFERENCE_CUSTOMERS):
        raise ValueError(
            f"{len(centroids)} clusters, but only {len(REFERENCE_CUSTOMERS)} reference customers; "
            "add some to reference_customers.py"
        )
    names = [feature.name for feature in FEATURES]
    places = np.array([[each.at(name) for name in names] for each in REFERENCE_CUSTOMERS])
    found = np.zeros((len(centroids), len(names)))
    for column, name in enumerate(features):
        found[:, names.index(name)] = centroids[:, column]
    squares = ((found[:, None, :] - places[None, :, :]) ** 2).sum(axis=2)
    if _SPEND not in features:
        money = places[:, names.index(_SPEND)]
        last = np.array([each.told_by_spend for each in REFERENCE_CUSTOMERS])
        squares += np.where(last, _TAKEN_LAST, 0.0) - money**2
    clusters, references = linear_sum_assignment(squares)
    taken = dict(zip(clusters.tolist(), references.tolist(), strict=True))
    return [REFERENCE_CUSTOMERS[taken[cluster]] for cluster in range(len(centroids))]
