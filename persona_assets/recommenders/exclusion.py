"""Which products a user must not be shown again.

Belongs here: the exclusion rules and the pairs that each of them yields. Does not belong here:
applying them to scores (`ranking.py`).
"""

from datetime import date
from typing import Literal, get_args

import polars as pl

from persona_assets.errors import UserError
from persona_assets.transforms.history import known_before

Exclusion = Literal["seen", "bought", "none"]
"""`seen`: any earlier row of the pair, whatever its kind; `bought`: an earlier purchase."""


def excluded_pairs(interactions: pl.DataFrame, *, cutoff: date, exclude: Exclusion) -> pl.DataFrame:
    """Pairs that recommendations made at `cutoff` leave out.

    Args:
        interactions: rows of `mart/user_item_interactions`.
        cutoff: rows that happened or arrived on or after this day are not looked at.
        exclude: the rule, see `Exclusion`.

    Returns:
        `user_id, product_id`, each pair once, sorted; no rows for `none`.

    Raises:
        UserError: `exclude` is no known rule.
    """
    if exclude not in get_args(Exclusion):
        raise UserError(
            f"exclude must be one of {', '.join(get_args(Exclusion))}; got {exclude!r}; "
            "pass one of these"
        )
    known = known_before(interactions, cutoff)
    if exclude == "bought":
        known = known.filter(pl.col("event_type") == "purchase")
    elif exclude == "none":
        known = known.clear()
    return known.select("user_id", "product_id").unique().sort("user_id", "product_id")
