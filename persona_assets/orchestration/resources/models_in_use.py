"""The models as a run trains and asks them: with the configurations promoted in its lake.

Belongs here: giving assets the models of their run. Does not belong here: which configuration is in
use (`lifecycle/configurations.py`).
"""

from persona_assets.lifecycle.configurations import configured_models, with_configuration_in_use
from persona_assets.lifecycle.validation import weekly_task
from persona_assets.orchestration.resources.lake import LakeIOManager
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.recommenders.protocol import Recommender


def models_in_use(lake: LakeIOManager, shop: ShopResource) -> dict[str, Recommender]:
    """Every model with the configuration in use, told how weekly lists are evaluated."""
    task = weekly_task(shop.settings.exclude)
    return configured_models(lake.store, task=task)


def model_in_use(lake: LakeIOManager, shop: ShopResource, default: Recommender) -> Recommender:
    """The model `default` as `models_in_use` gives it; other models are not looked at."""
    task = weekly_task(shop.settings.exclude)
    return with_configuration_in_use(lake.store, default).for_task(task)
