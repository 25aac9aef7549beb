"""Which listed products were relevant: the one computation that every accuracy metric reads.

Belongs here: lining lists up with the truth. Does not belong here: what is relevant
(`relevance.py`) or any metric (`metrics.py`).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError
from persona_assets.tables.models import FALLBACK_USER


@dataclass(frozen=True)
class Hits:
    """The lists of one model against the truth, a row per user in the order of `user_id`.

    Attributes:
        matrix: users × depth; true where the product at that rank (column 0 is rank 1) is relevant.
            Ranks that a list does not fill are false.
        relevant: per user the number of relevant products, at least 1.
    """

    matrix: NDArray[np.bool_]
    relevant: NDArray[np.int64]


def hit_matrix(top_k: pl.DataFrame, relevant: pl.DataFrame, *, depth: int) -> Hits:
    """Line the lists of one model up with the relevant products.

    A user for whom the model made no list is judged by its list for people without history.

    Args:
        top_k: rows of `recommendations/top_k` of one model and one cut-off.
        relevant: `user_id, product_id`, each pair once, as `relevance.relevant_items` gives them.
        depth: ranks beyond it are not looked at.

    Raises:
        DataError: a list holds a product or a rank twice (either would inflate metrics), or a user
            has no list and the model has none for people without history.
    """
    users = relevant.group_by("user_id").len("relevant").sort("user_id").with_row_index("row")
    lists = top_k.select("model", "user_id", "rank", "product_id").filter(pl.col("rank") <= depth)
    _refuse_duplicates(lists)
    found = (
        _lists_of(users, lists)
        .join(relevant, on=["user_id", "product_id"], how="semi")
        .join(users, on="user_id")
    )
    matrix = np.zeros((users.height, depth), dtype=np.bool_)
    matrix[found["row"].to_numpy(), found["rank"].to_numpy() - 1] = True
    return Hits(matrix, users["relevant"].to_numpy().astype(np.int64))


def _lists_of(users: pl.DataFrame, lists: pl.DataFrame) -> pl.DataFrame:
    """The lists of `users`, completed by the fallback list."""
    without = users.join(lists, on="user_id", how="anti").select("user_id")
    fallback = lists.filter(pl.col("user_id") == FALLBACK_USER).drop("user_id")
    if without.height and fallback.is_empty():
        model = lists["model"].first()
        raise DataError(
            f"recommendations/top_k, model {model!r}: {without.height} judged user(s), the first "
            f"of them {without['user_id'][0]!r}, have no list and there is no list for user_id "
            f"{FALLBACK_USER!r} either; materialize recommendations/top_k again for this cut-off"
        )
    own = lists.join(users, on="user_id", how="semi")
    return pl.concat([own, without.join(fallback, how="cross").select(own.columns)])


def _refuse_duplicates(lists: pl.DataFrame) -> None:
    for column in ("product_id", "rank"):
        twice = lists.filter(pl.struct("user_id", column).is_duplicated())
        if twice.height:
            model, user, value = (
                twice.sort("user_id", column).select("model", "user_id", column).row(0)
            )
            raise DataError(
                f"recommendations/top_k, model {model!r}, user_id {user!r}: {column} {value!r} "
                "occurs twice in one list; materialize recommendations/top_k again for this "
                "cut-off, and if it comes back mend the model's ranking"
            )
