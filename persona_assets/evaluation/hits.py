"""Which listed products were relevant: what every accuracy metric is computed from.

Belongs here: lining scores or lists up with the truth, ties included. Does not belong here: what is
relevant (`relevance.py`, `splits.py`), lists (`lists.py`), what ties are expected to give
(`expected.py`) or any metric (`metrics.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.evaluation.expected import Groups, Hits, hits_of
from persona_assets.evaluation.lists import Lists, lists_of, numbers
from persona_assets.recommenders.score_blocks import of_each_block

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Row of the user and number of the product of each pair, all different, sorted by row."""


def hit_matrix(top_k: pl.DataFrame, relevant: pl.DataFrame, *, depth: int) -> Hits:
    """Line the lists of one model up with the relevant products.

    A user for whom the model made no list is evaluated with its list for people without history.
    Candidates are the products of the list and the relevant ones.

    Args:
        top_k: rows of `recommendations/top_k` of one model and one cut-off.
        relevant: `user_id, product_id`, each pair once, as `relevance.relevant_items` gives them.
        depth: ranks beyond it are not looked at.

    Raises:
        DataError: a list holds a product or a rank twice (either would inflate metrics), or a user
            has no list and the model has none for people without history.
    """
    users = relevant["user_id"].unique().sort()
    products = pl.concat([top_k["product_id"], relevant["product_id"]]).unique().sort()
    return hits_of_lists(
        lists_of(top_k, users, products), pairs_of(relevant, users, products), depth=depth
    )


def pairs_of(relevant: pl.DataFrame, users: pl.Series, products: pl.Series) -> Pairs:
    """Rows and numbers of pairs `user_id, product_id`, sorted; all of them must be known."""
    rows, columns = (
        numbers(relevant["user_id"], users),
        numbers(relevant["product_id"], products),
    )
    order = np.lexsort((columns, rows))
    return rows[order], columns[order]


def hits_of_lists(
    lists: Lists,
    relevant: Pairs,
    *,
    depth: int,
    candidates: NDArray[np.int64] | None = None,
) -> Hits:
    """Line lists up with the relevant products.

    Products of equal score that stand beside each other are exchangeable; what a list of finite
    length has cut off cannot be exchanged for what it shows.

    Args:
        lists: a row per user.
        relevant: pairs of these users, at least one for each, sorted by row and number.
        depth: ranks beyond it are not looked at.
        candidates: per user, see `Hits`; None: the listed and the relevant products.
    """
    users, length = lists.products.shape
    filled = lists.products >= 0
    at = np.flatnonzero(filled.ravel())
    span = max(int(lists.products.max(initial=0)), int(relevant[1].max(initial=0))) + 1
    keys = relevant[0] * span + relevant[1]
    of_cell = at // max(1, length) * span + lists.products.ravel()[at]
    pair = np.minimum(np.searchsorted(keys, of_cell), len(keys) - 1)
    hit = keys[pair] == of_cell
    # A run is a stretch of cells of equal score in one list.
    begins = np.ones((users, length), dtype=np.bool_)
    begins[:, 1:] = lists.scores[:, 1:] != lists.scores[:, :-1]
    run = np.cumsum(begins.ravel()) - 1
    start = np.flatnonzero(begins.ravel())
    size = np.bincount(run[at], minlength=len(start))
    found = np.bincount(run[at[hit]], minlength=len(start))
    kept = np.flatnonzero(found)
    of_pair = np.full(len(keys), -1, dtype=np.int64)
    of_pair[pair[hit]] = (np.cumsum(found > 0) - 1)[run[at[hit]]]
    totals = np.bincount(relevant[0], minlength=users)
    listed = filled.sum(axis=1)
    if candidates is None:
        candidates = listed + totals - np.bincount(at[hit] // max(1, length), minlength=users)
    return hits_of(
        Groups(start[kept] // length, start[kept] % length, size[kept], found[kept], of_pair)
        if length
        else _no_groups(of_pair),
        totals,
        candidates,
        depth=depth,
        listed=listed,
    )


def _no_groups(of_pair: NDArray[np.int64]) -> Groups:
    none = np.empty(0, dtype=np.int64)
    return Groups(none, none, none, none, of_pair)


def hits_of_scores(
    scores_of: Callable[[slice], NDArray[np.floating[Any]]],
    relevant: Pairs,
    excluded: Pairs,
    *,
    totals: NDArray[np.int64],
    products: int,
    depth: int,
) -> Hits:
    """Full ranking of every product for every user, without making lists.

    Scores are compared as 32-bit floats: what differs in later digits only differs by the order in
    which it was summed.

    Args:
        scores_of: gives a fresh (users of the slice × products) array; several threads may ask at
            once.
        relevant: row and column of each relevant product that can be ranked, sorted by row.
        excluded: row and column of each product that is left out of a user's ranking, sorted by
            row. None of them is relevant.
        totals: per user the number of relevant products, those that cannot be ranked included.
        products: number of columns.
        depth: ranks beyond it are not looked at.
    """
    from persona_assets.evaluation.rank_counts import count_above

    users = len(totals)
    rows, columns = relevant
    above = np.empty(len(rows), dtype=np.int64)
    equal = np.empty(len(rows), dtype=np.int64)
    begins = np.searchsorted(rows, np.arange(users + 1))
    out = np.searchsorted(excluded[0], np.arange(users + 1))

    def count(block: slice) -> None:
        start, end = block.start, block.stop
        scores = np.ascontiguousarray(scores_of(block), dtype=np.float32)
        hidden = slice(out[start], out[end])
        scores[excluded[0][hidden] - start, excluded[1][hidden]] = -np.inf
        mine = slice(begins[start], begins[end])
        count_above(
            scores,
            begins[start : end + 1] - begins[start],
            scores[rows[mine] - start, columns[mine]],
            above[mine],
            equal[mine],
        )

    of_each_block(count, users, products)
    order = np.lexsort((above, rows))
    above, equal = above[order], equal[order]
    first = (np.diff(rows, prepend=-1) != 0) | (np.diff(above, prepend=-1) != 0)
    heads = np.flatnonzero(first)
    of_pair = np.empty(len(rows), dtype=np.int64)
    of_pair[order] = np.cumsum(first) - 1
    ranked = products - np.diff(out)
    return hits_of(
        Groups(
            rows[heads], above[heads], equal[heads], np.diff(np.append(heads, len(rows))), of_pair
        ),
        totals,
        ranked + totals - np.diff(begins),
        depth=depth,
        listed=ranked,
    )
