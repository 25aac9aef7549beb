import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.evaluation.evaluated_week import evaluate_week
from persona_assets.evaluation.offline import offline_metrics
from persona_assets.evaluation.oracle import oracle_lists
from persona_assets.tables.models import TOP_K

NOTHING = pl.DataFrame(schema={"user_id": pl.String, "product_id": pl.String})


def listed(table):
    return {
        user: rows.sort("rank")["product_id"].to_list()
        for (user,), rows in table.partition_by("user_id", as_dict=True).items()
    }


def test_golden_case(cutoff):
    affinity = np.array([[0.1, 0.9, 0.5, 0.5], [0.4, 0.3, -np.inf, 0.2]])
    excluded = pl.DataFrame(
        {"user_id": ["ann", "stranger"], "product_id": ["b", "a"]},
    )
    table = oracle_lists(
        affinity, ["ann", "bob"], ["a", "b", "d", "c"], excluded, k=3, cutoff=cutoff
    )
    # ann may not be shown b, and c comes before d at equal affinity; bob cannot have d.
    assert listed(table) == {
        "*": ["b", "c", "a"],
        "ann": ["c", "d", "a"],
        "bob": ["a", "b", "c"],
    }
    assert table.schema == TOP_K.polars_schema
    assert table["score"].to_list() == pytest.approx(
        [0.6, 0.35, 0.25, 0.5, 0.5, 0.1, 0.4, 0.3, 0.2]
    )
    assert table["rank"].to_list() == [1, 2, 3] * 3
    assert affinity[0, 1] == 0.9  # the caller's matrix stays as it was


def test_lists_are_short_where_products_run_out(cutoff):
    affinity = np.array([[1.0, -np.inf, 3.0]])
    table = oracle_lists(affinity, ["ann"], ["a", "b", "c"], NOTHING, k=20, cutoff=cutoff)
    assert listed(table) == {"*": ["c", "a"], "ann": ["c", "a"]}


def test_no_users_no_lists(cutoff):
    table = oracle_lists(np.empty((0, 1)), [], ["a"], NOTHING, k=2, cutoff=cutoff)
    assert table.equals(TOP_K.empty())


def test_order_of_users_products_and_blocks_does_not_matter(cutoff, monkeypatch):
    generator = np.random.default_rng(0)
    affinity = generator.integers(4, size=(7, 12)) / 10  # many ties
    users, products = [f"u{n}" for n in range(7)], [f"p{n:02d}" for n in range(12)]
    excluded = pl.DataFrame({"user_id": users, "product_id": products[:7]})
    expected = oracle_lists(affinity, users, products, excluded, k=5, cutoff=cutoff)
    rows, columns = generator.permutation(7), generator.permutation(12)
    monkeypatch.setattr("persona_assets.recommenders.score_blocks.SCORES_PER_BLOCK", 36)
    again = oracle_lists(
        affinity[np.ix_(rows, columns)],
        [users[row] for row in rows],
        [products[column] for column in columns],
        excluded,
        k=5,
        cutoff=cutoff,
    )
    assert again.equals(expected)
    assert again.join(excluded, on=["user_id", "product_id"], how="semi").is_empty()


@pytest.mark.parametrize("affinity", [np.zeros((2, 3)), np.array([[0.0, np.nan]])])
def test_a_matrix_that_does_not_fit_is_refused(affinity, cutoff):
    with pytest.raises(DataError, match=r"must be \(1, 2\) without NaN"):
        oracle_lists(affinity, ["ann"], ["a", "b"], NOTHING, k=2, cutoff=cutoff)


def test_nobody_who_does_not_know_the_truth_does_better(mart, cutoff):
    # What people interact with is drawn from the affinities: the optimum must beat noisy versions
    # of them.
    generator = np.random.default_rng(2)
    users, products = [f"u{n:03d}" for n in range(300)], [f"p{n:02d}" for n in range(40)]
    affinity = generator.normal(size=(300, 40))
    chance = np.exp(2 * affinity)
    chance /= chance.sum(axis=1, keepdims=True)
    shop = mart(
        *((user, "old", -2) for user in users),
        *(
            (user, products[product], 1)
            for user, row in zip(users, chance, strict=True)
            for product in generator.choice(40, size=2, p=row)
        ),
    )

    def lists(scores, model):
        table = oracle_lists(scores, users, products, NOTHING, k=20, cutoff=cutoff)
        return table.with_columns(model=pl.lit(model))

    noise = generator.normal(size=affinity.shape)
    top_k = pl.concat(
        [
            lists(noise, "popularity"),
            lists(affinity + noise, "als"),
            lists(affinity, "planted_optimum"),
        ]
    )
    table = offline_metrics(evaluate_week(top_k, shop, cutoff=cutoff, exclude="seen"))
    for _, rows in table.group_by("metric", "k"):
        at = dict(rows.select("model", "value").iter_rows())
        assert at["popularity"] < at["als"] < at["planted_optimum"] <= 1
