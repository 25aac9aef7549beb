"""Item2vec: products near one another in people's sequences lie near one another in space.

Belongs here: the model. Does not belong here: the solver (library `gensim`), or the embeddings that
the feature store keeps (`transforms/embeddings.py`).
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.histories import Histories, Products
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.popularity_fallback import popular_last
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
from persona_assets.recommenders.vector_scores import by_factor, vector_scores
from persona_assets.tables import Table
from persona_assets.tables.models import ITEM2VEC_MODEL

LONGEST_SENTENCE = 10_000
"""gensim silently drops what comes after so many words of a sentence."""
_SEED_RANGE = 2**32  # of NumPy's and gensim's generators


@dataclass(frozen=True)
class Item2VecConfig(Config):
    """Configuration of `Item2Vec`.

    Attributes:
        factors: length of the vectors.
        window: products to either side that a product predicts.
        epochs: passes over the sequences.
        negative: products drawn at random per pair.
        learning_rate: step of the stochastic gradient at first; it falls to almost 0. Sequences
            are few beside the sentences that the library's .025 suits.
        negative_exponent: exponent of popularity by which they are drawn; .5 and below suited shops
            better than the .75 of texts (Caselles-Dupré, Lesaint and Royo-Letelier 2018,
            "Word2vec applied to recommendation: hyperparameters matter").
        subsampling: share of all interactions from which on a product is skipped at random, the
            more the more frequent it is; 0: none is.
        min_count: people who must have interacted with a product for it to have a vector.
        history_decay: what each earlier instant of the history counts, the next one counting 1.
        emphasis: exponent of the event weight in the history.
    """

    factors: int = 64
    window: int = 5
    epochs: int = 10
    negative: int = 5
    learning_rate: float = 0.05
    negative_exponent: float = may_be_zero(0.5)
    subsampling: float = may_be_zero(0.0)
    min_count: int = 2
    history_decay: float = 0.5
    emphasis: float = may_be_zero(0.5)


@dataclass(frozen=True)
class Item2Vec(Recommender):
    """Item2vec: score(u, j) = Σ_i w_ui v_i · c_j / Σ_i w_ui over the history of u.

    v_i · c_j is the log-odds that the network gives to j near i, against a product drawn at random:
    the product's own vector with the other's *context* vector, which tells what follows what, not
    what resembles what (Nalisnick, Mitra, Craswell and Caruana 2016, "Improving document ranking
    with dual word embeddings"). w_ui = history_decay^age · weight^emphasis.

    Skip-gram with negative sampling, people as sentences and products as words (Barkan and
    Koenigstein 2016, "Item2vec: neural item embedding for collaborative filtering"). What was
    interacted with at the same instant has no order: it is shuffled by the seed. One thread, so
    that the same input and seed give the same vectors. Time is in proportion to interactions ·
    window · negative · epochs: about two minutes for a million interactions.
    """

    config: Item2VecConfig = field(default_factory=Item2VecConfig)
    name: ClassVar[str] = "item2vec"
    artefact: ClassVar[Table] = ITEM2VEC_MODEL
    folds_in: ClassVar[bool] = True
    needs_history: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "learning_rate": (0.05, 0.025, 0.1),
        "history_decay": (0.5, 0.3, 0.7, 0.85, 1.0),
        "emphasis": (0.5, 0.0, 1.0),
        "negative_exponent": (0.5, 0.0, 0.75),
        "window": (5, 2, 15),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset({"history_decay", "emphasis"})

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/item2vec_model` without their cut-off; see `Recommender.fit`."""
        log = known.sequences
        vectors, contexts = self._vectors(log)
        return pl.DataFrame(
            {
                "product_id": log.products,
                "vector": pl.Series(vectors).arr.to_list(),
                "context": pl.Series(contexts).arr.to_list(),
                "users": log.popularity.astype(np.float64),
            }
        )

    def _vectors(self, log: Sequences) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both (products × factors), zeros for products that too few people interacted with."""
        config = self.config
        vectors = np.zeros((len(log.products), config.factors), dtype=np.float32)
        contexts = vectors.copy()
        if log.popularity.max() < config.min_count:
            return vectors, contexts
        from gensim.models import Word2Vec  # 1 s to import

        trained = Word2Vec(
            sentences=_sentences(log, config.seed),
            vector_size=config.factors,
            window=config.window,
            min_count=config.min_count,
            sg=1,
            hs=0,
            negative=config.negative,
            ns_exponent=config.negative_exponent,
            sample=config.subsampling,
            epochs=config.epochs,
            alpha=config.learning_rate,
            seed=config.seed % _SEED_RANGE,
            workers=1,
            hashfxn=_hash,
        )
        codes = np.array([int(word) for word in trained.wv.index_to_key])
        vectors[codes], contexts[codes] = trained.wv.vectors, trained.syn1neg
        return vectors, contexts

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """See the class; people without history get the popular products.

        Products that too few people interacted with come after the others in the order of
        popularity.
        """
        from scipy.sparse import csr_matrix

        config = self.config
        learned = one_training(artefact, self.artefact).sort("product_id")
        products, users_of = Products(learned["product_id"]), learned["users"].to_numpy()
        vectors, contexts = _dense(learned["vector"]), _dense(learned["context"])
        known, columns = contexts.any(axis=1), by_factor(contexts)

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            history = histories.sequences(users, products)
            weights = config.history_decay**history.ages * history.strengths**config.emphasis
            weighted = csr_matrix(
                (weights, history.items, history.starts), shape=(len(users), len(products))
            )
            total = np.maximum(weighted.sum(axis=1).A1, _LEAST_WEIGHT)
            people = (weighted @ vectors / total[:, None]).astype(np.float32)
            speaks = people.any(axis=1)

            def scores_of(block: slice) -> NDArray[np.floating[Any]]:
                odds = vector_scores(people[block], columns)
                positive = odds - odds.min(axis=1, initial=0, keepdims=True) + 1
                return popular_last(np.where(known & speaks[block, None], positive, 0), users_of)

            return Scorer(products.ids, scores_of)

        return scorer


_LEAST_WEIGHT = 1e-300
"""Against 0 / 0 for people without history."""


def _sentences(log: Sequences, seed: int) -> list[list[str]]:
    """Each user's product codes in order, as words, cut where gensim would drop the rest."""
    shuffle = np.random.default_rng(seed).random(len(log.items))
    order = np.lexsort((shuffle, log.positions, log.owners))
    words = log.items[order].astype(str).tolist()
    return [
        words[first : min(first + LONGEST_SENTENCE, end)]
        for start, end in zip(log.starts[:-1].tolist(), log.starts[1:].tolist(), strict=True)
        for first in range(start, end, LONGEST_SENTENCE)
    ]


def _dense(vectors: pl.Series) -> NDArray[np.float32]:
    """Lists of equal length as a (rows × factors) array."""
    dense: NDArray[np.float32] = vectors.explode().to_numpy().reshape(len(vectors), -1)
    return dense


def _hash(text: str) -> int:
    """Gensim seeds with a hash of texts; Python's own differs from process to process."""
    return zlib.crc32(text.encode())
