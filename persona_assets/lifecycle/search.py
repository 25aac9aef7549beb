"""Which configuration to try next: Optuna's samplers over a model's `space`.

Belongs here: the order of trying. Does not belong here: what a configuration is worth
(`evaluator.py`) or keeping results (`study.py`).
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from persona_assets.errors import UserError
from persona_assets.recommenders.protocol import Recommender

SAMPLERS = ("random", "tpe", "grid")
Changes = dict[str, Any]
Point = tuple[int, ...]
"""Per field of a space, the number of its value."""

REPEATS = 20
"""Proposals of what was tried already that are put up with; samplers know no 'not again'."""


def search(
    model: Recommender,
    worth: Callable[[Changes], float | None],
    *,
    trials: int,
    sampler: str,
    seed: int,
) -> None:
    """Call `worth` for up to `trials` different configurations of `model`, the default first.

    `random` draws every field evenly, `tpe` (tree-structured Parzen estimator, Bergstra et al.
    2011) draws near what was worth much, `grid` takes all combinations of values or, where there
    are more than `trials`, an even draw of them. The search ends early when the whole space was
    tried.

    Args:
        model: whose `space` is searched; its configuration is the default.
        worth: given a value for every field of the space, tells how good that is; None: it failed.
        trials: how many to try at most.
        sampler: one of `SAMPLERS`.
        seed: of everything random; the same seed and worths give the same trials.

    Raises:
        UserError: fewer than one trial, an unknown sampler, or a default that is not in the space.
    """
    refuse(trials, sampler)
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would tell of each trial as well
    space = {name: tuple(values) for name, values in model.space.items()}
    samplers = {
        "random": optuna.samplers.RandomSampler,
        "tpe": optuna.samplers.TPESampler,
        # What the grid tries is laid down beforehand; nothing is left to sample.
        "grid": optuna.samplers.RandomSampler,
    }
    study = optuna.create_study(direction="maximize", sampler=samplers[sampler](seed=seed))
    size = math.prod(map(len, space.values()))
    default = _default(model, space)
    laid_down = iter(_grid(space, default, trials, seed) if sampler == "grid" else [default])
    fallback = _untried(space, seed)
    tried: dict[Point, float | None] = {}
    repeats = 0
    while len(tried) < min(trials, size):
        point = next(laid_down, None)
        if point is None and repeats >= REPEATS:
            point = next(each for each in fallback if each not in tried)
        if point is not None:
            study.enqueue_trial(dict(zip(space, point, strict=True)))
        trial = study.ask()
        point = tuple(
            # By number: values of any type, and Optuna sees nothing but choices.
            trial.suggest_categorical(name, range(len(values)))
            for name, values in space.items()
        )
        repeats = repeats + 1 if point in tried else 0
        if point not in tried:
            tried[point] = worth(
                {name: values[at] for (name, values), at in zip(space.items(), point, strict=True)}
            )
        if (value := tried[point]) is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, value)


def refuse(trials: int, sampler: str) -> None:
    """UserError for what `search` cannot do, before anything is read or trained for it."""
    if trials < 1:
        raise UserError(f"--trials is {trials}; try at least 1 configuration")
    if sampler not in SAMPLERS:
        raise UserError(f"no sampler is called {sampler!r}; choose one of {', '.join(SAMPLERS)}")


def _default(model: Recommender, space: Mapping[str, tuple[Any, ...]]) -> Point:
    for name, values in space.items():
        if getattr(model.config, name) not in values:
            raise UserError(
                f"the space of {model.name} has no {getattr(model.config, name)!r} for {name}, "
                "which is its default; add it to `space`"
            )
    return tuple(values.index(getattr(model.config, name)) for name, values in space.items())


def _grid(
    space: Mapping[str, tuple[Any, ...]], default: Point, trials: int, seed: int
) -> Iterator[Point]:
    """The default and then the grid, or an even draw of it; the default is not repeated."""
    yield default
    size = math.prod(map(len, space.values()))
    # A range is drawn from without being laid out: a grid may have billions of points.
    drawn = (
        range(size) if size <= trials else random.Random(seed).sample(range(size), trials)  # noqa: S311 - not for secrets
    )
    yield from (point for point in (_point(space, number) for number in drawn) if point != default)


def _untried(space: Mapping[str, tuple[Any, ...]], seed: int) -> Iterator[Point]:
    """Points drawn evenly without end."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    while True:
        yield tuple(chance.randrange(len(values)) for values in space.values())


def _point(space: Mapping[str, tuple[Any, ...]], number: int) -> Point:
    """The point with this number when the last field varies fastest."""
    places = []
    for values in reversed(list(space.values())):
        number, place = divmod(number, len(values))
        places.append(place)
    return tuple(reversed(places))
