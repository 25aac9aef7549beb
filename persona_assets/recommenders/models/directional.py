"""Directional co-occurrence: what people chose after, and shortly before, each product.

Belongs here: the model. Does not belong here: counting (`pair_counts.py`) or the layout of its
artefact (`neighbours.py`).
"""

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from persona_assets.recommenders.histories import Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.neighbours import Neighbours, strongest
from persona_assets.recommenders.pair_weight import PairWeight
from persona_assets.recommenders.protocol import (
    Config,
    Loaded,
    Recommender,
    SideInformation,
    Space,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.recommenders.sequences import Sequences
from persona_assets.tables import Table
from persona_assets.tables.models import DIRECTIONAL_MODEL


@dataclass(frozen=True)
class DirectionalConfig(Config):
    """Configuration of `Directional`.

    Attributes:
        forward_decay: see `PairWeight`, as the next five.
        backward_share: what the product just before counts, the one just after counting 1.
        backward_decay: how fast what came before counts less with distance.
        time_decay: exponent of the time between two products; 0: time does not matter.
        time_unit_hours: time between at which that factor has fallen to 2^−time_decay [h].
        window: products to either side that are counted.
        neighbours: pairs kept per product.
        history_decay: what each earlier instant of the history counts, the next one counting 1.
        emphasis: exponent of the event weight in the history; 0: a view counts like a purchase.
        source_damping: exponent by which frequent products of the history count less.
        source_shrinkage: users added to a product's frequency there.
        target_damping: exponent by which frequent products are recommended less.
        revisit: see `Neighbours.scorer`.
        discover: see `Neighbours.scorer`.
    """

    forward_decay: float = may_be_zero(0.5)
    backward_share: float = may_be_zero(0.35)
    backward_decay: float = may_be_zero(1.6)
    time_decay: float = may_be_zero(0.0)
    time_unit_hours: float = 1.0
    window: int = 50
    neighbours: int = 1_000
    history_decay: float = 0.5
    emphasis: float = may_be_zero(1.0)
    source_damping: float = may_be_zero(0.3)
    source_shrinkage: float = may_be_zero(20.0)
    target_damping: float = may_be_zero(0.1)
    revisit: float = may_be_zero(0.0)
    discover: bool = False

    @property
    def pair_weight(self) -> PairWeight:
        """What a pair of a sequence counts."""
        return PairWeight(
            self.forward_decay,
            self.backward_share,
            self.backward_decay,
            self.time_decay,
            self.time_unit_hours,
            self.window,
        )


@dataclass(frozen=True)
class Directional(Recommender):
    """Directional co-occurrence: products that follow one another, near in order and in time.

    score(u, j) = (pop_j + 1)^−τ Σ_i w_ui · (pop_i + s)^−σ · c_ij over the history of u, where
    c sums `PairWeight` over all sequences and w_ui = history_decay^age · weight^emphasis. It takes
    time and memory in proportion to the pairs within the window.
    """

    config: DirectionalConfig = field(default_factory=DirectionalConfig)
    name: ClassVar[str] = "directional"
    artefact: ClassVar[Table] = DIRECTIONAL_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "time_decay": (0.0, 0.5, 1.0, 1.7),
        "history_decay": (0.5, 0.3, 0.7, 0.85, 1.0),
        "emphasis": (1.0, 0.0, 0.5, 1.5),
        "discover": (False, True),
        "revisit": (0.0, 0.3, 1.0),
        "source_damping": (0.3, 0.0, 0.15, 0.5, 0.7),
        "forward_decay": (0.5, 0.2, 0.8, 1.2),
        "backward_share": (0.35, 0.0, 0.7, 1.0),
        "backward_decay": (1.6, 0.5, 1.0),
        "target_damping": (0.1, 0.0, 0.2, 0.35),
        "source_shrinkage": (20.0, 5.0, 0.0),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset(
        {
            "history_decay",
            "emphasis",
            "source_damping",
            "source_shrinkage",
            "target_damping",
            "revisit",
            "discover",
        }
    )

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/directional_model` without their cut-off; see `Recommender.fit`."""
        log = known.sequences
        return self.learned_from(log).to_artefact()

    def learned_from(self, log: Sequences) -> Neighbours:
        """What `fit` lays out as a table."""
        from persona_assets.recommenders.pair_counts import pair_counts

        counts = pair_counts(log, self.config.pair_weight)
        return Neighbours(
            log.products,
            log.popularity.astype(float),
            strongest(counts, self.config.neighbours),
        )

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; people without history get the popular products."""
        learned = Neighbours.from_artefact(artefact, self.artefact)
        products = Products(learned.products)
        return lambda users, histories: self.scorer_of(
            learned, histories.sequences(users, products)
        )

    def scorer_of(self, learned: Neighbours, history: Sequences) -> Scorer:
        """The scores of the history's users, its product codes being those of what was learned."""
        config = self.config
        damped = (learned.popularity + config.source_shrinkage) ** -config.source_damping
        weights = (
            config.history_decay**history.ages
            * history.strengths**config.emphasis
            * damped[history.items]
        )
        return learned.scorer(
            history,
            weights,
            revisit=config.revisit,
            discover=config.discover,
            target=(learned.popularity + 1) ** -config.target_damping,
        )
