"""Recommenders: interactions in, artefact out, ranked lists from the artefact.

A new model is one file beside this one and one entry in `MODELS`.
"""

from persona_assets.errors import UserError
from persona_assets.recommenders.als import ALS
from persona_assets.recommenders.bpr import BPR
from persona_assets.recommenders.popularity import Popularity
from persona_assets.recommenders.protocol import Recommender

MODELS: dict[str, Recommender] = {
    "popularity": Popularity(),
    "als": ALS(),
    "bpr": BPR(),
}


def model(name: str) -> Recommender:
    """The recommender called `name`, with its default configuration.

    Raises:
        UserError: no recommender has this name; the text lists those that exist.
    """
    if name not in MODELS:
        raise UserError(f"no recommender is called {name!r}; choose one of {', '.join(MODELS)}")
    return MODELS[name]


__all__ = ["MODELS", "Recommender", "model"]
