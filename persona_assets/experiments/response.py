"""Response models: the probability of a click and of an order for a shown product.

Belongs here: the protocol `ResponseModel`, the model for shops whose truth is planted, and the
errors they share. Does not belong here: the model estimated from a real shop's data
(`fitted_response.py`) or drawing clicks and orders (`simulator.py`).
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError

Floats = NDArray[np.float64]

VISITS = 7
"""Times that a user sees the list in the week of an experiment: once a day."""


class ResponseModel(Protocol):
    """Probabilities of response to a product shown on the first rank, where everyone looks."""

    @property
    def label(self) -> Literal["planted", "fitted"]:
        """Where the responses come from; reports repeat it beside every number."""
        ...

    def probabilities(self, exposures: pl.DataFrame) -> tuple[Floats, Floats]:
        """Per visit: probability of a click, and of an order given a click, for every exposure.

        Args:
            exposures: has `user_id` (keyed hash) and `product_id`; one row per exposure.

        Returns:
            Two arrays aligned with the rows of `exposures`.
        """
        ...


class PlantedResponse:
    """The probabilities that a synthetic shop itself draws from: the truth, not an estimate."""

    label: Literal["planted"] = "planted"

    def __init__(
        self,
        user_ids: Sequence[str],
        product_ids: Sequence[str],
        p_click: Floats,
        p_order: Floats,
    ) -> None:
        """Wrap dense arrays of probabilities.

        Args:
            user_ids: keyed hash of the user of each row (the shop itself knows them by its own
                identifiers; the caller translates).
            product_ids: product of each column.
            p_click: (users × products), probability of a click when shown.
            p_order: (users × products), probability of an order once clicked.

        Raises:
            DataError: the arrays' shapes are not (users × products).
        """
        shape = (len(user_ids), len(product_ids))
        if p_click.shape != shape or p_order.shape != shape:
            raise DataError(
                f"planted responses of {shape[0]} users × {shape[1]} products come as arrays of "
                f"shape {p_click.shape} and {p_order.shape}; pass one row per user and one column "
                "per product."
            )
        self._rows = _positions("user_id", user_ids)
        self._columns = _positions("product_id", product_ids)
        self._p_click, self._p_order = p_click, p_order

    def probabilities(self, exposures: pl.DataFrame) -> tuple[Floats, Floats]:
        """See `ResponseModel.probabilities`.

        Raises:
            DataError: the shop does not know a user or a product.
        """
        at = exposures.select("user_id", "product_id")
        at = at.join(self._rows, on="user_id", how="left", maintain_order="left")
        at = at.join(self._columns, on="product_id", how="left", maintain_order="left")
        for column in ("user_id", "product_id"):
            unknown = at.filter(pl.col(f"{column}_at").is_null())[column].unique().sort()
            if len(unknown):
                raise DataError(
                    f"recommendations/top_k: column {column} holds {len(unknown)} values that the "
                    f"synthetic shop does not know, such as {unknown[0]!r}; materialize raw, mart, "
                    "models and recommendations again from one and the same source."
                )
        index = at["user_id_at"].to_numpy(), at["product_id_at"].to_numpy()
        return self._p_click[index], self._p_order[index]


def _positions(column: str, ids: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame({column: list(ids)}, schema={column: pl.String}).with_row_index(
        f"{column}_at"
    )
