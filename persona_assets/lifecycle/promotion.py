"""Promotion of a model to champion through the gate, and rollback.

Belongs here: reading what the gate needs, and the decisions in `models/promotions`. Does not
belong here: the comparison (`gate.py`), or what follows from the decisions for trainings
(`lifecycle/registry.py`).

Decisions are rows that are only ever added. The weekly registry is overwritten by each training
of its week; it says `candidate` for good, and stages are derived when it is read.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import narwhals as nw
import polars as pl

from persona_assets.calendar import EVALUATED_DAYS
from persona_assets.errors import UserError
from persona_assets.evaluation.offline import BASELINE
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.append import append, held
from persona_assets.lifecycle.configurations import (
    configured,
    configured_models,
    decision,
    in_use,
    use,
)
from persona_assets.lifecycle.evaluator import LISTED, Evaluator, K
from persona_assets.lifecycle.gate import METRIC, GateComparison, Lists, measure
from persona_assets.lifecycle.registry import Recipe, champions, stages, with_stages
from persona_assets.lifecycle.validation import (
    Week,
    evaluated_cutoffs,
    interactions_for,
    week,
    weekly_task,
)
from persona_assets.recommenders import MODELS, model_named
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.recommenders.protocol import NO_SIDE_INFORMATION, Recommender, SideInformation
from persona_assets.tables.evaluation import OFFLINE_METRICS
from persona_assets.tables.lifecycle import PROMOTIONS, TUNING_TRIALS
from persona_assets.tables.models import REGISTRY, TOP_K

SideInformationAt = Callable[[date], SideInformation]
"""What models may know at a cut-off besides interactions: segments differ from week to week."""

WEEKS = 4
"""Evaluated weeks that the gate looks at, the newest: a month says more than a week, and what was
before says little about what comes."""


def champion(store: DeltaStore) -> Recipe | None:
    """The model that serves, with its configuration; None before the first promotion."""
    line = champions(held(store, PROMOTIONS))
    return line[-1] if line else None


def registry(store: DeltaStore) -> pl.DataFrame:
    """Rows of `models/registry` with the stages of now; none where nothing was trained."""
    return with_stages(held(store, REGISTRY), held(store, PROMOTIONS))


def promote(
    store: DeltaStore,
    name: str,
    *,
    exclude: Exclusion,
    seed: int,
    now: datetime,
    side_information: SideInformationAt = lambda _: NO_SIDE_INFORMATION,
    chosen_on: Collection[date] = (),
) -> GateComparison:
    """Make the model with the configuration in use the champion, if the gate lets it.

    It must be better than the champion (before the first one: than popularity) and cover no less
    of the catalogue, see `GateComparison.objections`. The week by which a study chose the
    configuration is left out: the best of many on a week is better on that week by chance as well.
    Lists of `recommendations/top_k` are compared where they were made with the compared
    configurations; weeks of which they were not are trained again here, from what was known before
    each of them.

    Args:
        store: the lake.
        name: of the model.
        exclude: the rule that lists are made with.
        seed: of the sign flips.
        now: when it is decided, in UTC.
        side_information: gives the user and item features known at an evaluated cut-off.
        chosen_on: evaluated cut-offs by which the model was chosen among others; they are left out
            as the week of a study is.

    Returns:
        What the decision rests on.

    Raises:
        UserError: no such model; it is champion already; its newest training has another
            configuration than the one in use, or could not be made; no week was evaluated; or the
            gate refused: the text says why, with the numbers.
    """
    model_named(name)
    cutoffs = _unseen_weeks(store, name, chosen_on)
    models = configured_models(store, task=weekly_task(exclude))
    candidate, held_by = models[name], champion(store)
    _refuse_untrained(store, candidate)
    rival = (
        models[BASELINE]
        if held_by is None
        else configured(model_named(held_by.model), held_by.parameters)
    )
    if held_by is not None and rival == candidate:
        raise UserError(f"{name} with the configuration in use is champion already; nothing to do")
    if held_by is None and name == BASELINE:
        raise UserError(f"{BASELINE} is what the first champion has to beat; promote another model")
    interactions = interactions_for(store, cutoffs)
    weeks = [week(interactions, cutoff=cutoff, exclude=exclude) for cutoff in cutoffs]
    measured = measure(
        weeks,
        _replayed(store, candidate, weeks, side_information),
        _replayed(store, rival, weeks, side_information),
        against=rival.name,
        seed=seed,
    )
    if objections := measured.objections():
        raise UserError(
            f"{name} was not promoted over {rival.name} on {len(weeks)} evaluated week(s) from "
            f"{cutoffs[0]}: {'; '.join(objections)}; tune it (`persona tune {name}`) or wait for "
            "more weeks"
        )
    _decide(store, "promotion", Recipe.of(candidate), held_by, now, measured.as_dict())
    return measured


def promote_best(
    store: DeltaStore,
    *,
    exclude: Exclusion,
    seed: int,
    now: datetime,
    side_information: SideInformationAt = lambda _: NO_SIDE_INFORMATION,
) -> tuple[str, GateComparison]:
    """Promote the model that was best in the first of the evaluated weeks, if the others prove it.

    Args:
        store: the lake.
        exclude: see `promote`, as the next three.
        seed: of the sign flips.
        now: when it is decided, in UTC.
        side_information: gives the user and item features known at an evaluated cut-off.

    Returns:
        The model's name, and what the decision rests on.

    Raises:
        UserError: only one week was evaluated, popularity was the best, or see `promote`.
    """
    first, *others = evaluated_cutoffs(store, WEEKS + 1)
    if not others:
        raise UserError("only one week was evaluated; evaluate another to prove a choice by it")
    compared = store.read(OFFLINE_METRICS, [first]).filter(
        pl.col("metric") == METRIC, pl.col("k") == K, pl.col("model").is_in(list(MODELS))
    )
    if compared.is_empty():
        raise UserError(f"no model was evaluated in the week from {first}; evaluate it first")
    best = str(compared.sort("value", "model", descending=[True, False])["model"][0])
    measured = promote(
        store,
        best,
        exclude=exclude,
        seed=seed,
        now=now,
        side_information=side_information,
        chosen_on=[first],
    )
    return best, measured


def rollback(store: DeltaStore, *, exclude: Exclusion, now: datetime) -> tuple[Recipe, Recipe]:
    """Make the previous champion champion again, with its configuration.

    Where that is not the model's configuration in use, it is from now on: what is trained next
    must be what serves.

    Args:
        store: the lake.
        exclude: the rule that lists are made with.
        now: when it is decided, in UTC.

    Returns:
        The champion that was, and the one that is.

    Raises:
        UserError: there was no champion before.
    """
    line = champions(held(store, PROMOTIONS))
    if len(line) < 2:
        raise UserError(
            f"there is nothing to roll back to: {len(line)} champion(s) so far; promote a model "
            "with `persona promote MODEL`"
        )
    before, again = line[-1], line[-2]
    # First, so that a rollback that breaks off between the two is completed by another.
    if Recipe.of(configured_models(store, task=weekly_task(exclude))[again.model]) != again:
        use(store, again.model, again.parameters, now=now)
    _decide(store, "rollback", again, before, now, {})
    return before, again


def _unseen_weeks(store: DeltaStore, name: str, chosen_on: Collection[date]) -> list[date]:
    """The newest `WEEKS` evaluated cut-offs, but not those that chose model or configuration."""
    study = in_use(store).get(name, {}).get("study")
    trials = held(store, TUNING_TRIALS).filter(pl.col("study") == pl.lit(study, pl.String()))
    of_study = {each - timedelta(days=EVALUATED_DAYS) for each in trials["cutoff"]}
    evaluated = evaluated_cutoffs(store, WEEKS + 1)
    unseen = [each for each in evaluated if each not in {*of_study, *chosen_on}][-WEEKS:]
    if not unseen:
        raise UserError(
            f"the only evaluated week, from {evaluated[-1]}, is the one by which study {study} "
            f"chose the configuration of {name}, so it proves nothing; evaluate another week first"
        )
    return unseen


def _refuse_untrained(store: DeltaStore, candidate: Recommender) -> None:
    """What serves has to exist: the newest training must be of the configuration in use."""
    trained = held(store, REGISTRY).filter(pl.col("model") == candidate.name).sort("cutoff").tail(1)
    if trained.is_empty():
        raise UserError(
            f"{candidate.name} was never trained; materialize {candidate.artefact.path} and "
            f"{REGISTRY.path} first"
        )
    if reason := trained["not_trained"][0]:
        raise UserError(
            f"{candidate.name} was not trained for {trained['cutoff'][0]}: {reason}; promote a "
            "model that has lists (`persona models` says which were trained)"
        )
    if Recipe(candidate.name, trained["parameters"][0]) != Recipe.of(candidate):
        raise UserError(
            f"{candidate.name} was trained for {trained['cutoff'][0]} with another configuration "
            f"than the one in use; materialize {candidate.artefact.path} and {REGISTRY.path} for "
            "that week again, then promote it"
        )


def _replayed(
    store: DeltaStore,
    model: Recommender,
    weeks: Sequence[Week],
    side_information: SideInformationAt,
) -> Lists:
    """The lists of every week: those of the lake where they are of this recipe, else made anew."""
    trained = store.read(REGISTRY, [each.cutoff for each in weeks]).filter(
        pl.col("model") == model.name, pl.col("parameters") == model.config.to_json()
    )
    there = set(trained["cutoff"])
    mine = TOP_K.empty()
    if there and store.exists(TOP_K):
        rows = store.scan(TOP_K, sorted(there))
        # Before collecting: the table holds the lists of all models.
        wanted = (nw.col("model") == model.name) & (nw.col("rank") <= LISTED)
        mine = store.collect(rows.filter(wanted))
    found = {each: mine.filter(pl.col("cutoff") == each) for each in there}
    return {
        each.cutoff: found[each.cutoff]
        if each.cutoff in found and found[each.cutoff].height
        else Evaluator(each, side_information(each.cutoff)).lists(model, everyone=True)
        for each in weeks
    }


def _decide(
    store: DeltaStore,
    action: str,
    to: Recipe,
    of: Recipe | None,
    now: datetime,
    evidence: Mapping[str, object],
) -> None:
    """One commit: the new champion and, where there was one, the old one's way to the archive."""
    known = stages(held(store, PROMOTIONS))
    changes = [(to, known.get(to, "candidate"), "champion")]
    if of is not None:
        changes.append((of, "champion", "archived"))
    text = json.dumps(evidence, sort_keys=True)
    rows = [
        (decision(now), now, action, recipe.model, recipe.parameters, before, after, text)
        for recipe, before, after in changes
    ]
    append(store, PROMOTIONS, pl.DataFrame(rows, schema=PROMOTIONS.polars_schema, orient="row"))
