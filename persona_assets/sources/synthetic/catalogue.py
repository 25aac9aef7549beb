"""Products of the synthetic shop.

Belongs here: what is fixed about a product: names, category, brand, price, launch, popularity and
latent traits. Does not belong here: whom it appeals to (`tastes.py`).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.sources.synthetic.population import (
    TASTE_DIMENSIONS,
    identifiers,
    spread_days,
)
from persona_assets.sources.synthetic.streams import Stream, generator

LAUNCHES = 0.10
"""Share of products launched after the start."""
SHELF_AGE_DAYS = 730
"""Products on sale at the start were launched over this many days before it."""
ZIPF_EXPONENT = 0.8
"""Interest in the product of popularity rank r is proportional to (r + offset) ^ -exponent."""
ZIPF_OFFSET = 10
"""Flattens the very head, as shops see it (Zipf-Mandelbrot)."""
CATEGORY_TRAIT, BRAND_TRAIT, OWN_TRAIT = 0.6, 0.4, 0.7
"""How much category, brand and the product itself say about its traits, before normalisation."""
PRICE_SIGMA = 0.5
"""Log-normal spread of prices around the category's typical price."""

CATEGORIES: dict[str, tuple[float, tuple[str, ...]]] = {
    "shoes": (90.0, ("trail shoe", "sneaker", "boot", "sandal")),
    "jackets": (140.0, ("rain jacket", "parka", "fleece", "vest")),
    "shirts": (35.0, ("t-shirt", "polo", "flannel shirt", "blouse")),
    "bags": (60.0, ("backpack", "tote", "duffel", "belt bag")),
    "kitchen": (45.0, ("kettle", "frying pan", "chef knife", "teapot")),
    "lighting": (55.0, ("desk lamp", "pendant lamp", "lantern", "light string")),
    "audio": (110.0, ("headphones", "speaker", "turntable", "microphone")),
    "cycling": (75.0, ("bike helmet", "saddle", "bike light", "pannier")),
    "camping": (95.0, ("tent", "sleeping bag", "camp stove", "hammock")),
    "books": (18.0, ("cookbook", "novel", "atlas", "field guide")),
    "toys": (25.0, ("puzzle", "board game", "plush bear", "train set")),
    "garden": (30.0, ("planter", "pruner", "watering can", "bird feeder")),
}
"""Typical price (shop currency) and product nouns of each category."""
BRANDS = (
    "Acme", "Alder", "Borealis", "Brightside", "Calder", "Copperleaf", "Dunes", "Everbay",
    "Fernhill", "Foxglove", "Granite", "Halcyon", "Juniper", "Kestrel", "Lumen", "Marlow",
    "Northwind", "Orchard", "Pinecrest", "Quarry", "Rowan", "Saltmarsh", "Tidewater", "Wren",
)  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """Everything that is ever sold, one array element per product.

    `category`, `brand` and `noun` are codes (`noun` unique over categories), `launch` days as
    `datetime64[D]`, `log_popularity` the logarithm of general interest, `price_level` the
    standardised log price within the category, `trait` (products × dimensions) unit vectors,
    `category_trait` (categories × dimensions) the unit vectors around which they lie.
    """

    ids: pl.Series
    name: pl.Series
    category: NDArray[np.int64]
    brand: NDArray[np.int64]
    noun: NDArray[np.int64]
    price: NDArray[np.float64]
    price_level: NDArray[np.float64]
    launch: NDArray[np.datetime64]
    log_popularity: NDArray[np.float64]
    trait: NDArray[np.float64]
    category_trait: NDArray[np.float64]


NOUNS = tuple(noun for _, nouns in CATEGORIES.values() for noun in nouns)
_NOUNS_PER_CATEGORY = len(NOUNS) // len(CATEGORIES)


def _unit_rows(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def draw_catalogue(seed: int, products: int, start: date) -> Catalogue:
    """The `products` articles of a shop that opens its books on `start`."""
    rng = generator(seed, Stream.CATALOGUE)
    category = rng.integers(0, len(CATEGORIES), products)
    brand = rng.integers(0, len(BRANDS), products)
    noun = category * _NOUNS_PER_CATEGORY + rng.integers(0, _NOUNS_PER_CATEGORY, products)
    typical = np.array([price for price, _ in CATEGORIES.values()])
    price_level = rng.normal(size=products)
    launch = spread_days(rng, products, start, LAUNCHES, SHELF_AGE_DAYS)
    # A shop opens with something on its shelves, however small it is.
    launch[0] = min(launch[0], np.datetime64(start, "D"))
    rank = rng.permutation(products)
    category_trait = _unit_rows(rng.normal(size=(len(CATEGORIES), TASTE_DIMENSIONS)))
    brand_trait = _unit_rows(rng.normal(size=(len(BRANDS), TASTE_DIMENSIONS)))
    own_trait = _unit_rows(rng.normal(size=(products, TASTE_DIMENSIONS)))
    return Catalogue(
        ids=pl.Series("product_id", identifiers("p", products, 5)),
        name=pl.Series(
            "name",
            [
                f"{BRANDS[b]} {NOUNS[n]} {i:04d}"
                for i, (b, n) in enumerate(zip(brand, noun, strict=True))
            ],
        ),
        category=category,
        brand=brand,
        noun=noun,
        price=np.round(typical[category] * np.exp(PRICE_SIGMA * price_level), 2),
        price_level=price_level,
        launch=launch,
        log_popularity=-ZIPF_EXPONENT * np.log(rank + 1 + ZIPF_OFFSET),
        trait=_unit_rows(
            CATEGORY_TRAIT * category_trait[category]
            + BRAND_TRAIT * brand_trait[brand]
            + OWN_TRAIT * own_trait
        ),
        category_trait=category_trait,
    )
