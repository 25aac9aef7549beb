"""The models as a run trains and asks them: with the configurations promoted in its lake."""

import dagster as dg

from persona_assets.recommenders.protocol import Recommender, Task
from persona_assets.tuning.configurations import configured_models


def models_in_use(context: dg.AssetExecutionContext) -> dict[str, Recommender]:
    """Every model with the configuration in use, told what weekly lists are judged by."""
    unseen = context.resources.shop.settings.exclude == "seen"
    return configured_models(context.resources.lake.store, task=Task(unseen=unseen))
