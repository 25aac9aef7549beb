"""From scores to ranked lists: exclusion, the best k, and an order that is always the same.

Belongs here: everything about lists that does not depend on how scores come about. Does not belong
here: scores (`factors.py`, `popularity.py`) or which pairs are excluded (`exclusion.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import UserError
from persona_assets.recommenders.score_blocks import of_each_block

LIST_SCHEMA = pl.Schema(
    {
        "user_id": pl.String(),
        "rank": pl.Int64(),
        "product_id": pl.String(),
        "score": pl.Float64(),
    }
)


@dataclass(frozen=True)
class Scorer:
    """A model's scores of all products, for some users.

    Attributes:
        products: `product_id` of each column.
        scores_of: gives a fresh (users of the slice × products) array of finite scores; several
            threads may ask at once.
    """

    products: pl.Series
    scores_of: Callable[[slice], NDArray[np.floating[Any]]]

    def among(self, candidates: Sequence[str]) -> "Scorer":
        """The same scores for those of the products that are in `candidates`."""
        columns = np.flatnonzero(self.products.is_in(list(candidates)).to_numpy())
        return Scorer(
            self.products.gather(columns), lambda block: self.scores_of(block)[:, columns]
        )


def everyones(products: pl.Series, scores: NDArray[np.float64], users: int) -> Scorer:
    """The scorer of a model whose scores are the same for every user.

    Args:
        products: `product_id` of each score.
        scores: (products,)
        users: number of users.
    """
    return Scorer(products, lambda block: np.tile(scores, (len(range(users)[block]), 1)))


def ranked_lists(
    users: Sequence[str],
    products: pl.Series,
    scores_of: Callable[[slice], NDArray[np.floating[Any]]],
    *,
    k: int,
    excluded: pl.DataFrame,
) -> pl.DataFrame:
    """The `k` best products of each user, a block of users at a time on each core.

    Args:
        users: `user_id` of each list, all different.
        products: `product_id` of each column of the scores; ties go to the earlier one.
        scores_of: see `Scorer`.
        k: length of the lists.
        excluded: pairs `user_id, product_id` to leave out; pairs of unknown ids are ignored.

    Returns:
        `user_id, rank, product_id, score`, users in the given order, ranks from 1. A list is
        shorter than `k` where fewer products are left.

    Raises:
        UserError: `k` is below 1.
    """
    from persona_assets.recommenders.best_columns import best_columns

    if k < 1:
        raise UserError(f"k must be at least 1; got {k}; pass a positive --k")
    user_rows, product_columns = _positions(users, products, excluded)
    length = min(k, len(products))
    if length == 0:
        return LIST_SCHEMA.to_frame()
    user_ids = pl.Series("user_id", users, dtype=pl.String())

    def lists_of(block: slice) -> pl.DataFrame:
        scores, start = scores_of(block), block.start
        first, last = np.searchsorted(user_rows, (start, block.stop))
        scores[user_rows[first:last] - start, product_columns[first:last]] = -np.inf
        best = best_columns(scores, length)
        best_scores = np.take_along_axis(scores, best, axis=1)
        row, rank = np.nonzero(np.isfinite(best_scores))
        return pl.DataFrame(
            {
                "user_id": user_ids.gather(row + start),
                "rank": rank + 1,
                "product_id": products.gather(best[row, rank]),
                "score": best_scores[row, rank].astype(np.float64),
            },
            schema=LIST_SCHEMA,
        )

    made = of_each_block(lists_of, len(users), len(products))
    return pl.concat([LIST_SCHEMA.to_frame(), *made])


def _positions(
    users: Sequence[str], products: pl.Series, excluded: pl.DataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each excluded pair, sorted by row."""
    rows = pl.DataFrame({"user_id": users}, schema={"user_id": pl.String()}).with_row_index("row")
    columns = products.rename("product_id").to_frame().with_row_index("column")
    positions = (
        excluded.select("user_id", "product_id")
        .join(rows, on="user_id")
        .join(columns, on="product_id")
        .select(pl.col("row", "column").cast(pl.Int64))
        .sort("row", "column")
    )
    return positions["row"].to_numpy(), positions["column"].to_numpy()
