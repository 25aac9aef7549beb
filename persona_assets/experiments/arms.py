"""The arms of an experiment, of which only those with a trained model can take part.

Belongs here: which arms there are. Does not belong here: who is in which (`assignment.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from persona_assets.errors import InsufficientDataError
from persona_assets.skipped import Skipped

CONTROL = "control"


def trained_arms(
    arms: Mapping[str, str], untrained: Sequence[Skipped], cutoff: date
) -> tuple[dict[str, str], list[Skipped]]:
    """The arms whose model has lists at `cutoff`, and why the others have none.

    Args:
        arms: model by arm; `control` is among them.
        untrained: what recommendations/top_k lacks: its parts are models.
        cutoff: of the lists.

    Raises:
        InsufficientDataError: the model of control is not trained, or that of no other arm is.
    """
    reasons = {each.part: each for each in untrained if each.partition == cutoff}
    left = {arm: model for arm, model in arms.items() if model not in reasons}
    missing = [
        replace(reasons[model], partition=None) for model in arms.values() if model in reasons
    ]
    if CONTROL not in left or len(left) < 2:
        raise InsufficientDataError(
            "an experiment needs control and another arm, and of their models are not trained: "
            + "; ".join(f"{each.part}, because {each.reason}" for each in missing)
        )
    return left, missing
