"""The models as a run trains and asks them: with the configurations promoted in its lake."""

import dagster as dg

from persona_assets.recommenders.protocol import Recommender
from persona_assets.tuning.configurations import configured_models
from persona_assets.tuning.validation import weekly_task


def models_in_use(context: dg.AssetExecutionContext) -> dict[str, Recommender]:
    """Every model with the configuration in use, told what weekly lists are judged by."""
    task = weekly_task(context.resources.shop.settings.exclude)
    return configured_models(context.resources.lake.store, task=task)
