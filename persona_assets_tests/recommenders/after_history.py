"""Lists for somebody of whom only a history is known, for the tests of models."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from persona_assets.recommenders.protocol import Recommender
from persona_assets.recommenders.sequences import HISTORY_SCHEMA

SOMEBODY = "?"
"""No keyed hash looks like it, so no artefact knows this person."""


def list_after(
    model: Recommender,
    artefact: pl.DataFrame,
    history: Sequence[str],
    *,
    k: int,
    candidates: Sequence[str] | None = None,
) -> pl.DataFrame:
    """`rank, product_id, score` after `history`, the latest last; nothing of it is listed."""
    begin = datetime(2000, 1, 1, tzinfo=UTC)
    rows = pl.DataFrame(
        [
            (SOMEBODY, product, begin + timedelta(minutes=minute), 1.0)
            for minute, product in enumerate(history)
        ],
        schema=HISTORY_SCHEMA,
        orient="row",
    )
    lists = model.recommend(
        artefact,
        [SOMEBODY],
        k=k,
        excluded=rows.select("user_id", "product_id").unique(),
        histories=rows,
        candidates=candidates,
    )
    return lists.drop("user_id")
