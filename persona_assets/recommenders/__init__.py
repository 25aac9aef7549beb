"""Recommenders: interactions in, artefact out, ranked lists from the artefact.

A new model is one file beside this one and one entry in `MODELS`.
"""

from persona_assets.errors import UserError
from persona_assets.recommenders.als import ALS
from persona_assets.recommenders.blend import Blend
from persona_assets.recommenders.bpr import BPR
from persona_assets.recommenders.content import Content
from persona_assets.recommenders.directional import Directional
from persona_assets.recommenders.ease import EASE
from persona_assets.recommenders.item2vec import Item2Vec
from persona_assets.recommenders.item_knn import ItemKNN
from persona_assets.recommenders.popularity import Popularity
from persona_assets.recommenders.protocol import Recommender
from persona_assets.recommenders.recent_popularity import RecentPopularity
from persona_assets.recommenders.segment_popularity import (
    CustomerSegmentPopularity,
    SegmentPopularity,
)
from persona_assets.recommenders.session_knn import SessionKNN
from persona_assets.recommenders.two_stage import TwoStage
from persona_assets.recommenders.user_knn import UserKNN

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
