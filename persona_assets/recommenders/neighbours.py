"""Models of pairs of products: the layout of their artefact, and scores from a user's history.

Belongs here: the layout of a neighbour artefact, weighting a history, and the order of products
that no neighbour speaks for. Does not belong here: where the pairs' scores come from (one module
per model).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.sequences import Sequences
from persona_assets.tables import Table

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Neighbours:
    """What a model of pairs learned.

    Attributes:
        products: `product_id` of each row and column, sorted.
        popularity: (products,) users who interacted with each.
        scores: (products × products) how strongly the row's product leads to the column's.
    """

    products: pl.Series
    popularity: NDArray[np.float64]
    scores: "csr_matrix"

    def to_artefact(self) -> pl.DataFrame:
        """The pairs as rows of a `neighbour_table`, without their cut-off."""
        from scipy.sparse import diags_array

        pairs = (self.scores + diags_array(self.popularity)).tocoo()
        return pl.DataFrame(
            {
                "product_id": self.products.gather(pairs.row),
                "neighbour_id": self.products.gather(pairs.col),
                "score": pairs.data,
            }
        )

    @classmethod
    def from_artefact(cls, artefact: pl.DataFrame, table: Table) -> "Neighbours":
        """What `to_artefact` laid out, whatever the order of the rows.

        Raises:
            DataError: the artefact is empty or holds several cut-offs.
        """
        from scipy.sparse import coo_matrix

        rows = one_training(artefact, table)
        own = pl.col("product_id") == pl.col("neighbour_id")
        itself = rows.filter(own).sort("product_id")
        products = itself["product_id"]
        codes = pl.Enum(products)
        pairs = rows.filter(~own).select(
            pl.col("product_id", "neighbour_id").cast(codes).to_physical(), "score"
        )
        matrix = coo_matrix(
            (
                pairs["score"].to_numpy(),
                (pairs["product_id"].to_numpy(), pairs["neighbour_id"].to_numpy()),
            ),
            shape=(len(products), len(products)),
        ).tocsr()
        matrix.sort_indices()
        return cls(products, itself["score"].to_numpy(), matrix)

    def among(self, products: pl.Series) -> "Neighbours":
        """The same for `products` (sorted), which may be fewer or more."""
        if products.equals(self.products):
            return self
        places = products.to_frame("id").join(
            self.products.to_frame("id").with_row_index("place"),
            on="id",
            how="left",
            maintain_order="left",
        )["place"]
        from scipy.sparse import csr_matrix

        known = np.flatnonzero(places.is_not_null().to_numpy())
        chosen = places.drop_nulls().to_numpy()
        pick = csr_matrix(
            (np.ones(len(known)), (known, chosen)), shape=(len(products), len(self.products))
        )
        popularity = np.zeros(len(products))
        popularity[known] = self.popularity[chosen]
        scores = (pick @ self.scores @ pick.T).tocsr()
        scores.sort_indices()
        return Neighbours(products, popularity, scores)

    def scorer(
        self,
        history: Sequences,
        weights: NDArray[np.float64],
        *,
        revisit: float = 0.0,
        discover: bool = False,
        target: NDArray[np.float64] | None = None,
    ) -> Scorer:
        """Scores by what each user interacted with: Σ over the history of weight · score.

        Products that nothing in the history leads to follow below those with a positive score, by
        popularity; so does everything for people without history. Negative scores come last.

        Args:
            history: of the users to score for, in the model's product codes.
            weights: of each entry of the history.
            revisit: what a product of the history is given itself, as a share of the user's
                highest score, in proportion to its weight: for lists that may repeat products.
            discover: products of the history come last, for lists of what is new to the user where
                they are not excluded anyway.
            target: (products,) factor of each product's score; None: 1.
        """
        from persona_assets.recommenders.neighbour_scores import neighbour_scores

        matrix = self.scores
        factor = np.ones(len(self.products)) if target is None else target
        unscored = -1.0 / (1.0 + self.popularity)

        def scores_of(block: slice) -> NDArray[np.float32]:
            first, end, _ = block.indices(len(history.users))
            scores: NDArray[np.float32] = neighbour_scores(
                history.starts[first : end + 1],
                history.items,
                weights,
                matrix.indptr,
                matrix.indices,
                matrix.data,
                factor,
                unscored,
                float(revisit),
                discover,
            )
            return scores

        return Scorer(self.products, scores_of)


def strongest(scores: "csr_matrix", most: int) -> "csr_matrix":
    """The `most` largest entries of each row, and all that equal the least of them.

    Keeping equals keeps the choice free of the order of columns.

    Args:
        scores: positive entries.
        most: entries per row.
    """
    lengths = np.diff(scores.indptr)
    data = scores.data.copy()
    for row in np.flatnonzero(lengths > most):
        entries = data[scores.indptr[row] : scores.indptr[row + 1]]
        least = np.partition(entries, len(entries) - most)[len(entries) - most]
        entries[entries < least] = 0
    kept = scores.copy()
    kept.data = data
    kept.eliminate_zeros()
    return kept
