"""Small configurations for `persona demo`: the same models, in the time that a first look may take.

Belongs here: the sizes. Does not belong here: anything that changes what a model is; where a
configuration in use is kept (`configurations.py`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from persona_assets.lake import DeltaStore
from persona_assets.lifecycle.configurations import in_use, use
from persona_assets.recommenders import MODELS

_NEAR: Mapping[str, Any] = {"window": 10, "neighbours": 50}
_FACTORS: Mapping[str, Any] = {"factors": 32, "iterations": 5}
DEMO_SIZES: Mapping[str, Mapping[str, Any]] = {
    "directional": _NEAR,
    "user_knn": _NEAR,
    "item_knn": {"neighbours": 50, "longest": 100},
    "session_knn": {"recent": 200, "neighbours": 100, "longest": 20},
    "ease": {"neighbours": 50, "longest": 100},
    "item2vec": {"factors": 32, "epochs": 2},
    "blend": {"directional": _NEAR, "user_knn": _NEAR, "als": _FACTORS},
    "two_stage": {
        "directional": _NEAR,
        "user_knn": _NEAR,
        "als": _FACTORS,
        "candidates": 20,
        "snapshots": 1,
        "lists": 500,
        "rounds": 20,
    },
}
"""Fields that differ from the default, by model: shorter looks back, fewer neighbours, fewer
rounds. `persona models` shows them; `persona promote MODEL --default` takes them back."""


def use_demo_sizes(store: DeltaStore, *, now: datetime) -> None:
    """Put the small configurations to use, in a lake where nobody has decided on any yet.

    Args:
        store: the lake.
        now: when it was decided, in UTC.
    """
    if in_use(store):
        return
    for name, changes in DEMO_SIZES.items():
        use(store, name, MODELS[name].configured(**changes).config.to_json(), now=now)
