"""Contracts of groups `models` and `recommendations`: artefacts, the registry and top-K lists.

An artefact is data, never a pickle: any Delta reader can load it.
"""

from dataclasses import replace

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


def neighbour_table(name: str, meaning: str) -> Table:
    """Contract of a model of pairs of products. A product's pair with itself holds its popularity.

    Keeping both in one table keeps an artefact one Delta commit.
    """
    return Table(
        "models",
        name,
        grain=f"one row per cut-off, product and neighbour: {meaning}",
        key=("cutoff", "product_id", "neighbour_id"),
        partition="cutoff",
        columns=(
            CUTOFF,
            PRODUCT,
            Column("neighbour_id", "string", "product that it leads to; itself: its popularity"),
            Column("score", "float64", "how strongly; of a product with itself: users"),
        ),
    )


def sequence_table(name: str, meaning: str) -> Table:
    """Contract of a model that remembers who interacted with what when, and nothing else."""
    return Table(
        "models",
        name,
        grain=f"one row per cut-off, user and product: {meaning}",
        key=("cutoff", "user_id", "product_id"),
        partition="cutoff",
        columns=(
            CUTOFF,
            Column("user_id", "string", "keyed hash of the user"),
            PRODUCT,
            Column("event_ts", "timestamp", "when the user first interacted with it"),
            Column("weight", "float64", "weight of the strongest event of the two"),
        ),
    )


def vector_table(name: str, meaning: str) -> Table:
    """Contract of a model that knows two vectors of each product, and nothing of people."""
    return Table(
        "models",
        name,
        grain=f"one row per cut-off and product: {meaning}",
        key=("cutoff", "product_id"),
        partition="cutoff",
        columns=(
            CUTOFF,
            PRODUCT,
            Column(
                "vector", "vector", "the product in a history; all 0: too few interacted with it"
            ),
            Column("context", "vector", "the product near others: log-odds = vector · context"),
            Column("users", "float64", "users who interacted with it", "users", minimum=0),
        ),
    )


def union_table(name: str, meaning: str, parts: tuple[Table, ...], *own: Column) -> Table:
    """Contract of a model made of others: their rows, with the columns of all of them and its own.

    A column that a part does not have is null in its rows, but `entity`, which is empty.
    """
    columns = {column.name: column for part in parts for column in part.columns}
    columns |= {column.name: column for column in own}
    columns.pop(CUTOFF.name)
    return Table(
        "models",
        name,
        grain=f"one row per cut-off, part and row of its artefact: {meaning}",
        key=("cutoff", "part", "row"),
        partition="cutoff",
        columns=(
            CUTOFF,
            Column(
                "part", "string", "name of the model whose artefact the row is of, or what else"
            ),
            Column("row", "int64", "its number there", minimum=0),
            *(
                replace(
                    column,
                    nullable=column.name != "entity",
                    allowed=(*column.allowed, "") if column.allowed else None,
                )
                for column in columns.values()
            ),
        ),
    )


def segment_table(name: str, meaning: str) -> Table:
    """Contract of a model that counts within segments of people."""
    return Table(
        "models",
        name,
        grain=f"one row per cut-off, entity, identifier and segment: {meaning}",
        key=("cutoff", "entity", "id", "segment"),
        partition="cutoff",
        columns=(
            CUTOFF,
            Column("entity", "string", "what the row is about", allowed=("product", "user")),
            Column("id", "string", "product_id; user_id (keyed hash)"),
            Column("segment", "string", "value of the segmenting attribute; `*`: all people"),
            Column("score", "float64", "decayed weight of the product in the segment; 0 for users"),
        ),
    )


POPULARITY_MODEL = score_table("popularity_model", "time-decayed popularity")
ALS_MODEL = factor_table("als_model", "implicit-feedback alternating least squares")
BPR_MODEL = factor_table("bpr_model", "Bayesian personalised ranking")
DIRECTIONAL_MODEL = neighbour_table(
    "directional_model", "co-occurrence by order, distance and time, in users' sequences"
)
USER_KNN_MODEL = sequence_table("user_knn_model", "the sequences that similar users are found in")

STAGES = ("candidate", "champion", "archived")
"""Trained; the one that serves; served once."""
RECENT_POPULARITY_MODEL = score_table(
    "recent_popularity_model", "users of the last days, those of all time breaking ties"
)
EVERY_SEGMENT = "*"
"""`segment` of what counts all people."""
SEGMENT_POPULARITY_MODEL = segment_table(
    "segment_popularity_model",
    "time-decayed popularity within segments of people, and who is in which",
)
CUSTOMER_SEGMENT_POPULARITY_MODEL = segment_table(
    "customer_segment_popularity_model",
    "time-decayed popularity within the segments of customers, and who is in which",
)
ITEM_KNN_MODEL = neighbour_table(
    "item_knn_model", "similarity of the people who interacted with both"
)
EASE_MODEL = neighbour_table(
    "ease_model", "weights of the linear autoencoder that predicts each product from the others"
)
ITEM2VEC_MODEL = vector_table("item2vec_model", "skip-gram vectors of users' sequences")
CONTENT_MODEL = Table(
    "models",
    "content_model",
    grain="one row per cut-off, product and term: TF-IDF of what the catalogue says of a product",
    key=("cutoff", "product_id", "term"),
    partition="cutoff",
    columns=(
        CUTOFF,
        PRODUCT,
        Column("term", "string", "`field=value`; empty: the row of the product's popularity"),
        Column("weight", "float64", "weight of the term in the product; of the empty term: users"),
    ),
)
SESSION_KNN_MODEL = Table(
    "models",
    "session_knn_model",
    grain="one row per cut-off, session and product: what was interacted with in each session",
    key=("cutoff", "session_id", "product_id"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("session_id", "string", "session, of a user"),
        PRODUCT,
        Column(
            "event_ts", "timestamp", "when the product was first interacted with in the session"
        ),
        Column("weight", "float64", "weight of the strongest event of session and product"),
    ),
)
RANKER = "ranker"
COUNTED = ("together", "forward")
"""Names of `part` in `models/two_stage_model` beside those of models: the ranker's text, and the
counts of pairs that its features are made of."""
TWO_STAGE_MODEL = union_table(
    "two_stage_model",
    "the models that propose candidates, the lines of the ranker's text (`ranker`), and how often "
    "pairs of products were interacted with by the same people (`together`) and in that order "
    "(`forward`, 1 / distance)",
    (DIRECTIONAL_MODEL, USER_KNN_MODEL, ALS_MODEL),
    Column("text", "string", "a line of the ranker, as LightGBM writes it"),
)
BLEND_MODEL = union_table(
    "blend_model",
    "the models that are blended",
    (DIRECTIONAL_MODEL, USER_KNN_MODEL, ALS_MODEL, POPULARITY_MODEL),
)

REGISTRY = Table(
    "models",
    "registry",
    grain="one row per model and cut-off",
    key=("cutoff", "model"),
    partition="cutoff",
    columns=(
        CUTOFF,
        Column("model", "string", "name of the recommender; `customer_segments`: the segmentation"),
        Column("artefact", "string", "table that holds the artefact"),
        Column("parameters", "string", "configuration as JSON, seed included"),
        Column("seed", "int64", "seed of everything random in the training"),
        Column("code_version", "string", "digest of the code that trained it"),
        Column(
            "input_hash",
            "string",
            "content hash of the interactions (segmentation: customer features) it was trained on",
        ),
        Column("artefact_hash", "string", "content hash of the artefact"),
        Column("artefact_rows", "int64", "rows of the artefact", "rows", minimum=0),
        Column(
            "not_trained",
            "string",
            "why nothing could be learned from the data; null: it was trained",
            nullable=True,
        ),
        Column(
            "stage",
            "string",
            "when it was trained: candidate; models/promotions says what became of it",
            allowed=STAGES,
        ),
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

TABLES = (
    POPULARITY_MODEL,
    ALS_MODEL,
    BPR_MODEL,
    DIRECTIONAL_MODEL,
    USER_KNN_MODEL,
    TWO_STAGE_MODEL,
    BLEND_MODEL,
    RECENT_POPULARITY_MODEL,
    SEGMENT_POPULARITY_MODEL,
    CUSTOMER_SEGMENT_POPULARITY_MODEL,
    ITEM_KNN_MODEL,
    EASE_MODEL,
    ITEM2VEC_MODEL,
    CONTENT_MODEL,
    SESSION_KNN_MODEL,
    REGISTRY,
    TOP_K,
)
