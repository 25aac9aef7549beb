import math

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.evaluation.benchmark.evaluation import hits, learn
from persona_assets.evaluation.benchmark.run import benchmark, names, split
from persona_assets.evaluation.benchmark.stages import Stages
from persona_assets.evaluation.metrics import METRICS
from persona_assets.recommenders import MODELS

LABEL_INVARIANT = ("popularity", "directional", "item_knn")


def relabelled(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    for column in ("user_id", "product_id"):
        old = rows[column].unique().sort().shuffle(seed=seed)
        new = {name: f"{place:03d}-{seed}" for place, name in enumerate(old)}
        rows = rows.with_columns(pl.col(column).replace_strict(new))
    return rows.sample(fraction=1, shuffle=True, seed=seed)


def evaluate(rows, models=("directional",), protocol="leave_one_out", **options):
    splits = split(
        rows,
        protocol,
        **{name: options.pop(name) for name in ("target", "test") if name in options},
    )
    return benchmark(splits, models, rows=rows, protocol=protocol, **options)


@pytest.mark.parametrize("protocol", ["leave_one_out", "temporal", "funnel", "user_split"])
def test_names_and_order_of_rows_change_no_metric(protocol, chains):
    expected = evaluate(chains, LABEL_INVARIANT, protocol).to_dict()
    other = evaluate(relabelled(chains, 4), LABEL_INVARIANT, protocol).to_dict()

    for name in LABEL_INVARIANT:
        for part in ("parameters", "validation", "test", "test_by_kind"):
            assert other["models"][name][part] == expected["models"][name][part], (name, part)


def test_order_in_time_is_found_where_there_is_one(chains):
    models = evaluate(chains, ("popularity", "directional"), ks=(3,)).models

    assert models["directional"].test["recall@3"].low > models["popularity"].test["recall@3"].high


def test_parameters_are_chosen_without_looking_at_test(chains):
    splits = split(chains, "leave_one_out")
    elsewhere = splits.test.truth.with_columns(
        product_id=pl.lit(splits.refit.history["product_id"][0])
    )
    other = type(splits)(
        splits.validation,
        type(splits.test)(splits.test.train, splits.test.history, elsewhere, splits.test.excluded),
        splits.refit,
    )

    found = [
        benchmark(each, ["directional"], rows=chains, protocol="leave_one_out")
        for each in (splits, other)
    ]

    assert found[0].models["directional"].parameters == found[1].models["directional"].parameters
    assert found[0].models["directional"].validation == found[1].models["directional"].validation


@pytest.mark.parametrize("protocol", ["leave_one_out", "temporal", "funnel", "user_split"])
def test_rows_users_and_products_are_those_of_everything_that_was_split(protocol, log, chains):
    last = log(("somebody new", "something new", 10_000, "purchase"))
    rows = pl.concat([chains, last])
    data = evaluate(rows, ("popularity",), protocol).data
    assert (data["rows"], data["users"], data["products"]) == (
        rows.height, rows["user_id"].n_unique(), rows["product_id"].n_unique(),
    )  # fmt: skip
    assert 0 < data["rows_outside_test"] < rows.height


def test_refit_learns_from_validation_too(chains):
    splits = split(chains, "leave_one_out")
    model = MODELS["directional"]

    assert learn(model, splits.refit).height > learn(model, splits.test).height
    assert evaluate(chains, refit=True).models["directional"].test != (
        evaluate(chains).models["directional"].test
    )


def test_given_parameters_are_taken_and_not_searched(chains):
    first = evaluate(chains, ("directional",), ks=(5,))
    chosen = first.models["directional"]
    again = evaluate(
        chains, ("directional",), ks=(5,), parameters={"directional": chosen.parameters}
    ).models["directional"]
    other = evaluate(
        chains,
        ("directional",),
        ks=(5,),
        parameters={"directional": dict(chosen.parameters) | {"forward_decay": 3.0}},
    ).models["directional"]

    assert (again.parameters, again.test) == (chosen.parameters, chosen.test)
    assert again.processor_seconds["search"] < chosen.processor_seconds["search"]
    assert other.parameters["forward_decay"] == 3.0
    with pytest.raises(UserError, match="has no field 'magic'"):
        evaluate(chains, parameters={"directional": {"magic": 1}})


def test_the_result_has_the_promised_keys(chains):
    told = evaluate(chains, ("popularity",), ks=(10, 20)).to_dict()

    assert {"data", "protocol", "models"} <= told.keys()
    model = told["models"]["popularity"]
    assert {"parameters", "seconds", "validation", "test"} <= model.keys()
    assert model["test"].keys() == {f"{metric}@{k}" for metric in METRICS for k in (10, 20)}
    assert model["test"]["recall@10"].keys() == {"value", "low", "high"}
    assert model["seconds"].keys() == model["peak_mb"].keys()
    assert model["seconds"].keys() == model["processor_seconds"].keys()
    assert all(math.isfinite(each["value"]) for each in model["test"].values())


def test_funnel_reports_baskets_and_later_purchases_apart(log):
    rows = log(
        *(
            row
            for user in range(12)
            for row in (
                (f"u{user}", "a", 1, "purchase"),
                (f"u{user}", "b", 30, "purchase"),
                (f"u{user}", "c", 60, "view"),
                (f"u{user}", "d", 90, "purchase"),
                *([(f"u{user}", "e", 90, "purchase")] if user % 2 else []),
            )
        )
    )

    model = evaluate(rows, ("popularity",), "funnel", target="purchase").models["popularity"]

    assert model.test_by_kind.keys() == {"basket_completion", "later"}
    overall = model.test["recall@10"].value
    parts = [part["recall@10"].value for part in model.test_by_kind.values()]
    assert overall == pytest.approx(sum(parts) / 2)


def test_truth_nobody_interacted_with_before_is_missed_not_dropped(log):
    rows = log(*((user, product, hour) for user in "abc" for hour, product in enumerate("xyz")))
    rows = pl.concat([rows, log(*((user, f"only-{user}", 9) for user in "abc"))])
    splits = split(rows, "leave_one_out")

    found = hits(
        MODELS["popularity"], learn(MODELS["popularity"], splits.test), splits.test, depth=5
    )

    assert found.relevant.tolist() == [1, 1, 1]
    assert found.matrix.sum() == 0


def test_unknown_names_are_refused(chains):
    with pytest.raises(UserError, match="no protocol 'random'; choose one of"):
        split(chains, "random")
    with pytest.raises(UserError, match="no model 'magic'; choose among"):
        evaluate(chains, ("magic",))
    with pytest.raises(UserError, match="go with --protocol funnel"):
        split(chains, "temporal", target="purchase")
    with pytest.raises(UserError, match="lengths of at least 1"):
        evaluate(chains, ks=(0,))
    with pytest.raises(UserError, match="needs more than interactions"):
        evaluate(chains, ("content",))


def test_all_means_every_model_that_learns_from_interactions_alone():
    assert set(names("all")) == {
        name for name, model in MODELS.items() if not model.needs_side_information
    }
    assert names("als, bpr") == ["als", "bpr"]


def test_a_stage_knows_its_seconds_and_its_memory():
    stages = Stages()
    with stages.stage("work"):
        block = bytearray(80_000_000)
    assert stages.seconds["work"] > 0
    assert stages.peak_mb["work"] >= len(block) / 1e6 * 0.9
