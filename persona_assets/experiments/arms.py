"""The arms of an experiment: the champion against those that might take its place.

Belongs here: which model is in which arm. Does not belong here: who is in which arm
(`assignment.py`).
"""

import polars as pl

from persona_assets.errors import InsufficientDataError
from persona_assets.evaluation.metrics import PRIMARY, PRIMARY_K
from persona_assets.evaluation.oracle import ORACLE
from persona_assets.tables.experiments import ARMS, CONTROL


def competing_arms(champion: str, comparison: pl.DataFrame) -> dict[str, str]:
    """Control is the champion, challengers are the best others by nDCG@10.

    Args:
        champion: name of the model that serves.
        comparison: rows of `evaluation/model_comparison`.

    Returns:
        Model by arm, in the order of `ARMS`; without the second challenger where there is none.

    Raises:
        InsufficientDataError: the champion was not evaluated in that week, or it alone was.
    """
    evaluated = comparison.filter(
        pl.col("metric") == PRIMARY, pl.col("k") == PRIMARY_K, pl.col("model") != ORACLE
    ).sort("value", "model", descending=[True, False])
    names = evaluated["model"].to_list()
    others = [name for name in names if name != champion]
    if champion not in names or not others:
        raise InsufficientDataError(
            f"an experiment needs the champion, {champion}, as control, and another model, and "
            f"evaluated were {', '.join(names) or 'none'}"
        )
    return {CONTROL: champion} | dict(zip(ARMS[1:], others, strict=False))
