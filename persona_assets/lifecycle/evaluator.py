"""A model's lists for one week, and their metrics per user.

Belongs here: training once, listing, and the metrics that choices are made by. Does not belong
here: the metrics themselves (`evaluation/metrics.py`) or the choice (`search.py`, `gate.py`).
"""

import json
from dataclasses import asdict, dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.evaluation.hits import hit_matrix
from persona_assets.evaluation.metrics import METRICS, PRIMARY, PRIMARY_K
from persona_assets.lifecycle.validation import Week
from persona_assets.recommenders.protocol import (
    NO_HISTORY,
    NO_SIDE_INFORMATION,
    Recommender,
    SideInformation,
)
from persona_assets.recommenders.top_k import of_model
from persona_assets.statistics.intervals import difference_interval, mean_interval
from persona_assets.tables.models import FALLBACK_USER

K = PRIMARY_K
"""A page of results: the length of lists at which choices are made, as in the report's plots."""
LISTED = 20
"""Length of the lists. Beyond K only to see whether the last shown ties with what follows."""
MEASURED = (PRIMARY, "recall")
"""Metrics of a trial; the first decides."""
KEPT_BYTES = 1_000_000_000
"""Artefacts kept for trials that need no further training; one more would crowd small machines."""


@dataclass
class Evaluator:
    """Trains and evaluates configurations of models on one week.

    Attributes:
        week: what to learn from and to be evaluated on.
        side_information: user and item features that models may use.
    """

    week: Week
    side_information: SideInformation = NO_SIDE_INFORMATION
    _artefacts: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    def lists(self, model: Recommender, *, everyone: bool = False) -> pl.DataFrame:
        """Rows of `recommendations/top_k` for the evaluated users and people without history.

        Args:
            model: configured.
            everyone: for all users known before the week rather than the evaluated ones.

        Raises:
            DataError: the model cannot learn from what is known.
        """
        import scipy.linalg  # noqa: F401 - a limit binds only the BLAS libraries that are loaded
        from threadpoolctl import threadpool_limits

        known = self.week.known["user_id"].unique().sort().to_list()
        # One thread, as in the weekly graph: with more, last digits depend on the machine.
        with threadpool_limits(limits=1, user_api="blas"):
            ranked = model.recommend(
                self.artefact(model),
                [FALLBACK_USER, *(known if everyone else self.week.users)],
                k=LISTED,
                excluded=self.week.excluded,
                # As in `recommenders.top_k`: some models can use histories but do without them.
                histories=self.week.histories if model.needs_history else NO_HISTORY,
            )
        return of_model(ranked, model, self.week.cutoff)

    def artefact(self, model: Recommender) -> pl.DataFrame:
        """What `model` learns before the week; not learned again for fields that only score."""
        key = _fit_key(model)
        learned = self._artefacts.pop(key, None)
        if learned is None:
            learned = model.fit(self.week.interactions, side_information=self.side_information)
        self._artefacts[key] = learned  # the one used last stands last
        while len(self._artefacts) > 1 and _size(self._artefacts) > KEPT_BYTES:
            del self._artefacts[next(iter(self._artefacts))]
        return learned

    def values(self, model: Recommender) -> NDArray[np.float64]:
        """Users of the week, in the order of `user_id` × `MEASURED`; see `lists`."""
        return values_of(self.lists(model), self.week)


def values_of(lists: pl.DataFrame, week: Week) -> NDArray[np.float64]:
    """Users of the week, in the order of `user_id` × `MEASURED`.

    Args:
        lists: rows of `recommendations/top_k` of one model and the week's cut-off.
        week: the truth.

    Raises:
        DataError: a list holds a product or a rank twice.
    """
    hits = hit_matrix(lists.filter(pl.col("rank") <= LISTED), week.relevant, depth=K)
    return np.column_stack([METRICS[name](hits, K) for name in MEASURED])


def interval(values: NDArray[np.float64], *, paired: bool = False) -> tuple[float, float, float]:
    """Mean over users with the ends of its 95 % interval.

    Args:
        values: (users,)
        paired: are they differences between two models on the same users.
    """
    low, high = (difference_interval if paired else mean_interval)(values[:, None])
    return float(values.mean()), float(low[0]), float(high[0])


def _fit_key(model: Recommender) -> str:
    learned_from = {
        name: value
        for name, value in asdict(model.config).items()
        if name not in model.scoring_only
    }
    return json.dumps([model.name, learned_from], sort_keys=True)


def _size(artefacts: dict[str, pl.DataFrame]) -> int:
    return int(sum(frame.estimated_size() for frame in artefacts.values()))
