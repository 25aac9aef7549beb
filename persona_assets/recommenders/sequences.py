"""Who interacted with what, in order: the form in which sequence-aware models read interactions.

Belongs here: putting rows into sequences, positions and ages. Does not belong here: what a model
counts in them (one module per model), or decayed weights without order (`matrix.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.positive import positive_rows

HISTORY_SCHEMA = pl.Schema(
    {
        "user_id": pl.String(),
        "product_id": pl.String(),
        "event_ts": pl.Datetime("us", "UTC"),
        "weight": pl.Float64(),
    }
)
"""Columns of interactions that histories are made of; others are ignored."""


@dataclass(frozen=True)
class Sequences:
    """Each user's products, every one once, in the order in which they were first interacted with.

    The entries of user `u` are those at `starts[u]:starts[u + 1]`. What was first interacted with
    at the same instant (a basket) shares a position: its inner order is by product code and means
    nothing, so no model may use it.

    Attributes:
        users: `user_id` of each sequence.
        products: `product_id` of each product code, sorted.
        starts: (users + 1,) where each sequence begins.
        items: product code of each entry.
        positions: place of each entry's instant among the user's instants, from 0.
        times: when the product was first interacted with [s since 1970].
        strengths: weight of the strongest event of user and product.
    """

    users: pl.Series
    products: pl.Series
    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    positions: NDArray[np.int32]
    times: NDArray[np.float64]
    strengths: NDArray[np.float64]

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Number of the user whose entry it is, for each entry."""
        return np.repeat(np.arange(len(self.users)), np.diff(self.starts))

    @cached_property
    def ages(self) -> NDArray[np.int32]:
        """Positions between each entry and the last of its sequence: 0 for the last instant."""
        lengths = np.diff(self.starts)
        last = np.zeros(len(self.users), dtype=np.int32)
        last[lengths > 0] = self.positions[self.starts[1:][lengths > 0] - 1]
        return np.repeat(last, lengths) - self.positions

    @cached_property
    def popularity(self) -> NDArray[np.int64]:
        """Users who interacted with each product."""
        return np.bincount(self.items, minlength=len(self.products))

    def entries(self, keep: NDArray[np.bool_]) -> "Sequences":
        """The same users and products with some entries only; positions stay as they were."""
        counts = np.bincount(self.owners[keep], minlength=len(self.users))
        return Sequences(
            users=self.users,
            products=self.products,
            starts=np.concatenate([[0], np.cumsum(counts)]),
            items=self.items[keep],
            positions=self.positions[keep],
            times=self.times[keep],
            strengths=self.strengths[keep],
        )


def sequences(
    rows: pl.DataFrame,
    *,
    users: Sequence[str] | None = None,
    products: pl.Series | None = None,
) -> Sequences:
    """The sequences in rows of `mart/user_item_interactions`.

    Rows of weight 0 (returns) say nothing of taste and are left out.

    Args:
        rows: in any order, with the columns of `HISTORY_SCHEMA`. No cut-off is applied here.
        users: whose sequences, in this order; those without rows get an empty one. None: all
            users in the rows, sorted.
        products: `product_id` of the codes, sorted; rows of others are left out. None: those in
            the rows.

    Raises:
        DataError: a weight is not a finite number.
    """
    positive = positive_rows(rows.select(HISTORY_SCHEMA.names()))
    if products is not None:
        positive = positive.join(
            products.alias("product_id").to_frame(), on="product_id", how="semi"
        )
    if users is not None:
        wanted = pl.Series("user_id", users, dtype=pl.String())
        positive = positive.join(wanted.to_frame(), on="user_id", how="semi")
    else:
        wanted = positive["user_id"].unique().sort()
    if products is None:
        products = positive["product_id"].unique().sort()
    numbers = wanted.to_frame().with_row_index("user")
    codes = products.alias("product_id").to_frame().with_row_index("item")
    entries = (
        positive.join(numbers, on="user_id")
        .join(codes, on="product_id")
        .group_by("user", "item")
        .agg(pl.col("event_ts").min(), pl.col("weight").max())
        .sort("user", "event_ts", "item")
        .with_columns(position=pl.col("event_ts").rank("dense").over("user") - 1)
    )
    counts = np.bincount(entries["user"].to_numpy(), minlength=len(wanted))
    return Sequences(
        users=wanted,
        products=products,
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items=entries["item"].to_numpy().astype(np.int32),
        positions=entries["position"].to_numpy().astype(np.int32),
        times=entries["event_ts"].dt.epoch("us").to_numpy() / 1e6,
        strengths=entries["weight"].to_numpy(),
    )
