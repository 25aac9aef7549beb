"""Recommenders: interactions in, artefact out, ranked lists from the artefact.

A new model is one file in `models/` and one entry in `MODELS`.
"""

from persona_assets.errors import UserError
from persona_assets.recommenders.models.als import ALS
from persona_assets.recommenders.models.blend import Blend
from persona_assets.recommenders.models.bpr import BPR
from persona_assets.recommenders.models.content import Content
from persona_assets.recommenders.models.directional import Directional
from persona_assets.recommenders.models.ease import EASE
from persona_assets.recommenders.models.item2vec import Item2Vec
from persona_assets.recommenders.models.item_knn import ItemKNN
from persona_assets.recommenders.models.popularity import Popularity
from persona_assets.recommenders.models.recent_popularity import RecentPopularity
from persona_assets.recommenders.models.segment_popularity import (
    CustomerSegmentPopularity,
    SegmentPopularity,
)
from persona_assets.recommenders.models.session_knn import SessionKNN
from persona_assets.recommenders.models.two_stage import TwoStage
from persona_assets.recommenders.models.user_knn import UserKNN
from persona_assets.recommenders.protocol import Recommender

MODELS: dict[str, Recommender] = {
    "popularity": Popularity(),
    "als": ALS(),
    "bpr": BPR(),
    "directional": Directional(),
    "recent_popularity": RecentPopularity(),
    "segment_popularity": SegmentPopularity(),
    "customer_segment_popularity": CustomerSegmentPopularity(),
    "item_knn": ItemKNN(),
    "ease": EASE(),
    "session_knn": SessionKNN(),
    "item2vec": Item2Vec(),
    "content": Content(),
    "user_knn": UserKNN(),
    "two_stage": TwoStage(),
    "blend": Blend(),
}


def model_named(name: str) -> Recommender:
    """The recommender called `name`, with its default configuration.

    Raises:
        UserError: no recommender has this name; the text lists those that exist.
    """
    if name not in MODELS:
        raise UserError(f"no recommender is called {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]


__all__ = ["MODELS", "Recommender", "model"]
