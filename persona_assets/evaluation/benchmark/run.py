"""`persona benchmark`: every model on a file, evaluated alike.

Belongs here: the order of the work and its result. Does not belong here: each step (the modules
beside this one), arguments and printing (`cli/benchmark.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import UserError
from persona_assets.evaluation.benchmark.canonical_labels import with_canonical_labels
from persona_assets.evaluation.benchmark.evaluation import Interval, evaluate
from persona_assets.evaluation.benchmark.recipe import Progress, chosen
from persona_assets.evaluation.benchmark.stages import Stages
from persona_assets.evaluation.metrics import ndcg
from persona_assets.evaluation.splits import PROTOCOLS, Splits, funnel
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.protocol import Recommender, Task
from persona_assets.statistics.multiple_testing import holm
from persona_assets.statistics.paired import paired_tests

SIGNIFICANT = 0.05
"""Adjusted p-value below which a model is called worse than the best."""


@dataclass(frozen=True)
class ModelResult:
    """One model: its chosen parameters, what each stage took, and how good it is.

    Attributes:
        parameters: the chosen configuration.
        seconds: of the stages `search` (choosing parameters), `fit`, `score` (the full ranking)
            and `metrics`; the last three on test.
        processor_seconds: the same, summed over processors.
        peak_mb: memory of the process at its highest in each stage [MB].
        validation: metrics such as `recall@10`.
        test: the same.
        test_by_kind: the same for the kinds of truth that the split tells apart.
    """

    parameters: Mapping[str, Any]
    seconds: Mapping[str, float]
    processor_seconds: Mapping[str, float]
    peak_mb: Mapping[str, float]
    validation: Mapping[str, Interval]
    test: Mapping[str, Interval]
    test_by_kind: Mapping[str, Mapping[str, Interval]]


@dataclass(frozen=True)
class ComparisonWithBest:
    """One model compared with the best: nDCG at the first k on test, on the same users.

    Attributes:
        best: name of the best model.
        difference: of the means, the model's less the best one's.
        low: lower end of its 95 % interval.
        high: upper end.
        adjusted_p_value: of the paired test, after Holm's correction over all models.
        minimum_detectable: difference that users of this number would show four times out of five.
        verdict: `worse` or `not distinguishable`.
    """

    best: str
    difference: float
    low: float
    high: float
    adjusted_p_value: float
    minimum_detectable: float
    verdict: str


@dataclass(frozen=True)
class Benchmark:
    """What `persona benchmark` found.

    Attributes:
        data: rows, users and products of all that was split, rows outside of test, and the sizes of
            what was evaluated.
        protocol: name of the split.
        refit: whether the models evaluated on test had learned from validation too.
        models: by name, in the order asked for.
        against_best: each other model beside the one of the highest nDCG on test.
    """

    data: Mapping[str, Any]
    protocol: str
    refit: bool
    models: Mapping[str, ModelResult]
    against_best: Mapping[str, "ComparisonWithBest"]

    def to_dict(self) -> dict[str, Any]:
        """The result as `--json` prints it."""
        return asdict(self)


def split(
    rows: pl.DataFrame,
    protocol: str,
    *,
    target: str | None = None,
    test: pl.DataFrame | None = None,
) -> Splits:
    """`rows` under the protocol, with canonical labels.

    Raises:
        UserError: there is no such protocol, or `target` and `test` do not go with it.
        DataError: the rows are too few for it.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"there is no protocol {protocol!r}; choose one of {', '.join(PROTOCOLS)}")
    if protocol != "funnel":
        if target is not None or test is not None:
            raise UserError(
                f"--target and --test go with --protocol funnel, not with {protocol}; "
                "leave them out"
            )
        [relabelled] = with_canonical_labels(rows)
        return PROTOCOLS[protocol](relabelled)
    event = target_of(rows, target)
    if test is None:
        [relabelled] = with_canonical_labels(rows)
        return funnel(relabelled, target=event)
    relabelled, held = with_canonical_labels(rows, test)
    return funnel(relabelled, target=event, test=held)


def target_of(rows: pl.DataFrame, asked: str | None) -> str:
    """The event that a funnel is evaluated on: the one asked for, else the weightiest.

    Raises:
        UserError: no row is of the one asked for, or several are equally weighty.
    """
    kinds = rows.group_by("event_type").agg(pl.col("weight").max(), pl.len()).sort("event_type")
    told = ", ".join(f"{kind} {count:,}" for kind, _, count in kinds.iter_rows())
    if asked is not None:
        if asked not in kinds["event_type"]:
            raise UserError(
                f"--target {asked!r} is not an event of the file; its events are {told}"
            )
        return asked
    weightiest = kinds.filter(pl.col("weight") == pl.col("weight").max())["event_type"]
    if len(weightiest) > 1:
        raise UserError(
            f"the events {', '.join(weightiest)} weigh the same, so none is the funnel's target by "
            f"itself; say --target, one of {told}"
        )
    return str(weightiest[0])


def names(text: str) -> list[str]:
    """Models named with commas between; `all`: those that learn from interactions alone."""
    if text != "all":
        return [word.strip() for word in text.split(",")]
    return [name for name, model in MODELS.items() if not model.needs_side_information]


def left_out() -> list[str]:
    """Models that `all` leaves out: a file of interactions is too little for them."""
    return [name for name, model in MODELS.items() if model.needs_side_information]


def refuse(models: Sequence[str], ks: Sequence[int]) -> None:
    """Say what `benchmark` would not do, before anything is read.

    Raises:
        UserError: there is no such model, one cannot learn from interactions alone, or a length is
            below 1.
    """
    for name in models:
        if name not in MODELS:
            raise UserError(f"there is no model {name!r}; choose among {', '.join(MODELS)}")
        if MODELS[name].needs_side_information:
            raise UserError(
                f"model {name!r} needs more than interactions ({MODELS[name].artefact.path}); it "
                "is evaluated in a home, by `persona run`; leave it out here"
            )
    if not ks or min(ks) < 1:
        raise UserError(f"--k is {','.join(map(str, ks))}; give lengths of at least 1")


def benchmark(
    splits: Splits,
    models: Sequence[str],
    *,
    rows: pl.DataFrame,
    protocol: str,
    ks: Sequence[int] = (10, 20),
    refit: bool = False,
    seed: int = 0,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress = lambda _: None,
) -> Benchmark:
    """Choose each model's parameters on validation, and evaluate it on test.

    Args:
        splits: from `split`.
        models: names in `MODELS`.
        rows: what `splits` were made of; they are counted.
        protocol: by which `splits` were made.
        ks: lengths of the evaluated lists.
        refit: learn from validation too before test is evaluated.
        seed: of everything random.
        parameters: configurations by model, as `ModelResult.parameters` of an earlier run tells
            them; these models, and these parts of models, are not searched again.
        progress: told what is being done.

    Raises:
        UserError: there is no such model, one cannot learn from interactions alone, or a
            configuration has a field that there is not.
    """
    given = parameters or {}
    refuse([*models, *given], ks)
    found: dict[str, ModelResult] = {}
    gains: dict[str, NDArray[np.float64]] = {}
    configurations: dict[str, Any] = {
        name: type(MODELS[name].config).of(values) for name, values in given.items()
    }
    for name in models:
        stages = Stages()
        with stages.stage("search"):
            model = _configured(MODELS[name], splits, protocol, seed, configurations, progress)
        progress(f"{name}: validation")
        validation = evaluate(model, splits.validation, ks, stages=Stages())
        progress(f"{name}: test")
        test = evaluate(model, splits.refit if refit else splits.test, ks, stages=stages)
        found[name] = ModelResult(
            asdict(model.config),
            stages.seconds,
            stages.processor_seconds,
            stages.peak_mb,
            validation.overall,
            test.overall,
            test.by_kind,
        )
        gains[name] = ndcg(test.hits, ks[0])
    return Benchmark(_data(rows, splits), protocol, refit, found, _against_best(gains, seed))


def _against_best(
    gains: Mapping[str, NDArray[np.float64]], seed: int
) -> dict[str, ComparisonWithBest]:
    """Paired tests of each model with the best, of equal ones the first by name."""
    best = min(gains, key=lambda name: (-gains[name].mean(), name))
    others = [name for name in gains if name != best]
    if not others:
        return {}
    tests = paired_tests(np.column_stack([gains[name] - gains[best] for name in others]), seed)
    adjusted = holm([each.p_value for each in tests])
    return {
        name: ComparisonWithBest(
            best,
            each.difference,
            each.low,
            each.high,
            p_value,
            each.minimum_detectable,
            "worse" if p_value < SIGNIFICANT else "not distinguishable",
        )
        for name, each, p_value in zip(others, tests, adjusted, strict=True)
    }


def _configured(
    model: Recommender,
    splits: Splits,
    protocol: str,
    seed: int,
    configurations: dict[str, Any],
    progress: Progress,
) -> Recommender:
    """The model with its chosen configuration, its parts' ones being chosen before."""
    for part in model.searched_parts:
        if part not in configurations:
            _configured(MODELS[part], splits, protocol, seed, configurations, progress)
    if model.name not in configurations:
        task = _task(splits, protocol)
        best = chosen(
            model.configured(seed=seed).for_task(task),
            splits.validation,
            parts=configurations,
            progress=progress,
        )
        configurations[model.name] = best.config
    return type(model)(configurations[model.name])  # type: ignore[call-arg]


def _task(splits: Splits, protocol: str) -> Task:
    if protocol != "funnel":
        return Task(horizon=splits.horizon)
    # What is left out of lists has reached the target; its weight is that of such rows.
    history, reached = splits.refit.history, splits.refit.excluded
    weights = history.join(reached, on=["user_id", "product_id"], how="semi")["weight"]
    weight = max(weights, default=0.0)
    return Task(horizon=None, target_weight=weight, unseen=False, heaviest_barred=True)


def _data(rows: pl.DataFrame, splits: Splits) -> dict[str, Any]:
    learned, test = splits.refit.history, splits.test
    known = learned["product_id"].unique()
    cold = test.truth.filter(~pl.col("product_id").is_in(known.implode()))
    return {
        "rows": rows.height,
        "users": rows["user_id"].n_unique(),
        "products": rows["product_id"].n_unique(),
        "rows_outside_test": learned.height,
        "judged_users": test.truth["user_id"].n_unique(),
        "judged_pairs": test.truth.height,
        "judged_pairs_of_unknown_products": cold.height,
    }
