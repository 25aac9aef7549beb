"""The (users × products) matrix of time-decayed weights that models learn from.

Belongs here: time decay, summing, and the order of users and products in the matrix. Does not
belong here: what a model makes of a weight (its confidence, its sampling).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.recommenders.positive import positive_rows
from persona_assets.transforms.history import midnight

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MICROSECONDS_PER_DAY = 86_400e6


@dataclass(frozen=True)
class InteractionMatrix:
    """Who interacted with what, and how much of it counts at the cut-off.

    Attributes:
        users: `user_id` of each row, sorted.
        products: `product_id` of each column, sorted.
        weights: (users × products) float64, decayed weights summed per pair. Every stored entry is
            a pair that met, even one so old that its weight has become 0.
    """

    users: pl.Series
    products: pl.Series
    weights: "csr_matrix"


def interaction_matrix(
    positive: pl.DataFrame, *, cutoff: date, half_life_days: float
) -> InteractionMatrix:
    """Sum the weights of each user and product, each halved per `half_life_days` of age.

    w(u, i) = Σ weight · 2^(−age / half-life) over the rows of the pair, age counted from
    `event_ts` to `cutoff` 00:00 UTC.

    Args:
        positive: rows of positive weight known at the cut-off, at least one, in any order; models
            ask `Interactions.matrix`, which has them.
        cutoff: day from whose beginning ages are counted.
        half_life_days: age at which a row counts half [d].
    """
    from scipy.sparse import coo_matrix

    # Sorted by everything that enters the sums, so that the rows' order cannot move a last digit.
    rows = positive.select("user_id", "product_id", "event_ts", "weight").sort(
        "user_id", "product_id", "event_ts", "weight"
    )
    users = rows["user_id"].unique().sort()
    products = rows["product_id"].unique().sort()
    age_days = (
        rows.select((midnight(cutoff) - pl.col("event_ts")).dt.total_microseconds())
        .to_series()
        .to_numpy()
        / MICROSECONDS_PER_DAY
    )
    decayed = rows["weight"].to_numpy() * np.exp2(-age_days / half_life_days)
    positions = (
        rows["user_id"].cast(pl.Enum(users)).to_physical().to_numpy(),
        rows["product_id"].cast(pl.Enum(products)).to_physical().to_numpy(),
    )
    return InteractionMatrix(
        users=users,
        products=products,
        weights=coo_matrix((decayed, positions), shape=(len(users), len(products))).tocsr(),
    )


def history_weights(
    histories: pl.DataFrame, users: Sequence[str], products: pl.Series, *, half_life_days: float
) -> "csr_matrix":
    """(users × products) decayed weights of what people are known to have interacted with by now.

    As `interaction_matrix`, but ages are counted from each person's own newest row: what else they
    interacted with fades against what they interacted with last, however long ago that was.

    Args:
        histories: rows (`HISTORY_SCHEMA`), in any order; those of other users or products are left
            out.
        users: `user_id` of each row.
        products: `product_id` of each column.
        half_life_days: age at which a row counts half [d].
    """
    from scipy.sparse import coo_matrix

    row = pl.DataFrame({"user_id": users}, schema={"user_id": pl.String()}).with_row_index("row")
    column = products.alias("product_id").to_frame().with_row_index("column")
    age = (pl.col("event_ts").max().over("row") - pl.col("event_ts")).dt.total_microseconds()
    rows = (
        positive_rows(histories)
        .join(row, on="user_id")
        .join(column, on="product_id")
        .sort("row", "column", "event_ts", "weight")
        .select("row", "column", "weight", age_days=age / MICROSECONDS_PER_DAY)
    )
    decayed = rows["weight"].to_numpy() * np.exp2(-rows["age_days"].to_numpy() / half_life_days)
    return coo_matrix(
        (decayed, (rows["row"].to_numpy(), rows["column"].to_numpy())),
        shape=(len(users), len(products)),
    ).tocsr()


def nothing_known(cutoff: date) -> InsufficientDataError:
    """The error for a cut-off before which there is nothing to learn from."""
    return InsufficientDataError(
        "mart/user_item_interactions has no row with a positive weight that happened and arrived "
        f"before the cut-off {cutoff} (mart/quarantine says why rows were rejected)"
    )
