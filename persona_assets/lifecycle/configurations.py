"""The configuration in use: what weekly trainings train a model with.

Belongs here: `models/configurations`, one row per decision, the newest of a model in use. It is
state that people decide on, hence a table of its own rather than a setting: it goes with the lake,
and what was in use when can be read from it. Does not belong here: finding configurations
(`study.py`) or deciding who serves (`promotion.py`).
"""

import json
from datetime import datetime

import polars as pl

from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.append import append, held
from persona_assets.recommenders import MODELS, model_named
from persona_assets.recommenders.composite import CompositeRecommender
from persona_assets.recommenders.protocol import Recommender, Task
from persona_assets.tables.lifecycle import CONFIGURATIONS


def configured_models(store: DeltaStore, *, task: Task | None = None) -> dict[str, Recommender]:
    """Every model of `MODELS` with the configuration in use; the default where none was promoted.

    To be called when models are trained, not when code is loaded.

    Args:
        store: the lake.
        task: how the lists will be evaluated; None: as the models come.

    Raises:
        UserError: a promoted configuration is not one of this code's; the text names the model.
    """
    promoted = in_use(store)
    found = {name: _in_use(promoted, default) for name, default in MODELS.items()}
    return found if task is None else {name: each.for_task(task) for name, each in found.items()}


def with_configuration_in_use(store: DeltaStore, default: Recommender) -> Recommender:
    """One model with the configuration in use; `default` where none was promoted.

    Raises:
        UserError: see `configured_models`.
    """
    return _in_use(in_use(store), default)


def _in_use(promoted: dict[str, dict[str, object]], default: Recommender) -> Recommender:
    row = promoted.get(default.name)
    model = default if row is None else configured(default, row["parameters"])
    if not isinstance(model, CompositeRecommender):
        return model
    # It learns from its parts' artefacts, so their configurations are those in use for them.
    return model.with_parts({part.name: _in_use(promoted, part()) for part in model.part_types})


def in_use(store: DeltaStore) -> dict[str, dict[str, object]]:
    """Model → newest row of `models/configurations`; models with their default are not in it."""
    return {row["model"]: row for row in held(store, CONFIGURATIONS).iter_rows(named=True)}


def configured(default: Recommender, parameters: object) -> Recommender:
    """The model `default` with the configuration that `Config.to_json` wrote.

    Raises:
        UserError: the text is not a configuration of it.
    """
    name = default.name
    try:
        values = json.loads(str(parameters))
        # JSON knows lists only.
        return default.configured(
            **{key: tuple(each) if isinstance(each, list) else each for key, each in values.items()}
        )
    except (json.JSONDecodeError, UserError) as error:
        raise UserError(
            f"{CONFIGURATIONS.path}: the configuration of {name} does not fit the code ({error}); "
            f"return to the default (`persona promote {name} --default`), or tune it again "
            f"(`persona tune {name}`) and promote the study"
        ) from error


def use(
    store: DeltaStore,
    name: str,
    parameters: str,
    *,
    now: datetime,
    study: str | None = None,
    trial: int | None = None,
) -> None:
    """Put a configuration to use from the next training on.

    Args:
        store: the lake.
        name: of the model.
        parameters: what `Config.to_json` gives.
        now: when it was decided, in UTC.
        study: the study that it comes from, if it does.
        trial: of that study.

    Raises:
        UserError: see `configured`.
    """
    configured(model_named(name), parameters)
    decided = (decision(now), now, name, parameters, study, trial)
    append(
        store,
        CONFIGURATIONS,
        pl.DataFrame([decided], schema=CONFIGURATIONS.polars_schema, orient="row"),
    )


def decision(now: datetime) -> str:
    """Identifier of a decision: sorts by time, as text."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
