import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders import ALS, BPR, MODELS, Popularity
from persona_assets.recommenders.als import ALSConfig
from persona_assets.recommenders.bpr import BPRConfig
from persona_assets.recommenders.exclusion import excluded_pairs
from persona_assets.recommenders.top_k import top_k
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.transforms.history import known_before, midnight

CUTOFF = date(2024, 3, 4)
ONLINE_RETAIL = Path(__file__).parents[3] / "shared/data/online_retail.parquet"
SMALL = (
    Popularity(),
    ALS(ALSConfig(factors=6, iterations=4)),
    BPR(BPRConfig(factors=6, iterations=4)),
)
each_model = pytest.mark.parametrize("model", SMALL, ids=lambda model: model.name)


def ndcg_at_10(lists: pl.DataFrame, truth: pl.DataFrame) -> float:
    gains = (1 / np.log2(np.arange(2, 12))).cumsum()
    relevant = truth.group_by("user_id").len("relevant")
    found = (
        lists.join(truth, on=["user_id", "product_id"])
        .group_by("user_id")
        .agg((1 / (pl.col("rank") + 1).log(2)).sum().alias("gain"))
    )
    judged = relevant.join(found, on="user_id", how="left").fill_null(0)
    ideal = gains[judged["relevant"].clip(1, 10).to_numpy() - 1]
    return float((judged["gain"].to_numpy() / ideal).mean())


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


def lists_of(model, rows, cutoff=CUTOFF, **settings):
    settings = {"k": 10, "exclude": "seen", **settings}
    return top_k(model, model.fit(rows, cutoff=cutoff), rows, cutoff=cutoff, **settings)


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

    assert model.fit(past.vstack(planted), cutoff=CUTOFF).equals(model.fit(past, cutoff=CUTOFF))
    assert lists_of(model, past.vstack(planted)).equals(lists_of(model, past))


@each_model
def test_row_order_and_repetition_move_no_bit(model, shop):
    shuffled = shop.sample(fraction=1, shuffle=True, seed=2)

    artefact = model.fit(shop, cutoff=CUTOFF)

    assert artefact.schema == model.artefact.polars_schema
    assert artefact.equals(model.fit(shop, cutoff=CUTOFF))
    assert artefact.equals(model.fit(shuffled, cutoff=CUTOFF))
    assert lists_of(model, shop).equals(lists_of(model, shuffled))
    assert top_k(model, artefact.reverse(), shop, cutoff=CUTOFF, k=10, exclude="seen").equals(
        lists_of(model, shop)
    )


@pytest.mark.parametrize("kind", [ALS, BPR])
def test_another_seed_is_another_training(kind, shop):
    config = SMALL[1].config if kind is ALS else SMALL[2].config
    other = type(config)(**{**vars(config), "seed": 1})

    assert not kind(config).fit(shop, cutoff=CUTOFF).equals(kind(other).fit(shop, cutoff=CUTOFF))


def test_another_process_learns_the_same_bits(shop, tmp_path):
    shop.write_parquet(tmp_path / "shop.parquet")
    script = (
        "import sys, datetime, polars as pl\n"
        "from persona_assets.recommenders import MODELS\n"
        "rows = pl.read_parquet(sys.argv[1] + '/shop.parquet')\n"
        "for name, model in MODELS.items():\n"
        "    artefact = model.fit(rows, cutoff=datetime.date(2024, 3, 4))\n"
        "    artefact.write_parquet(f'{sys.argv[1]}/{name}.parquet')\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
    )

    for name, model in MODELS.items():
        theirs = pl.read_parquet(tmp_path / f"{name}.parquet")
        assert theirs.equals(model.fit(shop, cutoff=CUTOFF)), name


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
def test_no_known_interactions_is_an_error_that_names_the_cutoff(model, mart):
    with pytest.raises(DataError, match="cut-off 2024-03-04"):
        model.fit(mart(("a", "x", "view", 1, -1)), cutoff=CUTOFF)


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

    quality = {name: ndcg_at_10(lists_of(m, shop), truth) for name, m in MODELS.items()}

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
    }

    assert min(quality["als"], quality["bpr"]) > 1.3 * quality["popularity"], quality
