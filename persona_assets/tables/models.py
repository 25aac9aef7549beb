"""Contracts of groups `models` and `recommendations`: artefacts, the registry and top-K lists.

An artefact is data, never a pickle: any Delta reader can load it.
"""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.features import CUTOFF
from persona_assets.tables.mart import PRODUCT

FALLBACK_USER = "*"
"""Who has no history: `user_id` of their list, and `id` of their vector in a factor model."""


def factor_table(name: str, meaning: str) -> Table:
    """Contract of a factor model's artefact: users and items side by side in one table.

    One table rather than two, so that an artefact is one Delta commit: readers never see the
    users of one training with the items of another.
    """
    return Table(
        "models",
        name,
        grain=f"one row per cut-off, entity and identifier: {meaning}",
        key=("cutoff", "entity", "id"),
        partition="cutoff",
        columns=(
            CUTOFF,
            Column("entity", "string", "which side of the model", allowed=("user", "product")),
            Column("id", "string", "product_id; user_id (keyed hash), `*`: people without history"),
            Column("vector", "vector", "latent factors; score = user · product + product bias"),
            Column("bias", "float64", "added to every score of a product; 0 for users"),
        ),
    )


def score_table(name: str, meaning: str) -> Table:
    """Contract of a model that gives each product one score, the same for everyone."""
    return Table(
        "models",
        name,
        grain=f"one row per cut-off and product: {meaning}",
        key=("cutoff", "product_id"),
        partition="cutoff",
        columns=(CUTOFF, PRODUCT, Column("score", "float64", "larger is recommended first")),
    )


POPULARITY_MODEL = score_table("popularity_model", "time-decayed popularity")
ALS_MODEL = factor_table("als_model", "implicit-feedback alternating least squares")
BPR_MODEL = factor_table("bpr_model", "Bayesian personalised ranking")

REGISTRY = Table(
    "models",
    "registry",
    grain="one row per model and cut-off",
    key=("cutoff", "model"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("model", "string", "name of the recommender"),
        Column("artefact", "string", "table that holds the artefact"),
        Column("parameters", "string", "configuration as JSON, seed included"),
        Column("seed", "int64", "seed of everything random in the training"),
        Column("code_version", "string", "digest of the code that trained it"),
        Column("input_hash", "string", "content hash of the interactions it was trained on"),
        Column("artefact_hash", "string", "content hash of the artefact"),
        Column("artefact_rows", "int64", "rows of the artefact", "rows", minimum=0),
        Column("stage", "string", "life-cycle stage", allowed=("candidate",)),
    ),
)

TOP_K = Table(
    "recommendations",
    "top_k",
    grain="one row per cut-off, model, user and rank; user_id `*` is the list for people without "
    "history",
    key=("cutoff", "model", "user_id", "rank"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("model", "string", "name of the recommender"),
        Column("user_id", "string", "keyed hash of the user, or `*`"),
        Column("rank", "int64", "1 is shown first", minimum=1),
        PRODUCT,
        Column("score", "float64", "the model's score; comparable within one model only"),
    ),
)

TABLES = (POPULARITY_MODEL, ALS_MODEL, BPR_MODEL, REGISTRY, TOP_K)
