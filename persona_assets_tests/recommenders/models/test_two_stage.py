import json
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from persona_assets.errors import DataError, UserError
from persona_assets.recommenders import lambdarank
from persona_assets.recommenders.composite import own_rows
from persona_assets.recommenders.histories import HistoryRows
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.lambdarank import Boosting, Examples, train
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.recommenders.models.directional import Directional
from persona_assets.recommenders.models.two_stage import TwoStage, TwoStageConfig
from persona_assets.recommenders.models.user_knn import UserKNN
from persona_assets.recommenders.protocol import Task
from persona_assets.recommenders.ranking_features import PairCounts
from persona_assets.recommenders.ranking_task import FirstModels, Instant, examples
from persona_assets.recommenders.snapshots import snapshots
from persona_assets.recommenders.trees import Trees
from persona_assets_tests.recommenders.after_history import list_after

CUTOFF = date(2024, 3, 4)
SMALL = TwoStage(
    TwoStageConfig(rounds=8, candidates=12, leaves=7, als=ALSConfig(factors=4, iterations=3))
)
PRODUCTS = 40


def walks(mart, *, users: int = 90, seed: int = 5) -> pl.DataFrame:
    """People who walk along a ring of products, two steps of three to the next one, in time."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        at, days = int(rng.integers(PRODUCTS)), 60.0
        for _ in range(int(rng.integers(2, 9))):
            days -= float(rng.uniform(1, 6))
            weight, kind = ((1, "view"), (5, "purchase"))[int(rng.integers(2))]
            rows.append((f"u{user:03d}", f"p{at:02d}", kind, weight, days))
            near = rng.integers(3) > 0
            at = (at + 1) % PRODUCTS if near else int(rng.integers(PRODUCTS))
    return mart(*rows)


def renamed(rows: pl.DataFrame, column: str, rng: np.random.Generator) -> dict[str, str]:
    names = rows[column].unique().sort().to_list()
    return dict(zip(names, (str(name) for name in rng.permutation(names)), strict=True))


def lists_of(model: TwoStage, artefact: pl.DataFrame, rows: pl.DataFrame, k: int = 10):
    users = rows["user_id"].unique().sort().to_list()
    return model.recommend(
        artefact, users, k=k, excluded=rows.select("user_id", "product_id"), histories=rows
    )


def test_the_ranker_finds_the_next_step(mart):
    rows = walks(mart, users=200)
    last = pl.col("event_ts") == pl.col("event_ts").max().over("user_id")
    known, answers = rows.filter(~last), rows.filter(last)

    found = lists_of(SMALL, SMALL.fit(Interactions.known_at(CUTOFF, known)), known, k=3)

    hits = found.join(answers, on=["user_id", "product_id"]).height
    assert hits > 0.5 * answers.height


def test_what_happens_or_arrives_later_changes_nothing(mart):
    rows = walks(mart)
    future = mart(
        *((f"u{user:03d}", f"p{user % 7:02d}", "purchase", 5, -user) for user in range(90)),
        *((f"u{user:03d}", "p39", "purchase", 5, 3, -1) for user in range(90)),
        ("stranger", "new", "view", 1, 0),
    )

    assert SMALL.fit(Interactions.known_at(CUTOFF, pl.concat([future, rows]))).equals(
        SMALL.fit(Interactions.known_at(CUTOFF, rows))
    )


@pytest.mark.parametrize("horizon_days", [0, 7])
def test_what_the_ranker_looks_at_is_the_same_whatever_the_labels_and_what_follows(
    mart, horizon_days
):
    config = replace(SMALL.config, horizon_days=horizon_days)
    rows = walks(mart)
    (snapshot,) = snapshots(rows, config.goal(), 1)
    after = rows.join(snapshot.known, on=rows.columns, how="anti")
    labelled = after.join(snapshot.labels, on=["user_id", "product_id"], how="semi")
    others = after.join(snapshot.labels, on=["user_id", "product_id"], how="anti")
    renamed_labels = labelled.with_columns(product_id=pl.lit("other ") + pl.col("product_id"))
    (changed,) = snapshots(pl.concat([snapshot.known, others, renamed_labels]), config.goal(), 1)

    assert after.height
    assert changed.known.sort(rows.columns).equals(snapshot.known.sort(rows.columns))
    users = sorted(set(snapshot.labels["user_id"]) & set(changed.labels["user_id"]))
    seen = []
    for each in (snapshot, changed):
        models = FirstModels.of_rows(config.view(), each.known)
        instant = Instant.of(models, users, HistoryRows(each.known))
        candidates = instant.first_stage.candidates(slice(0, len(users)))
        seen.append(instant.values(candidates, slice(0, len(users))))
    assert np.array_equal(seen[0], seen[1], equal_nan=True)


def test_every_example_has_its_answer_and_as_many_features_as_names(mart):
    config = replace(SMALL.config, horizon_days=14, unseen=False)
    rows = walks(mart)

    for snapshot in snapshots(rows, config.goal(), 2):
        made = examples(config.view(), snapshot)
        lists = np.repeat(np.arange(len(made.sizes)), made.sizes)
        assert made.sizes.sum() == len(made.values) == len(made.right)
        assert (np.bincount(lists, made.right) > 0).all()
        assert made.right.sum() <= snapshot.labels.height
        assert made.values.shape[1] == len(config.view().feature_names)
        assert {"own_age", "new_users_7_days"} <= set(config.view().feature_names)


def test_the_order_of_rows_changes_no_bit_and_the_artefact_is_within_its_contract(mart):
    rows = walks(mart)

    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))

    assert SMALL.fit(
        Interactions.known_at(CUTOFF, rows.sample(fraction=1, shuffle=True, seed=3))
    ).equals(artefact)
    assert artefact.schema == SMALL.artefact.polars_schema
    assert artefact.select(SMALL.artefact.key).is_unique().all()
    for column in SMALL.artefact.columns:
        assert column.nullable or artefact[column.name].null_count() == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_names_change_no_ranking(mart, seed):
    rng = np.random.default_rng(seed)
    rows = walks(mart)
    users, products = renamed(rows, "user_id", rng), renamed(rows, "product_id", rng)
    other = rows.with_columns(
        pl.col("user_id").replace_strict(users), pl.col("product_id").replace_strict(products)
    )

    artefacts = [SMALL.fit(Interactions.known_at(CUTOFF, each)) for each in (rows, other)]

    texts = [own_rows(a, "ranker")["text"].to_list() for a in artefacts]
    assert texts[0] == texts[1]
    before = SMALL.scorer(artefacts[0], list(users), histories=rows)
    after = SMALL.scorer(artefacts[1], list(users.values()), histories=other)
    codes = {product: column for column, product in enumerate(after.products.to_list())}
    columns = [codes[products[product]] for product in before.products.to_list()]
    assert np.array_equal(before.scores_of(slice(None)), after.scores_of(slice(None))[:, columns])


def test_candidates_come_first_and_the_others_follow_in_the_order_of_the_first_stage(mart):
    rows = walks(mart)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))
    users = rows["user_id"].unique().sort().to_list()[:20]
    scorer = SMALL.scorer(artefact, users, histories=rows)
    models = FirstModels.of_artefacts(
        SMALL.config.view(), {name: SMALL.part_rows(artefact, name) for name in SMALL.parts}
    )
    instant = Instant.of(models, users, HistoryRows(rows))
    found = instant.first_stage.candidates(slice(0, 20))

    scores = scorer.scores_of(slice(None))

    for user in range(20):
        ranked = np.zeros(scores.shape[1], dtype=bool)
        ranked[found.items[found.starts[user] : found.starts[user + 1]]] = True
        assert scores[user, ranked].min(initial=1) > -1
        assert scores[user, ~ranked].max(initial=-4) <= -1
        scored = ~ranked & (found.fused[user] > 0)
        order = np.argsort(found.fused[user, scored])
        assert (np.diff(scores[user, scored][order]) >= 0).all()
        unscored = found.fused[user] == 0
        assert scores[user, unscored].max(initial=-9) < scores[user, scored].min(initial=9)


def test_blocks_of_users_do_not_change_scores(mart):
    rows = walks(mart)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))
    users = rows["user_id"].unique().sort().to_list()
    scorer = SMALL.scorer(artefact, users, histories=rows)

    parts = [scorer.scores_of(slice(start, start + 7)) for start in range(0, len(users), 7)]

    assert np.array_equal(np.concatenate(parts), scorer.scores_of(slice(None)))


def test_without_an_example_the_order_is_that_of_the_first_stage(mart):
    rows = mart(("u", "p", "view", 1, 9), ("v", "q", "view", 1, 8), ("v", "q", "view", 1, 7))

    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))

    assert set(artefact["part"]) == set(SMALL.parts)
    assert list_after(SMALL, artefact, ["p"], k=5)["product_id"].to_list() == ["q"]
    # Somebody without history has the typical taste of ALS, which counts that q was viewed twice.
    assert SMALL.recommend(artefact, ["*"], k=5)["product_id"].to_list() == ["q", "p"]


@pytest.mark.parametrize("part", [Directional(), UserKNN()], ids=lambda part: part.name)
def test_in_the_order_of_a_part_the_lists_are_those_of_the_part(mart, part):
    rows = walks(mart)
    model = SMALL.configured(order=part.name)
    same = type(part)(getattr(model.config, part.name))
    users = rows["user_id"].unique().sort().to_list()[:20]

    found, expected = (
        each.recommend(
            each.fit(Interactions.known_at(CUTOFF, rows)), [*users, "*"], k=8, histories=rows
        )
        for each in (model, same)
    )

    assert found.equals(expected)
    assert not found.equals(
        SMALL.recommend(
            SMALL.fit(Interactions.known_at(CUTOFF, rows)), [*users, "*"], k=8, histories=rows
        )
    )


def test_an_unknown_order_is_refused():
    with pytest.raises(UserError, match="order must be one of ranker, directional, user_knn"):
        SMALL.configured(order="magic")


def test_nothing_known_is_refused(mart):
    with pytest.raises(DataError, match="no row with a positive weight"):
        SMALL.fit(
            Interactions.known_at(
                CUTOFF, mart(("u", "p", "view", 1, -3), ("u", "q", "return", 0, 3))
            )
        )


def test_the_task_decides_what_a_label_is(mart):
    funnel = SMALL.for_task(
        Task(horizon=None, target_weight=5.0, unseen=False, heaviest_barred=True)
    )
    weekly = SMALL.for_task(Task(horizon=timedelta(days=7)))

    assert (funnel.config.horizon_days, funnel.config.target_weight) == (0, 5)
    assert not funnel.config.unseen
    assert weekly.config.goal().horizon == timedelta(days=7)
    assert TwoStageConfig.of(json.loads(funnel.config.to_json())) == funnel.config
    rows = walks(mart)
    artefact = funnel.fit(Interactions.known_at(CUTOFF, rows))
    bought = rows.filter(pl.col("weight") == 5).select("user_id", "product_id")
    viewed = rows.join(bought, on=["user_id", "product_id"], how="anti")
    users = rows["user_id"].unique().sort().to_list()
    found = funnel.recommend(artefact, users, k=20, excluded=bought, histories=rows)
    again = found.join(viewed, on=["user_id", "product_id"]).filter(pl.col("score") > -1)
    assert again["user_id"].n_unique() == viewed["user_id"].n_unique()


def test_given_the_artefacts_of_its_parts_it_learns_the_same_and_trains_none(mart, monkeypatch):
    known = Interactions.known_at(CUTOFF, walks(mart))
    # A table's rows come in the order of its files.
    parts = {
        name: model.fit(known).sample(fraction=1, shuffle=True, seed=1)
        for name, model in SMALL.part_models.items()
    }
    expected = SMALL.fit(known)
    trained = []
    learn = ALS._learn
    monkeypatch.setattr(ALS, "_learn", lambda *given: trained.append(given[1]) or learn(*given))

    assert SMALL.fit(known, parts=parts).equals(expected)
    # Past instants have first stages of their own; at the cut-off nothing is left to train.
    assert trained
    assert all(each.rows.height < known.rows.height for each in trained)


def test_scoring_trains_and_counts_nothing(mart, monkeypatch):
    rows = walks(mart)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))
    expected = lists_of(SMALL, artefact, rows)

    def never(*_, **__):
        raise AssertionError("trained or counted while scoring")

    for part in (ALS, Directional, UserKNN):
        monkeypatch.setattr(part, "_learn", never)
    monkeypatch.setattr(PairCounts, "of", never)

    assert lists_of(SMALL, artefact, rows).equals(expected)


def test_parts_are_configured_through_the_model():
    assert SMALL.parts == ("directional", "user_knn", "als")
    changed = SMALL.configured(directional={"history_decay": 0.9}, rounds=3)
    assert changed.config.directional == Directional().configured(history_decay=0.9).config
    assert changed.config.user_knn == SMALL.config.user_knn


def planted(lists: int = 40) -> Examples:
    """Lists of 10 whose answer has the largest first feature; the second is noise."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(lists * 10, 2)).astype(np.float32)
    best = values[:, 0].reshape(-1, 10).argmax(axis=1) + np.arange(lists) * 10
    right = np.zeros(len(values), dtype=bool)
    right[best] = True
    return Examples(values, right, np.full(lists, 10))


def test_the_ranker_learns_what_answers_have_and_its_text_says_all():
    made = planted()

    text = train(made, ["signal", "noise"], Boosting(rounds=20))

    scores = Trees.read(text).scores(made.values).reshape(-1, 10)
    assert (made.right.reshape(-1, 10)[np.arange(40), scores.argmax(axis=1)]).mean() > 0.8
    assert "feature_names=signal noise" in text


def test_threads_change_no_bit_of_the_ranker(monkeypatch):
    monkeypatch.setattr(lambdarank, "ROWS_WORTH_THREADS", 1)
    two = train(planted(400), ["signal", "noise"], Boosting(rounds=10))
    monkeypatch.setattr(lambdarank, "THREADS", 1)
    one = train(planted(400), ["signal", "noise"], Boosting(rounds=10))

    assert [line for line in one.splitlines() if "num_threads" not in line] == [
        line for line in two.splitlines() if "num_threads" not in line
    ]


def test_the_canonical_order_follows_from_the_contents():
    made = planted()
    ranks = np.tile(np.arange(10), 40)
    shuffled = np.random.default_rng(1).permutation(40)
    rows = (shuffled[:, None] * 10 + np.arange(10)).ravel()
    other = Examples(made.values[rows], made.right[rows], made.sizes)

    one, two = made.in_canonical_order(ranks), other.in_canonical_order(ranks)

    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.right, two.right)
    assert not np.array_equal(made.values, other.values)
    assert (one.right.reshape(-1, 10).sum(axis=1) == 1).all()


def test_an_artefact_of_another_task_is_refused_by_name(mart):
    rows = walks(mart)
    artefact = SMALL.fit(Interactions.known_at(CUTOFF, rows))
    other = SMALL.for_task(Task(horizon=timedelta(days=7)))

    with pytest.raises(DataError, match=r"models/two_stage_model was trained for another task"):
        lists_of(other, artefact, rows)
