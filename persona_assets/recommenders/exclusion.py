"""Which products a user must not be shown again.

Belongs here: the exclusion rules and the pairs that each of them yields. Does not belong here:
applying them to scores (`ranking.py`).
"""

from datetime import date
from typing import Literal, get_args

import narwhals as nw
import polars as pl

from persona_assets.errors import UserError
from persona_assets.transforms.history import Rows, known_before

Exclusion = Literal["seen", "bought", "none"]
"""`seen`: any earlier row of the pair, whatever its kind; `bought`: an earlier purchase."""


def excluded_pairs(interactions: Rows, *, cutoff: date, exclude: Exclusion) -> Rows:
    """Pairs that recommendations made at `cutoff` leave out.

    Args:
        interactions: rows of `mart/user_item_interactions`, of either engine.
        cutoff: rows that happened or arrived on or after this day are not looked at.
        exclude: the rule, see `Exclusion`.

    Returns:
        `user_id, product_id`, each pair once; no rows for `none`. Sorted where `interactions` are
        in memory, in no order where they are lazy.

    Raises:
        UserError: `exclude` is not a known rule.
    """
    if exclude not in get_args(Exclusion):
        raise UserError(
            f"exclude must be one of {', '.join(get_args(Exclusion))}; got {exclude!r}; "
            "pass one of these"
        )
    if isinstance(interactions, pl.DataFrame):
        pairs = _pairs(nw.from_native(interactions.lazy()), cutoff, exclude).collect("polars")
        return pairs.sort("user_id", "product_id").to_native()
    return _pairs(interactions, cutoff, exclude)


def _pairs(interactions: nw.LazyFrame, cutoff: date, exclude: Exclusion) -> nw.LazyFrame:
    known = known_before(interactions, cutoff)
    if exclude == "bought":
        known = known.filter(nw.col("event_type") == "purchase")
    elif exclude == "none":
        known = known.head(0)
    return known.select("user_id", "product_id").unique()
