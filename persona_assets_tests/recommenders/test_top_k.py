import json
import os
import re
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.exclusion import excluded_pairs
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import Recommender, SideInformation
from persona_assets.recommenders.top_k import top_k
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.transforms.history import known_before, midnight
from persona_assets_tests.recommenders.after_history import list_after

CUTOFF = date(2024, 3, 4)
README = Path(__file__).parents[2] / "README.md"


def readme_example() -> Recommender:
    """The example of a new model, as the README prints it."""
    [code] = re.findall(
        r"```python\n(.*?class Newest\(Recommender\).*?)```", README.read_text(), re.S
    )
    names = {"__name__": "readme"}
    exec(code, names)
    return names["Newest"]()


ONLINE_RETAIL = Path(__file__).parents[3] / "shared/data/online_retail.parquet"
CHANGES = {
    "als": {"factors": 6, "iterations": 4},
    "bpr": {"factors": 6, "iterations": 4},
    "item2vec": {"factors": 8, "epochs": 2},
    "two_stage": {
        "rounds": 3,
        "als": {"factors": 4, "iterations": 2},
        "snapshots": 1,
        "candidates": 20,
        "leaves": 4,
    },
}
"""What makes the models smaller than their defaults, for speed alone."""
SMALL = {name: model.configured(**CHANGES.get(name, {})) for name, model in MODELS.items()}
SMALL["newest"] = readme_example()
SEEDED = ("als", "bpr", "item2vec")
"""Models that begin at a random place."""
WITH_SEEDED = ("blend", "two_stage")
"""Models with a part of chance, or with trees that a last digit may tip."""
each_model = pytest.mark.parametrize("model", SMALL.values(), ids=SMALL)


def side_of(rows: pl.DataFrame) -> SideInformation:
    """People and products of the rows that say something of taste, with attributes."""
    told = rows.filter(pl.col("weight") > 0)
    users = told.select("user_id").unique().sort("user_id")
    products = told.select("product_id").unique().sort("product_id")
    number = pl.col("product_id").str.extract(r"(\d+)").cast(pl.Int64).fill_null(0)
    return SideInformation(
        users=users.with_columns(
            country=pl.col("user_id").str.slice(-1),
            customer_segment=pl.col("user_id").str.slice(-2, 1),
        ),
        products=products.with_columns(
            category=(number % 7).cast(pl.String),
            price=1.0 + number % 50,
            name=pl.format("thing number {}", number % 30),
        ),
    )


def ndcg_at_10(lists: pl.DataFrame, truth: pl.DataFrame) -> float:
    gains = (1 / np.log2(np.arange(2, 12))).cumsum()
    relevant = truth.group_by("user_id").len("relevant")
    found = (
        lists.join(truth, on=["user_id", "product_id"])
        .group_by("user_id")
        .agg((1 / (pl.col("rank") + 1).log(2)).sum().alias("gain"))
    )
    evaluated = relevant.join(found, on="user_id", how="left").fill_null(0)
    ideal = gains[evaluated["relevant"].clip(1, 10).to_numpy() - 1]
    return float((evaluated["gain"].to_numpy() / ideal).mean())


def week_after(rows: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """New pairs of known users and products in the seven days from the cut-off."""
    known = known_before(rows, cutoff)
    later = rows.filter(
        pl.col("event_ts") >= midnight(cutoff),
        pl.col("event_ts") < midnight(cutoff) + timedelta(days=7),
    )
    return (
        later.select("user_id", "product_id")
        .unique()
        .join(known.select("user_id").unique(), on="user_id")
        .join(known.select("product_id").unique(), on="product_id")
        .join(known, on=["user_id", "product_id"], how="anti")
    )


def learned_from(model, rows, cutoff=CUTOFF, side_information=None):
    return model.fit(
        Interactions.known_at(cutoff, rows),
        side_information=side_information or side_of(known_before(rows, cutoff)),
    )


def lists_of(model, rows, cutoff=CUTOFF, side_information=None, **settings):
    settings = {"k": 10, "exclude": "seen", **settings}
    return top_k(
        model, learned_from(model, rows, cutoff, side_information), rows, cutoff=cutoff, **settings
    )


@each_model
def test_lists_have_the_contracts_columns_ranks_and_users(model, shop):
    lists = lists_of(model, shop)

    assert lists.schema == TOP_K.polars_schema
    assert lists["cutoff"].unique().to_list() == [CUTOFF]
    assert lists["model"].unique().to_list() == [model.name]
    assert not lists.select(TOP_K.key).is_duplicated().any()
    known = known_before(shop, CUTOFF)["user_id"].unique().to_list()
    assert set(lists["user_id"]) == {FALLBACK_USER, *known}
    assert (
        lists.group_by("user_id")
        .agg((pl.col("rank") == pl.int_range(1, 11)).all() & (pl.len() == 10))["rank"]
        .all()
    )
    assert lists.select((pl.col("score").diff().over("user_id").fill_null(0) <= 0).all()).item()


@each_model
@pytest.mark.parametrize("exclude", ["seen", "bought"])
def test_an_excluded_pair_is_never_recommended(model, exclude, shop):
    pairs = excluded_pairs(shop, cutoff=CUTOFF, exclude=exclude)

    lists = lists_of(model, shop, exclude=exclude, k=480)
    everything = lists_of(model, shop, exclude="none", k=480)

    on = ["user_id", "product_id"]
    assert lists.join(pairs, on=on).is_empty()
    # … and nothing but those pairs is missing.
    assert_frame_equal(
        everything.join(pairs, on=on, how="anti").select(*on, "score"),
        lists.select(*on, "score"),
    )


@each_model
def test_rows_that_happen_or_arrive_after_the_cutoff_change_nothing(model, shop, mart):
    past = known_before(shop, CUTOFF)
    planted = mart(
        ("u000", "p000", "purchase", 5, -0.0001),
        ("u001", "p001", "purchase", 5, -3),
        ("u002", "p002", "purchase", 5, 4, 0),
        ("u003", "p003", "purchase", 5, 30, -1),
        ("stranger", "novelty", "purchase", 5, 4, -1),
        *(("u004", f"p{n:03d}", "purchase", 5, 1, -1) for n in range(480)),
    )

    assert learned_from(model, past.vstack(planted)).equals(learned_from(model, past))
    assert lists_of(model, past.vstack(planted)).equals(lists_of(model, past))


@each_model
def test_row_order_and_repetition_move_no_bit(model, shop):
    shuffled = shop.sample(fraction=1, shuffle=True, seed=2)
    side_information = side_of(known_before(shop, CUTOFF))
    shuffled_side = SideInformation(
        side_information.users.sample(fraction=1, shuffle=True, seed=3),
        side_information.products.sample(fraction=1, shuffle=True, seed=4),
    )

    artefact = learned_from(model, shop)

    assert artefact.schema == model.artefact.polars_schema
    assert not artefact.select(model.artefact.key).is_duplicated().any()
    assert artefact.equals(learned_from(model, shop))
    assert artefact.equals(learned_from(model, shuffled, side_information=shuffled_side))
    lists = lists_of(model, shop)
    assert lists.equals(lists_of(model, shuffled))
    assert top_k(model, artefact.reverse(), shop, cutoff=CUTOFF, k=10, exclude="seen").equals(lists)


@pytest.mark.parametrize("name", SEEDED)
def test_another_seed_is_another_training(name, shop):
    model = SMALL[name]

    assert not learned_from(model, shop).equals(learned_from(model.configured(seed=1), shop))


@pytest.mark.parametrize("name", [name for name in SMALL if name not in (*SEEDED, *WITH_SEEDED)])
def test_names_mean_nothing(name, shop):
    known = known_before(shop, CUTOFF)
    side_information = side_of(known)
    random = np.random.default_rng(4)

    def renamed(old: pl.Series, letter: str) -> pl.DataFrame:
        new = [f"{letter}{n:04d}" for n in random.permutation(len(old))]
        return pl.DataFrame({old.name: old, "new": new})

    users, products = (
        renamed(side_information.users["user_id"], "v"),
        renamed(side_information.products["product_id"], "q"),
    )

    def under_new_names(frame: pl.DataFrame) -> pl.DataFrame:
        for names in (users, products):
            column = names.columns[0]
            if column in frame.columns:
                frame = frame.join(names, on=column).drop(column).rename({"new": column})
        return frame

    model = SMALL[name]
    everything = lists_of(model, known.filter(pl.col("weight") > 0), k=480)
    other = SideInformation(
        under_new_names(side_information.users), under_new_names(side_information.products)
    )
    again = lists_of(
        model, under_new_names(known.filter(pl.col("weight") > 0)), side_information=other, k=480
    )

    expected = under_new_names(everything.filter(pl.col("user_id") != FALLBACK_USER))
    on = ["user_id", "product_id"]
    pairs = expected.join(again, on=on)
    assert pairs.height == expected.height
    np.testing.assert_allclose(pairs["score"], pairs["score_right"], rtol=1e-5, atol=1e-6)


def test_another_process_learns_the_same_bits(shop, tmp_path):
    side_information = side_of(known_before(shop, CUTOFF))
    for name, frame in (
        ("shop", shop),
        ("users", side_information.users),
        ("products", side_information.products),
    ):
        frame.write_parquet(tmp_path / f"{name}.parquet")
    script = (
        "import sys, datetime, json, polars as pl\n"
        "from persona_assets.recommenders import MODELS\n"
        "from persona_assets.recommenders.protocol import SideInformation\n"
        "from persona_assets.recommenders.interactions import Interactions\n"
        "rows, users, products = (\n"
        "    pl.read_parquet(f'{sys.argv[1]}/{name}.parquet')\n"
        "    for name in ('shop', 'users', 'products')\n"
        ")\n"
        "changes = json.loads(sys.argv[2])\n"
        "for name in MODELS:\n"
        "    model = MODELS[name].configured(**changes.get(name, {}))\n"
        "    side_information = SideInformation(users, products)\n"
        "    known = Interactions.known_at(datetime.date(2024, 3, 4), rows)\n"
        "    artefact = model.fit(known, side_information=side_information)\n"
        "    artefact.write_parquet(f'{sys.argv[1]}/{name}.parquet')\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), json.dumps(CHANGES)],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
    )

    for name in MODELS:
        model = SMALL[name]
        theirs = pl.read_parquet(tmp_path / f"{name}.parquet")
        assert theirs.equals(learned_from(model, shop)), name


@each_model
def test_one_user_with_one_product_gets_what_exists(model, mart):
    rows = mart(("a", "x", "view", 1, 3))

    assert lists_of(model, rows, exclude="none").select("user_id", "rank", "product_id").rows() == [
        (FALLBACK_USER, 1, "x"),
        ("a", 1, "x"),
    ]
    # With the only product excluded nothing is left for "a".
    assert lists_of(model, rows)["user_id"].to_list() == [FALLBACK_USER]


@each_model
def test_a_user_with_nothing_but_returns_gets_the_list_of_people_without_history(model, shop, mart):
    rows = shop.vstack(mart(("returner", "p000", "return", 0, 3)))

    lists = lists_of(model, rows, exclude="none").select("user_id", "rank", "product_id")

    def of(user: str) -> list:
        return lists.filter(pl.col("user_id") == user)["product_id"].to_list()

    assert of("returner") == of(FALLBACK_USER)


@each_model
def test_a_list_longer_than_the_catalogue_holds_the_catalogue(model, mart):
    rows = mart(*((user, product, "view", 1, 3) for user in "abc" for product in "xyz"))

    lists = lists_of(model, rows, k=1_000, exclude="none")

    assert (
        lists.group_by("user_id").agg(pl.col("product_id").n_unique())["product_id"].to_list()
        == [3] * 4
    )


@each_model
def test_somebody_unknown_gets_the_list_of_people_without_history(model, shop):
    artefact = learned_from(model, shop)

    lists = model.recommend(artefact, [FALLBACK_USER, "stranger"], k=5)

    first, second = (
        lists.filter(user_id=user).drop("user_id") for user in lists["user_id"].unique()
    )
    assert first.height == 5
    assert first.equals(second)


@each_model
def test_a_history_alone_is_enough_for_a_list(model, shop):
    artefact = learned_from(model, shop)

    lists = list_after(model, artefact, ["p003", "no such product", "p017"], k=10)
    nobody = list_after(model, artefact, [], k=10)

    assert lists["rank"].to_list() == list(range(1, 11))
    assert not {"p003", "p017"} & set(lists["product_id"])
    assert lists["score"].is_finite().all()
    of_nobody = nobody.filter(~pl.col("product_id").is_in(["p003", "p017"]))["product_id"]
    unlike = lists["product_id"].head(8).to_list() != of_nobody.head(8).to_list()
    assert unlike == model.folds_in


@each_model
@pytest.mark.parametrize("weight", [float("nan"), float("inf"), None])
def test_a_weight_that_is_no_number_is_refused_by_column(model, weight, shop):
    rows = shop.with_columns(
        weight=pl.when(pl.int_range(pl.len()) == 7)
        .then(pl.lit(weight, dtype=pl.Float64))
        .otherwise("weight"),
        event_ts=pl.lit(midnight(CUTOFF) - timedelta(days=1)),
        arrived_at=pl.lit(midnight(CUTOFF) - timedelta(days=1)),
    )

    with pytest.raises(DataError, match=r"column weight: .* is not a finite number"):
        learned_from(model, rows, side_information=side_of(shop))


@each_model
def test_a_pair_that_is_there_twice_is_no_error_and_no_second_pair(model, shop):
    lists = lists_of(model, pl.concat([shop, shop]))

    assert not lists.select(TOP_K.key).is_duplicated().any()
    assert lists.group_by("user_id").len()["len"].unique().to_list() == [10]


@each_model
def test_no_known_interactions_is_an_error_that_names_the_cutoff(model, mart):
    rows = mart(("a", "x", "view", 1, -1))

    with pytest.raises(DataError, match="cut-off 2024-03-04"):
        model.fit(Interactions.known_at(CUTOFF, rows), side_information=side_of(rows))


@each_model
def test_k_below_one_is_refused(model, mart):
    with pytest.raises(UserError, match="got -5"):
        lists_of(model, mart(("a", "x", "view", 1, 3)), k=-5)


@each_model
def test_the_artefact_of_no_training_is_refused(model, shop):
    with pytest.raises(DataError, match=rf"models/{model.name}_model holds no rows"):
        top_k(model, model.artefact.empty(), shop, cutoff=CUTOFF, k=3, exclude="seen")


def test_personal_models_beat_popularity_where_tastes_differ(shop):
    truth = week_after(shop, CUTOFF)

    # Not EASE: with its default penalty, 400 people are too few for it to tell tastes.
    personal = ("als", "bpr", "item_knn", "session_knn", "item2vec", "directional")
    quality = {
        name: ndcg_at_10(lists_of(MODELS[name], shop), truth) for name in (*personal, "popularity")
    }

    assert min(quality[name] for name in personal) > quality["popularity"], quality
    assert min(quality["als"], quality["bpr"]) > 1.5 * quality["popularity"], quality


@pytest.mark.skipif(
    not ONLINE_RETAIL.exists(), reason="UCI Online Retail is not beside the checkout"
)
def test_personal_models_beat_popularity_in_a_real_shop():
    cutoff = date(2011, 11, 7)
    rows = (
        pl.scan_parquet(ONLINE_RETAIL)
        .filter(
            pl.col("CustomerID").is_not_null(),
            pl.col("Quantity") > 0,
            pl.col("UnitPrice") > 0,
            pl.col("StockCode").str.contains(r"^\d{5}"),
            pl.col("InvoiceDate") < datetime(2011, 11, 14),
        )
        .select(
            pl.col("CustomerID").cast(pl.Int64).cast(pl.String).alias("user_id"),
            pl.col("StockCode").alias("product_id"),
            pl.lit("purchase").alias("event_type"),
            pl.lit(5.0).alias("weight"),
            pl.col("InvoiceDate")
            .cast(pl.Datetime("us"))
            .dt.replace_time_zone("UTC")
            .alias("event_ts"),
        )
        .with_columns(pl.col("event_ts").alias("arrived_at"))
        .collect()
    )
    truth = week_after(rows, cutoff)

    quality = {
        name: ndcg_at_10(lists_of(model, rows, cutoff=cutoff), truth)
        for name, model in MODELS.items()
        if name in ("popularity", "als", "bpr", "session_knn")
    }

    assert quality["session_knn"] > 1.1 * quality["popularity"], quality
    assert min(quality["als"], quality["bpr"]) > 1.3 * quality["popularity"], quality
