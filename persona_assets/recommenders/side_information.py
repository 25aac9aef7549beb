"""Side information from the lake's tables: user and item features known at a cut-off.

Belongs here: bringing people under the names that the mart has for them, what was known of them at
a cut-off, and segments to people.
Does not belong here: which models use it, or reading tables (`orchestration/assets/`,
`cli/models.py`).
"""

from dataclasses import dataclass, replace
from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.recommenders.protocol import CUSTOMER_SEGMENT, SideInformation
from persona_assets.tables.raw import PRODUCT_HISTORY, USER_HISTORY
from persona_assets.transforms.attribute_history import as_known_at
from persona_assets.transforms.pseudonyms import pseudonymise


@dataclass(frozen=True)
class AttributeHistories:
    """What was known of people and products from when until when.

    Attributes:
        users: rows of `raw/user_history`, people named as in the mart.
        products: rows of `raw/product_history`.
    """

    users: pl.DataFrame
    products: pl.DataFrame

    def known_at(self, cutoff: date) -> SideInformation:
        """What was known before `cutoff` 00:00 UTC; later changes are left out."""
        users, products = (as_known_at(each, cutoff) for each in (self.users, self.products))
        return SideInformation(
            users=None if users.is_empty() else users.sort("user_id"),
            products=None if products.is_empty() else products.sort("product_id"),
        )


def attribute_histories(
    users: pl.DataFrame | None = None, products: pl.DataFrame | None = None, *, key: bytes
) -> AttributeHistories:
    """What was known of people and products; nothing of those of whom there are no rows.

    Args:
        users: rows of `raw/user_history`, under the shop's own identifiers; None: not asked for.
        products: rows of `raw/product_history`; None: not asked for.
        key: of the user identifiers' hashes, see `Settings.secret_key`.
    """
    users = USER_HISTORY.empty() if users is None else users
    named = pseudonymise(nw.from_native(users.lazy()), "user_id", key).collect("polars").to_native()
    return AttributeHistories(named, PRODUCT_HISTORY.empty() if products is None else products)


def with_segments(side_information: SideInformation, segments: pl.DataFrame) -> SideInformation:
    """`side_information` with each customer's segment as the user feature `customer_segment`.

    Args:
        side_information: user and item features known at the cut-off.
        segments: rows of `segmentation/customer_segments` of one cut-off, that of the training: a
            segment of a later one would tell what the customer does next.
    """
    named = segments.select("user_id", pl.col("name").alias(CUSTOMER_SEGMENT)).sort("user_id")
    if side_information.users is None:
        return replace(side_information, users=named)
    people = side_information.users.join(named, on="user_id", how="full", coalesce=True)
    return replace(side_information, users=people.sort("user_id"))
