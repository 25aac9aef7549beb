from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, UserError
from persona_assets.orchestration.dispatch import batch_top_k
from persona_assets.recommenders import ALS, BPR, MODELS, Popularity
from persona_assets.recommenders.exclusion import excluded_pairs
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.als import ALSConfig
from persona_assets.recommenders.models.bpr import BPRConfig
from persona_assets.recommenders.top_k import top_k
from persona_assets.tables.models import FALLBACK_USER, TOP_K

CUTOFF = date(2024, 3, 4)
SMALL = {
    "popularity": Popularity(),
    "als": ALS(ALSConfig(factors=6, iterations=4)),
    "bpr": BPR(BPRConfig(factors=6, iterations=4)),
    # Their lists depend on histories, which go to the workers with the users.
    "directional": MODELS["directional"],
    "session_knn": MODELS["session_knn"],
}


@pytest.fixture
def small_batches(spark):
    """Batches of 40 users, so that each task makes its lists in several blocks."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "40")
    yield
    spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def on_workers(model, learned, rows, on_spark, **settings):
    lists = batch_top_k([(model, on_spark(learned))], on_spark(rows), cutoff=CUTOFF, **settings)
    assert lists.implementation.is_pyspark()
    return lists.collect("polars").to_native()


@pytest.mark.parametrize(
    ("name", "exclude"),
    [
        ("popularity", "seen"),
        ("als", "seen"),
        ("bpr", "bought"),
        ("directional", "bought"),
        ("session_knn", "seen"),
    ],
)
def test_lists_are_those_made_in_one_process(name, exclude, shop, planted, on_spark, small_batches):
    model = SMALL[name]
    learned = model.fit(Interactions.known_at(CUTOFF, shop))
    here = top_k(model, learned, shop, cutoff=CUTOFF, k=10, exclude=exclude)

    there = on_workers(model, learned, planted, on_spark, k=10, exclude=exclude)

    assert there.schema == TOP_K.polars_schema
    assert_frame_equal(there, here, check_row_order=False, rel_tol=1e-6, abs_tol=1e-6)
    assert {FALLBACK_USER, "returner"} < set(there["user_id"])
    pairs = excluded_pairs(shop, cutoff=CUTOFF, exclude=exclude)
    assert pairs.height > 100
    assert there.join(pairs, on=["user_id", "product_id"]).is_empty()


def test_without_exclusion_people_who_only_returned_get_the_list_of_strangers(shop, on_spark):
    model = SMALL["als"]
    learned = model.fit(Interactions.known_at(CUTOFF, shop))

    lists = on_workers(model, learned, shop, on_spark, k=200, exclude="none")

    assert lists.group_by("user_id").len()["len"].unique().to_list() == [100]

    def of(user: str) -> list[str]:
        return lists.filter(user_id=user).sort("rank")["product_id"].to_list()

    assert of("returner") == of(FALLBACK_USER) != of("u000")


def test_what_cannot_be_recommended_fails_before_any_task_runs(shop, on_spark):
    model = SMALL["als"]
    learned = model.fit(Interactions.known_at(CUTOFF, shop))
    other = learned.with_columns(cutoff=pl.lit(date(2024, 3, 11)))

    def make(artefact: pl.DataFrame, k: int = 3) -> None:
        learned = [(model, on_spark(artefact))]
        batch_top_k(learned, on_spark(shop), cutoff=CUTOFF, k=k, exclude="seen")

    with pytest.raises(UserError, match="got 0"):
        make(learned, k=0)
    with pytest.raises(DataError, match="models/als_model holds no rows"):
        make(learned.clear())
    with pytest.raises(DataError, match="2024-03-04, 2024-03-11"):
        make(pl.concat([learned, other]))
