"""A model of response for real shops, estimated from what their users did.

A real shop's log does not say how a user would respond to a list that was never shown. What it does
say is who came back to which product, and this module regresses that on what was known before. So a
simulation on top of it is a rehearsal of an experiment, not a forecast of its outcome; every result
is labelled `fitted`.

Belongs here: that regression and its features. Does not belong here: the protocol and the synthetic
shop's truth (`response.py`).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import InsufficientDataError
from persona_assets.evaluation.relevance import rows_of_week
from persona_assets.experiments.response import VISITS, Floats

INTERACTIONS = ("view", "add_to_cart", "purchase")
"""Event types that show interest; in a shop that logs purchases only, interest is a purchase."""
RECENT = timedelta(days=28)
"""Activity and popularity are counted over four whole weeks: recent, and fair to every weekday."""
FEATURES = (
    "user_activity",
    "product_popularity",
    "cosine",
    "touched_before",
    "price_distance",
)
MAX_POSITIVES = 50_000
"""Plenty for six coefficients; bounds time and memory in large shops."""
NEGATIVES = 10
"""Negatives per positive: the variance that sampling adds is about a tenth of that of the
positives."""


@dataclass(frozen=True)
class KnownBefore:
    """What is known before a cut-off about users, products and pairs of them.

    `users`: `user_id`, `user_activity`, `usual_price`; `products`: `product_id`,
    `product_popularity`, `price`; `interacted`: `user_id`, `product_id` of pairs interacted with
    before; both embeddings: identifier and `vector`.
    """

    users: pl.DataFrame
    products: pl.DataFrame
    interacted: pl.DataFrame
    user_embeddings: pl.DataFrame
    item_embeddings: pl.DataFrame

    def features(self, pairs: pl.DataFrame) -> Floats:
        """(pairs × `FEATURES`), aligned with `pairs`, which has `user_id` and `product_id`.

        log(1 + interactions) of the user and of the product in the four weeks before; cosine of
        their embeddings; whether the user had interacted with the product; |log(price / median
        price of the user's interactions)|. What is not known (no vector, no price, no interaction)
        is 0.
        """
        price_ratio = pl.col("price") / pl.col("usual_price")
        joined = (
            pairs.select("user_id", "product_id")
            .join(self.users, on="user_id", how="left", maintain_order="left")
            .join(self.products, on="product_id", how="left", maintain_order="left")
            .join(
                self.interacted.with_columns(touched_before=1.0),
                on=["user_id", "product_id"],
                how="left",
                maintain_order="left",
            )
            .with_columns(
                cosine=pl.Series(self._cosine(pairs)),
                # Prices of 0 have no logarithm: their distance is as unknown as that of no price.
                price_distance=pl.when(price_ratio.is_finite() & (price_ratio > 0)).then(
                    price_ratio.log().abs()
                ),
            )
        )
        return joined.select(pl.col(FEATURES).fill_null(0.0)).to_numpy()

    def _cosine(self, pairs: pl.DataFrame) -> Floats:
        if self.user_embeddings.is_empty() or self.item_embeddings.is_empty():
            return np.zeros(pairs.height)
        user_at, user_vectors = _directions(self.user_embeddings, "user_id")
        item_at, item_vectors = _directions(self.item_embeddings, "product_id")
        at = pairs.join(user_at, on="user_id", how="left", maintain_order="left").join(
            item_at, on="product_id", how="left", maintain_order="left"
        )
        # The last row of both is the zero vector, for those without one.
        users = user_vectors[at["user_id_at"].fill_null(len(user_vectors) - 1).to_numpy()]
        items = item_vectors[at["product_id_at"].fill_null(len(item_vectors) - 1).to_numpy()]
        return np.einsum("ij,ij->i", users, items)


@dataclass(frozen=True)
class FittedResponse:
    """Logistic regression of "the user interacts with the product in the week from the cut-off".

    The regression estimates a probability per week; that of a click per visit is the p with which
    `VISITS` visits make it: 1 − (1 − p)^VISITS. An order follows a click with one constant
    probability, the share of the week's interacted (user, product) pairs that were bought. It is 1
    in shops that log purchases only, where a click stands for the purchase itself.

    `coefficients` has one number per feature, in the order of `FEATURES`.
    """

    known: KnownBefore
    coefficients: Floats
    intercept: float
    order_share: float
    label: Literal["fitted"] = "fitted"

    def probabilities(self, exposures: pl.DataFrame) -> tuple[Floats, Floats]:
        """See `response.ResponseModel.probabilities`."""
        log_odds = self.known.features(exposures) @ self.coefficients + self.intercept
        per_week = 1 / (1 + np.exp(-log_odds))
        p_click = 1 - (1 - per_week) ** (1 / VISITS)
        return p_click, np.full(exposures.height, self.order_share)


def fit_response(
    interactions: pl.DataFrame,
    prices: pl.DataFrame,
    user_embeddings: pl.DataFrame,
    item_embeddings: pl.DataFrame,
    *,
    cutoff: date,
    seed: int,
) -> FittedResponse:
    """Fit on all pairs of a user and a product that were known before the cut-off.

    Of the many pairs that were not interacted with only a sample is used, and the intercept is put
    right by the prior correction of King and Zeng (2001, "Logistic Regression in Rare Events Data",
    eq. 7): β₀ − ln[(1−τ)/τ · ȳ/(1−ȳ)], with τ the share of interacted pairs among all, ȳ among the
    sampled.

    As where lists are evaluated, a row of the week counts if it arrived within the week: what is
    fitted does not depend on when it is fitted.

    Args:
        interactions: rows of mart/user_item_interactions, the evaluated week included.
        prices: `product_id` and `price` (see `prices.price_list`).
        user_embeddings: rows of features/user_embeddings of the cut-off.
        item_embeddings: rows of features/item_embeddings of the cut-off.
        cutoff: Monday on which the evaluated week begins.
        seed: seed of the sample of pairs.

    Raises:
        InsufficientDataError: nobody known before the cut-off interacted with a known product in
            the week from it, or everybody interacted with everything.
    """
    from sklearn.linear_model import LogisticRegression  # 1 s to import

    happened = interactions.filter(pl.col("event_type").is_in(INTERACTIONS))
    midnight = datetime.combine(cutoff, time(), tzinfo=UTC)
    before = happened.filter((pl.col("event_ts") < midnight) & (pl.col("arrived_at") < midnight))
    known = _known_before(before, prices, user_embeddings, item_embeddings, cutoff=cutoff)
    outcomes = (
        rows_of_week(happened, cutoff)
        .group_by("user_id", "product_id")
        .agg(bought=(pl.col("event_type") == "purchase").any())
        .join(known.users.select("user_id").with_row_index("user_at"), on="user_id")
        .join(known.products.select("product_id").with_row_index("product_at"), on="product_id")
    )
    all_pairs = known.users.height * known.products.height
    if not 0 < outcomes.height < all_pairs:
        raise InsufficientDataError(
            f"no response of users can be fitted: of {all_pairs} pairs of a user and a product "
            f"known before the cut-off, {outcomes.height} were interacted with in the seven days "
            "from it"
        )
    codes = outcomes["user_at"].cast(pl.Int64) * known.products.height + outcomes["product_at"]
    sampled, interacted = _sample(np.sort(codes.to_numpy()), all_pairs, np.random.default_rng(seed))
    pairs = pl.DataFrame(
        {
            "user_id": known.users["user_id"].gather(sampled // known.products.height),
            "product_id": known.products["product_id"].gather(sampled % known.products.height),
        }
    )
    model = LogisticRegression(max_iter=1000).fit(known.features(pairs), interacted)
    rate, sampled_rate = outcomes.height / all_pairs, interacted.mean()
    correction = np.log((1 - rate) / rate * sampled_rate / (1 - sampled_rate))
    return FittedResponse(
        known=known,
        coefficients=model.coef_[0],
        intercept=float(model.intercept_[0] - correction),
        order_share=int(outcomes["bought"].sum()) / outcomes.height,
    )


def _known_before(
    before: pl.DataFrame,
    prices: pl.DataFrame,
    user_embeddings: pl.DataFrame,
    item_embeddings: pl.DataFrame,
    *,
    cutoff: date,
) -> KnownBefore:
    recent = (pl.col("event_date") >= cutoff - RECENT).sum().log1p()
    return KnownBefore(
        users=before.group_by("user_id")
        .agg(user_activity=recent, usual_price=pl.col("unit_price").median())
        .sort("user_id"),
        products=before.group_by("product_id")
        .agg(product_popularity=recent)
        .join(prices.select("product_id", "price"), on="product_id", how="left")
        .sort("product_id"),
        interacted=before.select("user_id", "product_id").unique(),
        user_embeddings=user_embeddings.select("user_id", "vector"),
        item_embeddings=item_embeddings.select("product_id", "vector"),
    )


def _sample(
    positives: NDArray[np.int64], population: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Codes of sampled pairs, of 0..population-1, and whether each is positive."""
    wanted = NEGATIVES * min(len(positives), MAX_POSITIVES)
    if population <= 2 * wanted:
        negatives = np.setdiff1d(np.arange(population), positives)
    else:
        # Hits of positives and repeats are dropped: somewhat fewer, but uniform.
        negatives = np.setdiff1d(rng.integers(population, size=wanted), positives)
    if len(positives) > MAX_POSITIVES:
        positives = rng.choice(positives, MAX_POSITIVES, replace=False)
    interacted = np.repeat([True, False], [len(positives), len(negatives)])
    return np.concatenate([positives, negatives]), interacted


def _directions(embeddings: pl.DataFrame, column: str) -> tuple[pl.DataFrame, Floats]:
    """Row of each identifier, and vectors of length 1 with a zero vector after the last."""
    vectors = np.array(embeddings["vector"].to_list(), dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    rows = embeddings.select(column).with_row_index(f"{column}_at")
    return rows, np.vstack([units, np.zeros(units.shape[1])])
