"""The registry tells what a step has read, whatever is written meanwhile."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from persona_assets.definitions import HOME
from persona_assets.orchestration.assets import models as asset_module
from persona_assets.orchestration.partitions import days_of
from persona_assets.recommenders import MODELS
from persona_assets.tables import mart, models
from persona_assets.tables.customer_features import CUSTOMER_FEATURES
from persona_assets.tables.segmentation import SEGMENTATION_MODEL

WEEKLY = HOME.calendar.weekly


def test_hashes_are_of_the_versions_that_the_commit_names_though_a_newer_one_was_written(
    open_graph: Callable[..., Any],
    copy_tables: Callable[..., None],
    whole: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = WEEKLY.get_partition_keys()[-1]
    graph = open_graph()
    popularity = MODELS["popularity"].artefact
    artefacts = [model.artefact.path for model in MODELS.values()]
    read = (mart.USER_ITEM_INTERACTIONS, CUSTOMER_FEATURES, SEGMENTATION_MODEL)
    copy_tables(whole.store, graph, *(table.path for table in read), *artefacts)
    version = graph.store.version(popularity)
    in_use = asset_module.models_in_use

    def while_a_model_is_emptied(*resources: Any) -> Any:
        graph.store.overwrite(popularity, popularity.empty(), partitions=days_of([key]))
        return in_use(*resources)

    monkeypatch.setattr(asset_module, "models_in_use", while_a_model_is_emptied)
    graph.run("weekly_training", key, assets=["models/registry"])

    assert graph.store.version(popularity) > version
    inputs = json.loads(str(graph.store.history(models.REGISTRY, 1)[0]["persona/inputs"]))
    assert inputs[popularity.path] == version
    row = graph.store.read(models.REGISTRY).filter(model="popularity").row(0, named=True)
    assert row["artefact_hash"] == whole.hashes[popularity.path][key]
