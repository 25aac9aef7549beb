"""Trained models other than the champion, to compare lists with.

Belongs here: loading one when it is asked for. Does not belong here: what serves
(`served_model.py`), or who may ask (`serving/api/`).
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import polars as pl

from persona_assets.errors import UserError
from persona_assets.lake import DeltaStore
from persona_assets.recommenders import MODELS
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.serving.recommending.recommender import Recommender
from persona_assets.serving.recommending.served_model import ServedModel, load_training
from persona_assets.tables.models import REGISTRY

KEPT = 2
"""Models that stay in memory: each holds everybody's history."""


@dataclass
class OtherModels:
    """Models by name, each of the champion's cut-off.

    Attributes:
        store: the lake.
        exclude: the rule of lists.
        recommender: of the champion, whose cut-off and state count.
    """

    store: DeltaStore
    exclude: Exclusion
    recommender: Recommender
    _loaded: OrderedDict[str, ServedModel] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def names(self) -> list[str]:
        """Models that were trained with the champion."""
        return [name for name in MODELS if name in set(self._trainings()["model"])]

    def loaded(self, name: str) -> ServedModel | None:
        """The model of this name, if asking it takes no time.

        Raises:
            NotReadyError: nothing serves yet.
        """
        champion = self.recommender.served
        if name == champion.name:
            return champion
        held = self._loaded.get(name)
        return held if held is not None and held.state == champion.state else None

    def named(self, name: str) -> ServedModel:
        """The model of this name, with the history and catalogue that serve now.

        It may take seconds at the first call, and after the lake has changed.

        Raises:
            UserError: there is none.
            NotReadyError: nothing serves yet.
            DataError: its artefact is not there.
        """
        champion = self.recommender.served
        if name == champion.name:
            return champion
        with self._lock:
            held = self._loaded.get(name)
            if held is None or held.state != champion.state:
                rows = self._trainings().filter(pl.col("model") == name)
                if rows.is_empty():
                    raise UserError(
                        f"no such model was trained for {champion.cutoff}; "
                        f"use one of {', '.join(self.names())}"
                    )
                row = rows.row(0, named=True)
                held = load_training(self.store, row, self.exclude, champion.state)
                self._loaded[name] = held
            self._loaded.move_to_end(name)
            while len(self._loaded) > KEPT:
                self._loaded.popitem(last=False)
            return held

    def _trainings(self) -> pl.DataFrame:
        rows = self.store.read(REGISTRY, [self.recommender.served.cutoff])
        return rows.filter(pl.col("not_trained").is_null() & pl.col("model").is_in(list(MODELS)))
