"""Lists of one model as arrays: what every measure of lists reads.

Belongs here: the step from rows of `recommendations/top_k` to arrays, and the refusal of lists that
are none. Does not belong here: what is measured on them (`hits.py`, `beyond_accuracy.py`).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError
from persona_assets.tables.models import FALLBACK_USER


@dataclass(frozen=True)
class Lists:
    """The lists of one model for some users, a row per user.

    Attributes:
        products: users × length; number of the product at each rank, −1 where a rank is not filled.
        scores: users × length; NaN where a rank is not filled.
        own: whether the list was made for this very user, and not for people without history.
    """

    products: NDArray[np.int64]
    scores: NDArray[np.float64]
    own: NDArray[np.bool_]

    def of(self, rows: NDArray[np.int64]) -> "Lists":
        """The lists of some of the users."""
        return Lists(self.products[rows], self.scores[rows], self.own[rows])


def numbers(values: pl.Series, known: pl.Series) -> NDArray[np.int64]:
    """Place of each value among `known` (different texts), −1 for what is not there."""
    places = values.cast(pl.String).cast(pl.Enum(known), strict=False).to_physical()
    return places.cast(pl.Int64).fill_null(-1).to_numpy()


def lists_of(
    top_k: pl.DataFrame,
    users: pl.Series,
    products: pl.Series,
    *,
    needed: NDArray[np.bool_] | None = None,
) -> Lists:
    """The lists of one model and one cut-off.

    A user for whom the model made no list gets its list for people without history.

    Args:
        top_k: rows of `recommendations/top_k` of one model and one cut-off, in any order; lists of
            others than `users` are not looked at.
        users: `user_id` of each row, all different.
        products: all products that may be listed, all different; a product's number is its place.
        needed: users who must have a list, be it that for people without history; None: all. The
            others may have an empty one.

    Raises:
        DataError: a list holds a product or a rank twice (either would inflate metrics), or a user
            who needs a list has none and the model has none for people without history.
    """
    row = numbers(top_k["user_id"], pl.concat([users, pl.Series([FALLBACK_USER])]))
    mine = np.flatnonzero(row >= 0)
    row, rank = row[mine], top_k["rank"].to_numpy()[mine]
    product = numbers(top_k["product_id"], products)[mine]
    length = int(rank.max(initial=0))
    cell = row * length + rank - 1
    shape = (len(users) + 1, length)
    if np.bincount(cell, minlength=1).max() > 1:
        raise _twice(top_k[mine], "rank")
    listed = np.full(shape, -1, dtype=np.int64)
    scores = np.full(shape, np.nan)
    listed.ravel()[cell] = product
    scores.ravel()[cell] = top_k["score"].to_numpy()[mine]
    beside = np.sort(listed, axis=1)
    if ((beside[:, 1:] == beside[:, :-1]) & (beside[:, 1:] >= 0)).any():
        raise _twice(top_k[mine], "product_id")
    own = np.zeros(len(users) + 1, dtype=np.bool_)
    own[row] = True
    without = np.flatnonzero(~own[:-1])
    lacking = without if needed is None else np.flatnonzero(~own[:-1] & needed)
    if len(lacking) and not own[-1]:
        raise DataError(
            f"recommendations/top_k, model {_model(top_k)!r}: {len(lacking)} evaluated user(s), "
            f"the first of them {users[int(lacking[0])]!r}, have no list and there is no list for "
            f"user_id {FALLBACK_USER!r} either; materialize recommendations/top_k again for this "
            "cut-off"
        )
    listed[without], scores[without] = listed[-1], scores[-1]
    return Lists(listed[:-1], scores[:-1], own[:-1])


def _twice(rows: pl.DataFrame, column: str) -> DataError:
    """What is wrong with lists that hold a value of `column` twice."""
    twice = rows.filter(pl.struct("user_id", column).is_duplicated())
    first = twice.sort("user_id", column).row(0, named=True)
    return DataError(
        f"recommendations/top_k, model {_model(rows)!r}, user_id {first['user_id']!r}: {column} "
        f"{first[column]!r} occurs twice in one list; materialize recommendations/top_k again for "
        "this cut-off, and if it comes back correct the model's ranking"
    )


def _model(top_k: pl.DataFrame) -> object:
    return top_k["model"].first()
