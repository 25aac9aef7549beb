from datetime import date

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.evaluation.oracle import ORACLE, with_oracle
from persona_assets.sources.planted import PlantedTruth
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.tables.raw import PRODUCTS, USERS
from persona_assets.transforms.pseudonyms import pseudonym

KEY = b"a key of the test"
CUTOFF = date(2025, 1, 13)


class Tastes:
    """Ann likes q more than p, Bob the other way round; everybody would like r."""

    def affinity(self, user_ids, product_ids, on):
        liked = {"ann": {"p": 0.1, "q": 0.2, "r": 0.9}, "bob": {"p": 0.4, "q": 0.3, "r": 0.9}}
        return np.array([[liked[user][product] for product in product_ids] for user in user_ids])

    def response_probabilities(self, user_ids, product_ids, on):
        clicks = self.affinity(user_ids, product_ids, on)
        return clicks, clicks / 2


@pytest.fixture
def truth():
    users = pl.DataFrame({"user_id": ["ann", "bob"]})
    launched = [date(2025, 1, 1), date(2025, 1, 1), date(2025, 1, 20)]
    products = pl.DataFrame({"product_id": ["q", "p", "r"], "launch_date": [launched[0]] * 3})
    products = products.with_columns(launch_date=pl.Series(launched))
    assert set(users.columns) <= set(USERS.polars_schema)
    assert set(products.columns) <= set(PRODUCTS.polars_schema)
    return PlantedTruth(Tastes(), users, products, KEY)


def test_rows_are_those_of_the_hashes_asked_for_and_columns_those_of_the_products(truth):
    assert truth.product_ids == ["p", "q", "r"]
    bob, ann = pseudonym("bob", KEY), pseudonym("ann", KEY)
    later = date(2025, 2, 1)
    assert truth.affinity([bob, ann], later).tolist() == [[0.4, 0.3, 0.9], [0.1, 0.2, 0.9]]
    clicks, orders = truth.responses([ann], later)
    assert (clicks / 2 == orders).all()


def test_what_is_not_yet_on_sale_cannot_be_had(truth):
    assert truth.affinity([pseudonym("ann", KEY)], CUTOFF)[0].tolist() == [0.1, 0.2, -np.inf]


def test_user_whom_the_shop_does_not_know_is_named(truth):
    with pytest.raises(DataError, match=r"stranger.*materialize raw/users"):
        truth.affinity(["stranger"], CUTOFF)


def test_ceiling_stands_beside_the_models_for_the_same_users(truth):
    ann = pseudonym("ann", KEY)
    lists = pl.DataFrame(
        [
            {"cutoff": CUTOFF, "model": "popularity", "user_id": user, "rank": 1,
             "product_id": "p", "score": 1.0}
            for user in (ann, FALLBACK_USER)
        ],
        schema=TOP_K.polars_schema,
    )  # fmt: skip
    nothing = USER_ITEM_INTERACTIONS.empty()
    both = with_oracle(lists, truth, nothing, k=2, cutoff=CUTOFF, exclude="bought")
    assert both.filter(pl.col("model") == "popularity").equals(lists)
    best = both.filter((pl.col("model") == ORACLE) & (pl.col("user_id") == ann))
    assert best.sort("rank")["product_id"].to_list() == ["q", "p"]
