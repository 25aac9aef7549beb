import numpy as np
import polars as pl
import pytest

from persona_assets.evaluation.evaluated_week import COLUMNS, evaluate_week
from persona_assets.evaluation.metrics import METRICS


@pytest.fixture(scope="module")
def shop(mart):
    return mart(
        *((user, "a", -3) for user in ("ann", "bob", "cid")),
        ("ann", "b", -2),
        ("ann", "c", 1),
        ("bob", "b", 1),
        ("bob", "d", 2),  # nobody has interacted with it before
        ("new", "a", 2),
    )


@pytest.fixture(scope="module")
def shown(lists):
    return pl.concat(
        [
            lists("als", ann="c b", bob="b c", cid="b", everyone="a b"),
            lists("popularity", everyone="b a"),
        ]
    )


def names(evaluated, group):
    return evaluated.users.gather(group.rows).to_list()


def test_known_and_unknown_users_are_kept_apart(shown, shop, cutoff):
    evaluated = evaluate_week(shown, shop, cutoff=cutoff, exclude="seen")
    assert evaluated.users.to_list() == ["ann", "bob", "cid", "new"]
    assert names(evaluated, evaluated.warm) == ["ann", "bob"]
    assert names(evaluated, evaluated.cold) == ["new"]
    assert evaluated.known_users == 3
    assert evaluated.warm.column("recall", 5).tolist() == [[1.0, 0.0], [0.5, 0.5]]
    # The stranger is served the lists for people without history.
    assert evaluated.cold.column("mrr", 5).tolist() == [[1.0, 0.5]]
    assert [(model, len(own)) for model, own in evaluated.shown.items()] == [
        ("als", 3),
        ("popularity", 0),
    ]


def test_candidates_are_what_is_on_sale_or_wanted_less_what_is_excluded(shown, shop, cutoff):
    # On sale: a, b; wanted besides: c, d. ann has seen a and b, bob has seen a.
    evaluated = evaluate_week(shown, shop, cutoff=cutoff, exclude="seen")
    assert evaluated.warm.hits["popularity"].candidates.tolist() == [4 - 2, 4 - 1]
    free = evaluate_week(shown, shop, cutoff=cutoff, exclude="none")
    assert free.warm.hits["popularity"].candidates.tolist() == [4, 4]


def test_a_product_that_only_one_model_lists_is_a_candidate_of_that_model_alone(
    lists, shop, cutoff
):
    shown = pl.concat([lists("als", ann="zz c", everyone="b"), lists("popularity", everyone="b a")])
    hits = evaluate_week(shown, shop, cutoff=cutoff, exclude="seen").warm.hits
    assert hits["als"].candidates.tolist() == [3, 3]
    assert hits["popularity"].candidates.tolist() == [2, 3]


def test_rare_products_weigh_more_when_popularity_is_taken_out(mart, lists, cutoff):
    # ann wants c, which three users have interacted with, and d, which nobody has.
    shop = mart(
        ("ann", "a", -3),
        *((user, "c", -2) for user in ("bob", "cid", "dan")),
        ("ann", "c", 1),
        ("ann", "d", 1),
    )
    evaluated = evaluate_week(lists("als", ann="d x"), shop, cutoff=cutoff, exclude="seen")
    # Weights are (users + 1)^-1/2: 1/2 for c, 1 for d.
    assert evaluated.warm.column("recall_debiased", 5)[0, 0] == pytest.approx(1 / 1.5)
    assert evaluated.warm.column("ndcg_debiased", 5)[0, 0] == pytest.approx(
        1 / (1 + 0.5 / np.log2(3))
    )
    assert evaluated.warm.column("recall", 5)[0, 0] == 1 / 2


def test_values_are_the_metrics_of_the_hits(shown, shop, cutoff):
    group = evaluate_week(shown, shop, cutoff=cutoff, exclude="seen").warm
    for place, (metric, k) in enumerate(COLUMNS):
        if metric in METRICS:
            expected = METRICS[metric](group.hits["als"], k)
            np.testing.assert_array_equal(group.values["als"][:, place], expected)


def test_names_and_the_order_of_rows_change_no_value(mart, cutoff):
    """Names do not count: products of equal score are evaluated alike, whatever they are called."""
    generator = np.random.default_rng(0)
    people, things = [f"u{n}" for n in range(12)], [f"p{n}" for n in range(15)]
    interacted = [
        (person, thing, int(generator.integers(-6, 7)))
        for person in people
        for thing in generator.choice(things, 6, replace=False)
    ]
    scores = {(u, p): int(generator.integers(3)) for u in people for p in things}

    def evaluated(users, products, seed):
        renamed = [(users[u], products[p], day) for u, p, day in interacted]
        rows = []
        for u in people:
            # As the models list: by score, equal ones by name.
            order = sorted(things, key=lambda p: (-scores[u, p], products[p]))
            rows += [
                (cutoff, "als", users[u], rank, products[p], float(scores[u, p]))
                for rank, p in enumerate(order, start=1)
            ]
        top_k = pl.DataFrame(
            rows,
            schema=["cutoff", "model", "user_id", "rank", "product_id", "score"],
            orient="row",
        )
        evaluated = evaluate_week(
            top_k.sample(fraction=1, shuffle=True, seed=seed),
            mart(*renamed).sample(fraction=1, shuffle=True, seed=seed),
            cutoff=cutoff,
            exclude="none",
        )
        values = evaluated.warm.values["als"]
        back = {name: user for user, name in users.items()}
        order = np.argsort([back[name] for name in names(evaluated, evaluated.warm)])
        return values[order]

    expected = evaluated({u: u for u in people}, {p: p for p in things}, seed=1)
    for seed in range(3):
        shuffled = np.random.default_rng(seed)
        again = evaluated(
            dict(zip(people, shuffled.permutation(people).tolist(), strict=True)),
            dict(zip(things, shuffled.permutation(things).tolist(), strict=True)),
            seed,
        )
        np.testing.assert_allclose(again, expected, atol=1e-12)
