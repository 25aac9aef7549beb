"""Which segment a customer belongs to, by the stored model.

Belongs here: the one way in which customers get their segment, in training and in serving. Does not
belong here: fitting (`segmenting.py`).
"""

import numpy as np
import polars as pl

from persona_assets.errors import DataError, UserError
from persona_assets.segmentation.clusterings import distances
from persona_assets.segmentation.preprocessing import Preprocessing
from persona_assets.segmentation.reference_customers import GONE, NEWCOMERS
from persona_assets.tables.customer_features import PERIOD_DAYS
from persona_assets.tables.segmentation import CUSTOMER_SEGMENTS, SEGMENTATION_MODEL

NEW_DAYS = PERIOD_DAYS
"""Who first bought less than so many days ago has had no time to stay away [d]: one period."""
ASSIGNED = pl.Schema(
    {
        name: CUSTOMER_SEGMENTS.polars_schema[name]
        for name in ("user_id", "segment", "name", "distance", "margin", "components")
    }
)


def segmentable(customers: pl.DataFrame) -> pl.DataFrame:
    """Those with a purchase, in the order of their identifiers."""
    return customers.filter(pl.col("orders") > 0).sort("user_id")


def newest_model(model: pl.DataFrame) -> pl.DataFrame:
    """The rows of the newest cut-off that has any: what serves.

    Raises:
        UserError: there is none.
    """
    if model.is_empty():
        raise UserError(
            f"no segmentation was trained: {SEGMENTATION_MODEL.path} has no rows; run "
            "`persona run`, or materialize a weekly partition of it, first"
        )
    return model.filter(pl.col("cutoff") == pl.col("cutoff").max())


def assign(model: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """The segment of each customer with a purchase: that of the nearest centroid.

    But for one case: where the nearest centroid is of customers who stay away, whoever first bought
    less than `NEW_DAYS` ago is a newcomer. A single order makes the two alike in all but the time.

    A customer's row does not depend on who else is asked for.

    Args:
        model: rows of `segmentation/segmentation_model` of one cut-off.
        customers: rows of `segmentation/customer_features`, of any cut-off.

    Returns:
        `ASSIGNED`, sorted by `user_id`. Of centroids at the same distance the lower number wins.

    Raises:
        DataError: the model is empty or holds several cut-offs.
    """
    if model["cutoff"].n_unique() != 1:
        raise DataError(
            f"{SEGMENTATION_MODEL.path} has {model['cutoff'].n_unique()} cut-offs here; "
            "pass the rows of one"
        )
    asked = segmentable(customers)
    centroids = model.filter(pl.col("part") == "centroid").sort("segment")
    points = Preprocessing.of(model).components(asked)
    centres = np.array(centroids["vector"].to_list(), dtype=np.float64)
    away = distances(points, centres.reshape(len(centroids), points.shape[1]))
    nearest = away.argmin(axis=1)
    closest = np.take_along_axis(away, nearest[:, None], axis=1)[:, 0]
    number = centroids["segment"].gather(nearest)
    new = (asked["tenure_days"] < NEW_DAYS) & number.is_in(GONE)
    return pl.DataFrame(
        {
            "user_id": asked["user_id"],
            "segment": pl.select(pl.when(new).then(NEWCOMERS.number).otherwise(number)).to_series(),
            "name": pl.select(
                pl.when(new)
                .then(pl.lit(NEWCOMERS.name))
                .otherwise(centroids["name"].gather(nearest))
            ).to_series(),
            "distance": closest,
            "margin": _margins(away, closest),
            "components": pl.Series(
                points.tolist(), dtype=CUSTOMER_SEGMENTS.polars_schema["components"]
            ),
        },
        schema=ASSIGNED,
    )


def _margins(away: np.ndarray, closest: np.ndarray) -> np.ndarray:
    """1 − distance / distance to the next centroid."""
    if away.shape[1] == 1:
        return np.ones(len(away))
    second = np.partition(away, 1, axis=1)[:, 1]
    # On two centroids at once, a customer is on the border.
    return 1 - np.divide(closest, second, out=np.ones_like(closest), where=second > 0)
