"""A plan is stored before its experiment, and held against what is declared later.

Belongs here: the home's file `experiment_plans.json`, and the comparison with it. Does not belong
here: what a declaration may be (`declaration.py`), when a plan is stored (`serving/`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from persona_assets import regular_files
from persona_assets.errors import DataError, InfrastructureError, UserError
from persona_assets.live_experiments.declaration import LiveExperiment

FILE_NAME = "experiment_plans.json"


@dataclass(frozen=True)
class StoredPlan:
    """What was declared when an experiment began.

    Attributes:
        declared: as `LiveExperiment.as_plan` gives it.
        arms: model by arm, `control` first, resolved where the declaration left them out.
        exposed: was anybody assigned yet? From then on the plan is fixed.
    """

    declared: Mapping[str, Any]
    arms: Mapping[str, str]
    exposed: bool = False


def load(home: Path) -> dict[str, StoredPlan]:
    """The stored plans by the experiment's name.

    Raises:
        DataError: the file is there and cannot be read.
    """
    path = home / FILE_NAME
    try:
        stored = json.loads(regular_files.text(path))
        return {name: StoredPlan(**plan) for name, plan in stored.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is damaged or cannot be read; restore it from a copy: without it nobody knows "
            "what was planned before the experiments that run"
        ) from error


def save(home: Path, plans: Mapping[str, StoredPlan]) -> None:
    """Write the file, whole or not at all.

    Raises:
        InfrastructureError: it cannot be written.
    """
    path = home / FILE_NAME
    fresh = path.with_name(f"{FILE_NAME}.new")
    try:
        text = json.dumps({name: asdict(plan) for name, plan in sorted(plans.items())}, indent=1)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InfrastructureError(
            f"cannot write {path}: {error.strerror}; no experiment runs without its stored plan"
        ) from error


def planned(home: Path, experiments: Iterable[LiveExperiment]) -> list[LiveExperiment]:
    """The experiments, held against their stored plans, which give arms that are not declared.

    Raises:
        UserError: one was changed after its first exposure.
        DataError: the stored plans cannot be read.
    """
    declared = list(experiments)
    plans = load(home) if declared else {}
    refuse_changed(declared, plans)
    return [
        replace(each, arms=dict(plans[each.name].arms))
        if not each.arms and each.name in plans
        else each
        for each in declared
    ]


def refuse_changed(experiments: Iterable[LiveExperiment], plans: Mapping[str, StoredPlan]) -> None:
    """Hold declarations against the plans of experiments that somebody was exposed to.

    Raises:
        UserError: one differs in more than a later end; the text names the differences.
    """
    for each in experiments:
        plan = plans.get(each.name)
        if plan is None or not plan.exposed:
            continue
        now = each.as_plan()
        differences = [
            f"{key} was {plan.declared.get(key)!r} and is {now[key]!r}"
            for key in now
            if now[key] != plan.declared.get(key)
            and not (key == "end" and now[key] > str(plan.declared.get(key)))
        ]
        # The order of arms counts: in it they take the customers.
        if not differences and list(now["arms"]) != list(plan.declared.get("arms", ())):
            differences = ["the order of its arms is another"]
        if differences:
            raise UserError(
                f"experiment {each.name!r} was changed after its first exposure: "
                f"{'; '.join(differences)}; put it back, or end it and declare another one"
            )
