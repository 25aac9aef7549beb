"""Products that the catalogue describes alike: what there is to say of one that nobody knows yet.

Belongs here: neighbours by description. Does not belong here: terms and their weights
(`recommenders/catalogue_terms.py`), the model that ranks by them (`models/content.py` there).

Made from the catalogue of now, so that a product has neighbours as soon as it is in it.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from persona_assets.recommenders.best_columns import best_columns
from persona_assets.recommenders.catalogue_terms import FIELDS, catalogue, terms, tf_idf
from persona_assets.recommenders.models.content import ContentConfig

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_DEFAULT = ContentConfig()


@dataclass(frozen=True, eq=False)
class DescribedAlike:
    """TF-IDF vectors of the catalogue, of length 1.

    Attributes:
        products: `product_id` of each row, sorted; those that are described.
        rows: `product_id` → row.
        weights: (products × terms).
        by_term: (terms × products), the same.
    """

    products: pl.Series
    rows: dict[str, int]
    weights: "csr_matrix"
    by_term: "csr_matrix"

    @classmethod
    def of(cls, products: pl.DataFrame) -> "DescribedAlike":
        """Of rows of `raw/products`."""
        from scipy.sparse import csr_matrix

        known = catalogue(products, cutoff=date.max)
        shares = {each: getattr(_DEFAULT, each) for each in FIELDS}
        found = tf_idf(
            terms(known, price_tiers=_DEFAULT.price_tiers), products=known.height, shares=shares
        )
        described, words = found["product_id"].unique().sort(), found["term"].unique().sort()
        weights = csr_matrix(
            (
                found["weight"].to_numpy(),
                (
                    found["product_id"].cast(pl.Enum(described)).to_physical().to_numpy(),
                    found["term"].cast(pl.Enum(words)).to_physical().to_numpy(),
                ),
            ),
            shape=(len(described), len(words)),
        )
        rows = {product: row for row, product in enumerate(described)}
        return cls(described, rows, weights, weights.T.tocsr())

    def of_product(self, product: str, k: int) -> list[tuple[str, float]]:
        """The `k` products most alike, with their cosines; none for one that is not described."""
        row = self.rows.get(product)
        if row is None:
            return []
        # Equal descriptions must have equal scores, whatever the order of the terms.
        cosines = (self.weights[row] @ self.by_term).astype(np.float32).toarray().astype(np.float64)
        cosines[0, row] = 0.0
        best = best_columns(cosines, min(k, cosines.shape[1]))[0]
        return [
            (self.products[int(each)], float(cosines[0, each]))
            for each in best
            if cosines[0, each] > 0
        ]
