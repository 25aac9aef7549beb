"""Content: products that the catalogue describes like those of the history.

Belongs here: the model. Does not belong here: terms and their weights (`catalogue_terms.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import InsufficientDataError, UserError
from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.catalogue_terms import FIELDS, catalogue, terms, tf_idf
from persona_assets.recommenders.histories import Histories, Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.popularity_fallback import popular_last
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    SideInformation,
    SideTable,
    Space,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.tables import Table
from persona_assets.tables.models import CONTENT_MODEL


@dataclass(frozen=True)
class ContentConfig(Config):
    """Configuration of `Content`.

    Attributes:
        category: share of the category in the description; 0: it is not looked at.
        brand: share of the brand.
        price: share of the price tier.
        name: share of the words of the name.
        price_tiers: parts of equal size into which the catalogue is divided by price.
        history_decay: what each earlier instant of the history counts, the next one counting 1.
        emphasis: exponent of the event weight in the history.
        popularity: exponent by which frequent products are recommended more; products that
            nobody interacted with count like one person's. 0: it does not matter who interacted
            with what.
    """

    category: float = may_be_zero(1.0)
    brand: float = may_be_zero(1.0)
    price: float = may_be_zero(0.5)
    name: float = may_be_zero(1.0)
    price_tiers: int = 5
    history_decay: float = 0.85
    emphasis: float = may_be_zero(0.5)
    popularity: float = may_be_zero(0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not any(getattr(self, each) > 0 for each in FIELDS):
            raise UserError(
                f"ContentConfig: {', '.join(FIELDS)} are all 0; give at least one a share"
            )


@dataclass(frozen=True)
class Content(Recommender):
    """Content: score(u, j) = max(n_j, 1)^p · Σ_i w_ui · t_i · t_j over the history of u.

    t are TF-IDF vectors of category, brand, price tier and words of the name (`tf_idf`), of length
    1, so t_i · t_j is their cosine (Pazzani and Billsus 2007, "Content-based recommendation
    systems"); w_ui = history_decay^age · weight^emphasis; n_j people interacted with j. It also
    ranks products that nobody has interacted with. Training takes time and memory in proportion to
    the terms of the catalogue; scoring in proportion to the pairs of a person's terms and products
    with them.
    """

    config: ContentConfig = field(default_factory=ContentConfig)
    name: ClassVar[str] = "content"
    artefact: ClassVar[Table] = CONTENT_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    needs_side_information: ClassVar[frozenset[SideTable]] = frozenset({"products"})
    space: ClassVar[Space] = {
        "popularity": (0.0, 0.25, 0.5, 1.0),
        "history_decay": (0.85, 0.5, 0.7, 1.0),
        "category": (1.0, 0.3, 3.0),
        "brand": (1.0, 0.3, 3.0),
        "name": (1.0, 0.3, 3.0),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset({"history_decay", "emphasis", "popularity"})

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/content_model` without their cut-off; see `Recommender.fit`.

        Raises:
            InsufficientDataError: nothing is known at the cut-off, or no product is described.
        """
        rows = known.positive
        if (
            side_information.products is None
            or "product_id" not in side_information.products.columns
        ):
            raise InsufficientDataError(
                f"there is no catalogue of products (product_id and any of {', '.join(FIELDS)})"
            )
        described = catalogue(side_information.products, cutoff=known.cutoff)
        found = terms(described, price_tiers=self.config.price_tiers)
        shares = {each: getattr(self.config, each) for each in FIELDS}
        weights = tf_idf(found, products=described.height, shares=shares)
        if weights.is_empty():
            raise InsufficientDataError(
                "no product of raw/products on sale at the cut-off has a value in any of "
                f"{', '.join(FIELDS)} that tells it from others"
            )
        people = rows.group_by("product_id").agg(pl.col("user_id").n_unique().alias("users"))
        popularity = (
            pl.concat([described.select("product_id"), people.select("product_id")])
            .unique()
            .join(people, on="product_id", how="left")
            .select("product_id", term=pl.lit(""), weight=pl.col("users").fill_null(0.0))
        )
        return pl.concat([weights, popularity.cast({"weight": pl.Float64})]).select(
            "product_id", "term", "weight"
        )

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; people without history, or with an undescribed one, get the popular."""
        from scipy.sparse import csr_matrix

        config = self.config
        rows = one_training(artefact, self.artefact)
        known = rows.filter(pl.col("term") == "").sort("product_id")
        products, people = Products(known["product_id"]), known["weight"].to_numpy()
        words = rows.filter(pl.col("term") != "").sort("product_id", "term")
        names = words["term"].unique().sort()
        described = csr_matrix(
            (
                words["weight"].to_numpy(),
                (
                    words["product_id"].cast(pl.Enum(products.ids)).to_physical().to_numpy(),
                    words["term"].cast(pl.Enum(names)).to_physical().to_numpy(),
                ),
            ),
            shape=(len(products), len(names)),
        )
        with_term = described.T.tocsr()
        factor = (np.maximum(people, 1.0) ** config.popularity).astype(np.float32)

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            history = histories.sequences(users, products)
            weights = config.history_decay**history.ages * history.strengths**config.emphasis
            weighted = csr_matrix(
                (weights, history.items, history.starts), shape=(len(users), len(products))
            )
            tastes = weighted @ described

            def scores_of(block: slice) -> NDArray[np.floating[Any]]:
                # Equal descriptions must have equal scores, whatever the order of the terms.
                scores = (tastes[block] @ with_term).astype(np.float32).toarray()
                return popular_last(scores * factor, people)

            return Scorer(products.ids, scores_of)

        return scorer
