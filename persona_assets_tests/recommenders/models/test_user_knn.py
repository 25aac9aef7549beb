from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.user_knn import UserKNN, UserKNNConfig
from persona_assets.recommenders.sequences import sequences
from persona_assets_tests.recommenders.after_history import list_after

CUTOFF = date(2024, 3, 4)
ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),
        st.sampled_from("pqrstuv"),
        st.just("view"),
        st.sampled_from((0, 1, 3)),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=40,
)


def scores(model: UserKNN, rows: pl.DataFrame, user: str) -> dict[str, float]:
    artefact = model.fit(Interactions.known_at(CUTOFF, rows))
    scorer = model.scorer(artefact, [user], histories=rows)
    return dict(zip(scorer.products.to_list(), scorer.scores_of(slice(None))[0], strict=True))


def by_hand(config: UserKNNConfig, rows: pl.DataFrame, user: str) -> dict[str, float]:
    """The formula of the class, one user and one product after another."""
    log = sequences(rows)
    names = log.products.to_list()
    popularity = {name: int(log.popularity[code]) for code, name in enumerate(names)}
    entries: dict[str, dict[str, tuple[int, int, float, float]]] = {
        name: {} for name in log.users.to_list()
    }
    for owner, item, position, age, strength, time in zip(
        log.owners, log.items, log.positions, log.ages, log.strengths, log.times, strict=True
    ):
        entries[log.users[int(owner)]][names[item]] = (position, age, strength, time)
    mine = entries.get(user, {})
    similar = {}
    for other, theirs in entries.items():
        shared = [item for item in mine if item in theirs and mine[item][1] < config.window]
        if other == user or not shared:
            continue
        similarity = sum(
            config.history_decay ** mine[item][1]
            * mine[item][2] ** config.emphasis
            * (popularity[item] + config.source_shrinkage) ** -config.source_damping
            for item in shared
        )
        latest = min(mine[item][1] for item in shared)
        anchor = max(theirs[item][0] for item in shared if mine[item][1] == latest)
        similar[other] = (similarity * len(theirs) ** -config.length_damping, anchor)
    ranked = sorted((value for value, _ in similar.values()), reverse=True)
    least = ranked[config.neighbours - 1] if len(ranked) > config.neighbours else 0.0
    made = dict.fromkeys(names, 0.0)
    for other, (similarity, anchor) in similar.items():
        if similarity < least * (1 - 1e-12):
            continue
        at = next(entry[3] for entry in entries[other].values() if entry[0] == anchor)
        for item, (position, _, _, time) in entries[other].items():
            d = position - anchor
            if d == 0 and item in mine:
                continue
            near = (
                d**-config.forward_decay
                if d > 0
                else config.backward_share * (-d) ** -config.backward_decay
                if d < 0
                else (1 + config.backward_share) / 2
            )
            near *= (1 + abs(time - at) / 3600 / config.time_unit_hours) ** -config.time_decay
            made[item] += similarity * near * (popularity[item] + 1) ** -config.target_damping
    return {
        name: value if value > 0 else -1 / (1 + popularity[name]) for name, value in made.items()
    }


def test_a_golden_case(mart):
    rows = mart(
        ("v", "p", "view", 1, 9), ("v", "q", "view", 1, 8), ("v", "r", "view", 1, 7),
        ("u", "q", "view", 1, 5),
    )  # fmt: skip
    model = UserKNN(UserKNNConfig(source_shrinkage=2, source_damping=0.5, length_damping=1))

    made = scores(model, rows, "u")

    similarity = (1 / 3) * (2 + 2) ** -0.5
    assert made["r"] == pytest.approx(similarity * 2**-0.1)
    assert made["p"] == pytest.approx(similarity * 0.35 * 2**-0.1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.sampled_from((1, 2, 50)), st.sampled_from((0.0, 1.0)), st.sampled_from((1, 3, 50)))
def test_scores_are_those_of_the_formula(mart, rows, neighbours, time_decay, window):
    table = mart(*rows)
    config = UserKNNConfig(neighbours=neighbours, time_decay=time_decay, window=window)
    if table["weight"].max() == 0:
        with pytest.raises(DataError, match="no row with a positive weight"):
            UserKNN(config).fit(Interactions.known_at(CUTOFF, table))
        return

    made = scores(UserKNN(config), table, "a")

    assert made == pytest.approx(by_hand(config, table, "a"), rel=1e-6, abs=1e-9)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS.filter(lambda rows: any(row[3] for row in rows)), st.integers(0, 2**32 - 1))
def test_names_and_the_order_of_rows_change_no_bit_of_a_score(mart, rows, seed):
    rng = np.random.default_rng(seed)
    users = dict(zip("abcdef", rng.permutation(list("abcdef")), strict=True))
    products = dict(zip("pqrstuv", rng.permutation(list("pqrstuv")), strict=True))
    renamed = [(users[row[0]], products[row[1]], *row[2:]) for row in rows]
    rng.shuffle(renamed)
    renamed = [(str(row[0]), str(row[1]), row[2], float(row[3]), int(row[4])) for row in renamed]
    model = UserKNN(UserKNNConfig(neighbours=2))

    before = scores(model, mart(*rows), "a")
    after = scores(model, mart(*renamed), users["a"])

    assert after == {products[product]: score for product, score in before.items()}


def test_a_history_newer_than_the_training_counts_and_nobody_is_their_own_neighbour(mart):
    rows = mart(
        ("u", "p", "view", 1, 9), ("u", "x", "view", 1, 8),
        ("v", "q", "view", 1, 9), ("v", "r", "view", 1, 8),
    )  # fmt: skip
    model = UserKNN()
    artefact = model.fit(Interactions.known_at(CUTOFF, rows))
    newer = mart(("u", "p", "view", 1, 9), ("u", "q", "view", 1, -1))

    lists = model.recommend(artefact, ["u"], k=1, histories=newer)
    own = model.scorer(artefact, ["u"], histories=newer)

    assert lists["product_id"].to_list() == ["r"]
    assert own.scores_of(slice(None))[0][own.products.to_list().index("x")] < 0


def test_of_a_basket_the_order_means_nothing(mart):
    rows = mart(
        ("v", "a", "view", 1, 9), ("v", "b", "view", 1, 9), ("v", "c", "view", 1, 9),
        ("u", "b", "view", 1, 5),
    )  # fmt: skip

    made = scores(UserKNN(), rows, "u")

    assert made["a"] == made["c"] > 0


def test_people_without_history_get_the_popular_products(mart):
    rows = mart(
        ("u", "p", "view", 1, 9), ("v", "p", "view", 1, 9), ("v", "q", "view", 1, 8),
    )  # fmt: skip
    model = UserKNN()
    artefact = model.fit(Interactions.known_at(CUTOFF, rows))

    assert model.recommend(artefact, ["*"], k=9)["product_id"].to_list() == ["p", "q"]
    assert list_after(model, artefact, ["p"], k=9)["product_id"].to_list() == ["q"]


def test_nothing_that_happens_or_arrives_later_is_remembered(mart):
    rows = mart(("u", "p", "view", 1, 9), ("v", "p", "view", 1, 8))
    late = mart(("v", "q", "view", 1, 0), ("w", "q", "view", 1, 5, -1))
    model = UserKNN()

    assert model.fit(Interactions.known_at(CUTOFF, pl.concat([rows, late]))).equals(
        model.fit(Interactions.known_at(CUTOFF, rows))
    )


def test_the_artefact_is_within_its_contract(mart):
    rows = mart(("u", "p", "view", 1, 9), ("u", "p", "purchase", 5, 7))
    artefact = UserKNN().fit(Interactions.known_at(CUTOFF, rows))

    assert artefact.schema == UserKNN.artefact.polars_schema
    assert artefact.rows() == [
        (CUTOFF, "u", "p", rows["event_ts"].min(), 5.0),
    ]
    assert artefact["event_ts"][0] + timedelta(days=9) == rows["event_ts"].max() + timedelta(days=7)


def test_a_decay_of_nothing_is_refused_by_name():
    with pytest.raises(UserError, match=r"UserKNNConfig\.history_decay must be positive"):
        UserKNNConfig(history_decay=0)
