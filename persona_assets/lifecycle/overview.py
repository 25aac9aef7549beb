"""Every model at a glance: what it is, how it is configured, where it stands, what it needs.

Belongs here: putting that together from the code and the lake. Does not belong here: showing it
(`cli/models.py`) or changing it (`configurations.py`, `promotion.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.configurations import configured_models, in_use
from persona_assets.lifecycle.promotion import registry
from persona_assets.lifecycle.validation import weekly_task
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.recommenders.protocol import Recommender, SideTable


@dataclass(frozen=True)
class Overview:
    """One model.

    Attributes:
        model: its name.
        description: first line of its documentation.
        configuration: `default`, or `promoted`: another was put to use.
        study: the study that the configuration comes from; None: from none.
        since: when it was put to use (ISO 8601); None: it is the default, which always was.
        parameters: the configuration in use.
        changes: those of its fields that differ from the default.
        stage: of the newest training that there is; None: never trained.
        trained: cut-off of that training (ISO date); None: never trained.
        trained_as_configured: whether that training had the configuration in use.
        not_trained: why it could not learn from the data of the newest cut-off; None: it could, or
            no cut-off was asked for.
        not_trained_for: that cut-off (ISO date); None where `not_trained` is.
        needs: what it learns or recommends from.
    """

    model: str
    description: str
    configuration: str
    study: str | None
    since: str | None
    parameters: dict[str, Any]
    changes: dict[str, Any]
    stage: str | None
    trained: str | None
    trained_as_configured: bool | None
    not_trained: str | None
    not_trained_for: str | None
    needs: tuple[str, ...]


def overviews(store: DeltaStore, *, exclude: Exclusion) -> list[Overview]:
    """Every model of `MODELS`, in its order.

    Args:
        store: a lake, with or without trainings and decisions in it.
        exclude: the rule that lists are made with.

    Raises:
        UserError: a promoted configuration is not one of this code's.
    """
    decided, trainings, task = in_use(store), registry(store), weekly_task(exclude)
    return [
        _overview(
            used,
            MODELS[name].for_task(task),
            decided.get(name, {}),
            trainings.filter(pl.col("model") == name),
        )
        for name, used in configured_models(store, task=task).items()
    ]


def _overview(
    used: Recommender, default: Recommender, decided: dict[str, Any], trainings: pl.DataFrame
) -> Overview:
    parameters = json.loads(used.config.to_json())
    usual = json.loads(default.config.to_json())
    changes = {key: value for key, value in parameters.items() if value != usual[key]}
    # A model that could not learn has a row as well: of what was asked for, with the reason.
    asked = trainings.sort("cutoff").tail(1).filter(pl.col("not_trained").is_not_null())
    failed = asked.to_dicts()[0] if asked.height else {}
    newest = trainings.filter(pl.col("not_trained").is_null()).sort("cutoff").tail(1).to_dicts()
    of_newest = newest[0] if newest else {}
    return Overview(
        model=used.name,
        description=(type(used).__doc__ or used.name).strip().splitlines()[0],
        configuration="promoted" if changes else "default",
        study=decided.get("study"),
        since=decided["decided_at"].isoformat() if decided else None,
        parameters=parameters,
        changes=changes,
        stage=of_newest.get("stage"),
        trained=of_newest["cutoff"].isoformat() if newest else None,
        trained_as_configured=json.loads(of_newest["parameters"]) == parameters if newest else None,
        not_trained=failed.get("not_trained"),
        not_trained_for=failed["cutoff"].isoformat() if failed else None,
        needs=_needs(used),
    )


_SIDE_TABLES: Mapping[SideTable, str] = {
    "users": "attributes of people",
    "products": "attributes of products",
    "customer_segments": "segments of customers",
}


def _needs(used: Recommender) -> tuple[str, ...]:
    asked = {
        "interactions": True,
        "histories when lists are made": used.needs_history,
        **{_SIDE_TABLES[table]: True for table in sorted(used.needs_side_information)},
        **{f"the model {part}": True for part in used.parts},
    }
    return tuple(name for name, needed in asked.items() if needed)


def as_json(found: list[Overview]) -> str:
    """The overviews as a JSON array of objects with the attributes as keys."""
    return json.dumps([asdict(each) for each in found], indent=2)
