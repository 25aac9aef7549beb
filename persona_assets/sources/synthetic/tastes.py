"""How much each person of the synthetic shop is drawn to each product: the planted truth.

Belongs here: the probabilities from which behaviour is drawn, and their restatement as a ceiling
for evaluation and as responses for experiments. Does not belong here: drawing (`behaviour.py`).

The world: a view of person u on a day is of product i with probability

    p(i | u) = p(c | u) · p(i | u, c),
    p(c | u)    ∝ mass(c) · exp(CATEGORY_STRENGTH · taste(u) · trait(c)),
    p(i | u, c) ∝ exp(log popularity(i) + TASTE_STRENGTH · taste(u) · trait(i)
                      - price sensitivity(u) · price level(i)),

where c is the category of i, only products on sale that day count, and mass(c) is the summed
popularity of the category's products on sale. Log interest is thus nearly of rank 8 + 1 beside
popularity and category, which is what factor models can find.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from persona_assets.sources.synthetic.catalogue import CATEGORIES, Catalogue
from persona_assets.sources.synthetic.population import Population

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

TASTE_STRENGTH = 1.6
"""Log interest per standard deviation of match: strong enough that models learn in weeks."""
CATEGORY_STRENGTH = 1.2
"""The same for whole categories."""
CART_INTERCEPT, CART_MATCH = -2.3, 0.4
"""Log odds that a view puts the product into the cart, and their slope on the match."""
PURCHASE_INTERCEPT = -0.4
"""Log odds that a product in the cart is bought at average price; they fall with price level."""
CLICK_CEILING = 0.25
"""Nobody clicks more than this share of what is shown, however fitting."""
CLICK_HALF = 40.0
"""Click probability is half its ceiling where interest is this many times that in an average
product."""


def _logistic(log_odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-log_odds))


def _match(taste: Floats, trait: Floats) -> Floats:
    """Inner product of every row of `taste` with every row of `trait`.

    Not `@`: the last bit of a BLAS product may depend on how many threads share the work.
    """
    return np.einsum("ud,pd->up", taste, trait)


def _shares(log_weights: Floats) -> Floats:
    """Row-wise softmax."""
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def cart_probability(match: Floats) -> Floats:
    """Probability that a view puts the product into the cart; `match` = taste · trait."""
    return _logistic(CART_INTERCEPT + CART_MATCH * match)


def purchase_probability(price_sensitivity: Floats, price_level: Floats) -> Floats:
    """Probability that a product in the cart is bought; the arguments broadcast."""
    return _logistic(PURCHASE_INTERCEPT - price_sensitivity * price_level)


@dataclass(frozen=True)
class Tastes:
    """Planted probabilities for people and products given as positions (int64 arrays)."""

    population: Population
    catalogue: Catalogue

    def shelves(self, on: date) -> list[Indices]:
        """For each category the products on sale on a day."""
        on_sale = self.catalogue.launch <= np.datetime64(on, "D")
        category = np.where(on_sale, self.catalogue.category, -1)
        return [np.flatnonzero(category == code) for code in range(len(CATEGORIES))]

    def category_shares(self, users: Indices, shelves: list[Indices]) -> Floats:
        """p(c | u): (users × categories); rows sum to 1, empty shelves have 0."""
        mass = np.array([np.exp(self.catalogue.log_popularity[shelf]).sum() for shelf in shelves])
        pull = _match(self.population.taste[users], self.catalogue.category_trait)
        log_mass = np.log(mass, out=np.full(len(mass), -np.inf), where=mass > 0)
        return _shares(CATEGORY_STRENGTH * pull + log_mass)

    def product_shares(self, users: Indices, shelf: Indices) -> Floats:
        """p(i | u, c): (users × products on one category's shelf); rows sum to 1."""
        deterred = np.outer(
            self.population.price_sensitivity[users], self.catalogue.price_level[shelf]
        )
        match = _match(self.population.taste[users], self.catalogue.trait[shelf])
        return _shares(self.catalogue.log_popularity[shelf] + TASTE_STRENGTH * match - deterred)

    def affinity(self, users: Indices, products: Indices, on: date) -> Floats:
        """p(i | u): (users × products); 0 for products not yet launched."""
        shelves = self.shelves(on)
        category_shares = self.category_shares(users, shelves)
        shares = np.zeros((len(users), len(products)))
        category = self.catalogue.category[products]
        for code in np.unique(category):
            shelf = shelves[code]
            wanted = np.flatnonzero((category == code) & np.isin(products, shelf))
            if not len(wanted):
                continue
            within = self.product_shares(users, shelf)[:, np.searchsorted(shelf, products[wanted])]
            shares[:, wanted] = category_shares[:, [code]] * within
        return shares

    def responses(self, users: Indices, products: Indices, on: date) -> tuple[Floats, Floats]:
        """Probability of a click when shown, and of an order once clicked: (users × products).

        Clicks saturate: c · x / (x + h) with x the interest relative to an average product on
        sale. An order needs the same two steps as in the shop's events: cart, then purchase.
        """
        on_sale = sum(len(shelf) for shelf in self.shelves(on))
        relative = self.affinity(users, products, on) * on_sale
        click = CLICK_CEILING * relative / (relative + CLICK_HALF)
        match = _match(self.population.taste[users], self.catalogue.trait[products])
        order = cart_probability(match) * purchase_probability(
            self.population.price_sensitivity[users][:, None],
            self.catalogue.price_level[products][None, :],
        )
        return click, order
