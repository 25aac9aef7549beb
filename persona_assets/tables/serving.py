"""Contracts of what serves: the champion and its lists.

Belongs here: tables that recommendations are served from. Does not belong here: what trainings
leave behind (`models.py`), or the decisions that make a champion (`lifecycle.py`).
"""

from persona_assets.tables.contract import Column, Table
from persona_assets.tables.models import TOP_K

BY_DEFAULT = "default"
"""Popularity, as long as nothing was promoted."""

CHAMPION = Table(
    "models",
    "champion",
    grain="one row per model that serves, which is one",
    key=("model",),
    columns=(
        Column("model", "string", "name of the recommender"),
        Column("parameters", "string", "its configuration as JSON, seed included"),
        Column(
            "action",
            "string",
            "what made it champion; default: nothing was promoted yet",
            allowed=(BY_DEFAULT, "promotion", "rollback"),
        ),
        Column("since", "timestamp", "when that was decided; null: by default", nullable=True),
        Column("evidence", "string", "what the gate measured, as JSON; `{}`: not measured"),
        Column(
            "cutoff",
            "date",
            "newest cut-off that it was trained for with this configuration; null: none",
            nullable=True,
        ),
        Column(
            "artefact_hash",
            "string",
            "content hash of the artefact of that training",
            nullable=True,
        ),
    ),
)

SERVED = Table(
    "recommendations",
    "served",
    grain="one row per user and rank; user_id `*` is the list for people without history",
    key=("user_id", "rank"),
    columns=TOP_K.columns,
)

TABLES = (CHAMPION, SERVED)
