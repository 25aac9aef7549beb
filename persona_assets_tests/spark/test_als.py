from datetime import date, timedelta

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, UserError
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.orchestration.dispatch import train
from persona_assets.recommenders import ALS
from persona_assets.recommenders.factors import Factors
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.als import ALSConfig
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.top_k import top_k
from persona_assets.tables.models import ALS_MODEL
from persona_assets.transforms.history import midnight

CUTOFF = date(2024, 3, 4)
MODEL = ALS(ALSConfig(factors=8, iterations=6))


def collected(frame: nw.LazyFrame) -> pl.DataFrame:
    return frame.collect("polars").to_native()


@pytest.fixture(scope="module")
def artefact(shop, on_spark) -> pl.DataFrame:
    learned = train(MODEL, on_spark(shop), cutoff=CUTOFF)
    assert learned.implementation.is_pyspark()
    return collected(learned).sort("entity", "id")


def test_the_artefact_has_the_rows_of_the_embedded_one(artefact, shop):
    embedded = MODEL.fit(Interactions.known_at(CUTOFF, shop))

    assert artefact.schema == ALS_MODEL.polars_schema
    rows = ["cutoff", "entity", "id", "bias"]
    assert_frame_equal(artefact.select(rows), embedded.select(rows), check_row_order=False)
    assert artefact["vector"].list.len().unique().to_list() == [MODEL.config.factors]


def test_people_without_history_have_the_mean_of_all_users(artefact):
    factors = Factors.from_artefact(artefact, ALS_MODEL)

    np.testing.assert_allclose(
        factors.cold_start_vector, factors.user_vectors.mean(axis=0), rtol=1e-5, atol=1e-6
    )


def test_each_user_solves_the_papers_equation(artefact, shop):
    # Computed from the rows alone, product by product: Hu, Koren and Volinsky 2008, eq. 4, with
    # a penalty of n_u, which is that of the artefact's scale. Users are what MLlib solves last.
    start = midnight(CUTOFF)
    sums: dict[tuple[str, str], float] = {}
    for row in shop.iter_rows(named=True):
        if row["event_ts"] < start and row["arrived_at"] < start and row["weight"] > 0:
            age = (start - row["event_ts"]) / timedelta(days=MODEL.config.half_life_days)
            pair = row["user_id"], row["product_id"]
            sums[pair] = sums.get(pair, 0) + row["weight"] * 0.5**age
    factors = Factors.from_artefact(artefact, ALS_MODEL)
    extra = np.zeros((len(factors.users), len(factors.products)))
    users, products = factors.users.to_list(), factors.products.to_list()
    for (user, product), weight in sums.items():
        extra[users.index(user), products.index(product)] = MODEL.config.alpha * np.log1p(weight)
    met = extra > 0
    others = factors.product_vectors.astype(float)
    for row, user in enumerate(factors.user_vectors):
        left = others.T @ np.diag(1 + extra[row]) @ others
        left += met[row].sum() * np.eye(others.shape[1])
        right = others.T @ ((1 + extra[row]) * met[row])
        np.testing.assert_allclose(user, np.linalg.solve(left, right), atol=1e-4)
    assert np.abs(factors.user_vectors).max() > 0.1


def test_order_partitions_and_what_is_not_yet_known_change_nothing(artefact, planted, on_spark):
    again = collected(train(MODEL, on_spark(planted, partitions=3), cutoff=CUTOFF))

    assert_frame_equal(artefact, again.sort("entity", "id"), rel_tol=1e-4, abs_tol=1e-5)


def test_lists_are_as_good_as_the_embedded_models(artefact, shop):
    def lists(model, learned, name):
        made = top_k(model, learned, shop, cutoff=CUTOFF, k=20, exclude="bought")
        return made.with_columns(model=pl.lit(name))

    evaluated = evaluate_week(
        pl.concat(
            [
                lists(MODEL, artefact, "mllib"),
                lists(MODEL, MODEL.fit(Interactions.known_at(CUTOFF, shop)), "embedded"),
                lists(
                    Popularity(),
                    Popularity().fit(Interactions.known_at(CUTOFF, shop)),
                    "popularity",
                ),
            ]
        ),
        shop,
        cutoff=CUTOFF,
        exclude="bought",
    )
    evaluated = offline_metrics(evaluated).filter(metric="ndcg", k=10)
    ndcg = {row["model"]: row for row in evaluated.iter_rows(named=True)}

    assert ndcg["mllib"]["value"] > 1.5 * ndcg["popularity"]["value"]
    assert ndcg["mllib"]["high"] > ndcg["embedded"]["value"]
    assert ndcg["embedded"]["high"] > ndcg["mllib"]["value"]


def test_nothing_known_is_the_error_of_the_embedded_model(shop, on_spark):
    with pytest.raises(DataError, match="before the cut-off 2023-01-02"):
        train(MODEL, on_spark(shop.head(5)), cutoff=date(2023, 1, 2))


def test_a_frequency_scaling_that_mllib_lacks_is_refused(shop, on_spark):
    model = MODEL.configured(frequency_scaling=0.5)

    with pytest.raises(UserError, match=r"ALSConfig\.frequency_scaling is 0\.5; set it to 1"):
        train(model, on_spark(shop), cutoff=CUTOFF)
