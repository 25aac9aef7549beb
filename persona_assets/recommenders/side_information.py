"""From the shop's raw tables to what models may know besides interactions.

Belongs here: bringing people under the names that the mart has for them. Does not belong here:
which models use it, or reading tables (`assets/`, `model_commands.py`).
"""

import narwhals as nw
import polars as pl

from persona_assets.recommenders.protocol import SideInformation
from persona_assets.transforms.pseudonyms import pseudonymise


def side_information(users: pl.DataFrame, products: pl.DataFrame, *, key: bytes) -> SideInformation:
    """What is known of people and products; nothing of those of whom there are no rows.

    Args:
        users: rows of `raw/users`, under the shop's own identifiers.
        products: rows of `raw/products`.
        key: of the user identifiers' hashes, see `Settings.secret_key`.
    """
    named = pseudonymise(nw.from_native(users.lazy()), "user_id", key).collect("polars").to_native()
    return SideInformation(
        users=None if users.is_empty() else named.sort("user_id"),
        products=None if products.is_empty() else products.sort("product_id"),
    )
