"""How far the declared experiments of a home are.

Belongs here: users, days and verdict so far, from the tables. Does not belong here: making these
(`results.py`), printing (`cli/experiment_status.py`).
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.tables import Table
from persona_assets.tables.live_experiments import EXPOSURES, VERDICT

NOTHING_YET = "Nothing is known yet: nobody was served a list of it by the last `persona run`."


def status(store: DeltaStore, experiments: Sequence[LiveExperiment]) -> list[dict[str, Any]]:
    """One entry per experiment, as JSON has it.

    Args:
        store: the lake.
        experiments: as declared; arms that are left out as the stored plan has them.

    Returns:
        `experiment`, `start`, `end`, `through` (newest day that the tables know; None: none),
        `days`, `planned_days`, `users`, `planned_users`, `excluded_users`, `arms` (by arm `model`
        and `users`), `running` (None: not known), `decision` (None: none yet) and `verdict`.

    Raises:
        DataError: a table cannot be read.
    """
    exposed, verdicts = _held(store, EXPOSURES), _held(store, VERDICT)
    return [_of(each, exposed, verdicts) for each in experiments]


def _of(
    experiment: LiveExperiment, exposed: pl.DataFrame, verdicts: pl.DataFrame
) -> dict[str, Any]:
    alone = exposed.filter(pl.col("experiment") == experiment.name, pl.col("arms") == 1)
    users = dict(alone.group_by("arm").len().iter_rows())
    models = dict(experiment.arms) or dict.fromkeys(sorted(users))
    row = verdicts.filter(pl.col("experiment") == experiment.name)
    known = row.row(0, named=True) if row.height else {}
    through = known.get("through")
    return {
        "experiment": experiment.name,
        "start": experiment.start.isoformat(),
        "end": experiment.end.isoformat(),
        "through": through.isoformat() if through else None,
        "days": known.get("days", 0),
        "planned_days": experiment.days,
        "users": alone.height,
        "planned_users": experiment.users,
        "excluded_users": known.get("excluded_users", 0),
        "arms": {
            arm: {"model": models[arm], "users": users.get(arm, 0)}
            for arm in experiment.ordered(models)
        },
        "running": known.get("running"),
        "decision": known.get("decision"),
        "verdict": known.get("verdict", NOTHING_YET),
    }


def _held(store: DeltaStore, table: Table) -> pl.DataFrame:
    return store.read(table) if store.exists(table) else table.empty()
