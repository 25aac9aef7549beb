"""Deterministic models know nothing of names: other identifiers give the same lists, renamed."""

from datetime import date

import polars as pl
import pytest

from persona_assets.recommenders import MODELS
from persona_assets.recommenders.interactions import Interactions

CUTOFF = date(2024, 3, 4)
DRAWN = {"bpr", "item2vec"}
"""Models that begin at random vectors, drawn in the order of names."""


def renamed(rows: pl.DataFrame) -> pl.DataFrame:
    for column in ("user_id", "product_id"):
        old = rows[column].unique().sort()
        new = old.shuffle(seed=3)
        rows = rows.with_columns(pl.col(column).replace_strict(old, new))
    return rows.sample(fraction=1, shuffle=True, seed=9)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, model in MODELS.items()
        if not model.needs_side_information and name not in DRAWN
    ],
)
def test_scores_follow_the_products_whatever_they_are_called(name, shop):
    model = MODELS[name]
    users = shop["user_id"].unique().sort().to_list()[:40]

    def scores(rows: pl.DataFrame, asked: list[str]) -> pl.DataFrame:
        learned = model.fit(Interactions.known_at(CUTOFF, rows))
        known = rows.filter(pl.col("event_ts") < pl.datetime(2024, 3, 4, time_zone="UTC"))
        lists = model.recommend(learned, asked, k=20, histories=known)
        return lists.select("rank", "score", user=pl.col("user_id"))

    old = shop["user_id"].unique().sort()
    new = dict(zip(old, old.shuffle(seed=3), strict=True))
    here = scores(shop, users)
    there = scores(renamed(shop), [new[user] for user in users])

    assert there["user"].to_list() == [new[user] for user in here["user"]]
    # Ranks of equal scores may be exchanged; the scores at each rank may not.
    assert there["score"].to_numpy() == pytest.approx(here["score"].to_numpy(), rel=1e-4, abs=1e-6)
