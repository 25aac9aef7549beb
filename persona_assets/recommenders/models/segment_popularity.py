"""Segment popularity: what is popular within a country, or within a customer segment.

Belongs here: the models. Does not belong here: where the attributes come from
(`protocol.SideInformation`) or popularity without them (`popularity.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.recommenders.artefact import one_training
from persona_assets.recommenders.histories import Histories
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import (
    CUSTOMER_SEGMENT,
    Config,
    Loaded,
    Recommender,
    SideInformation,
    SideTable,
    Space,
    may_be_zero,
)
from persona_assets.recommenders.ranking import Scorer
from persona_assets.tables import Table
from persona_assets.tables.models import (
    CUSTOMER_SEGMENT_POPULARITY_MODEL,
    EVERY_SEGMENT,
    SEGMENT_POPULARITY_MODEL,
)


@dataclass(frozen=True)
class SegmentPopularityConfig(Config):
    """Configuration of `SegmentPopularity`.

    Attributes:
        segment: column of `side_information.users` whose values are the segments.
        half_life_days: age at which an interaction counts half [d].
        shrinkage: weight that the overall popularity has in a segment, in the unit of the
            segment's own weight; 0: only people of the segment count, others break ties.
    """

    segment: str = "country"
    half_life_days: float = 14.0
    shrinkage: float = may_be_zero(100.0)


@dataclass(frozen=True)
class SegmentPopularity(Recommender):
    """Time-decayed popularity within a person's segment, shrunk to that of all people.

    score(i | s) = (w_si + κ · p_i) / (W_s + κ), w_si the decayed weight of the segment's rows of i,
    W_s their sum over products, and p_i the share of i in the decayed weight of everyone: the
    posterior mean of the segment's shares under a Dirichlet prior κ · p. People whose segment is
    not known, or interacted with nothing, get p. Time and memory are in proportion to the rows; the
    artefact has at most segments × products + users rows.
    """

    config: SegmentPopularityConfig = field(default_factory=SegmentPopularityConfig)
    name: ClassVar[str] = "segment_popularity"
    artefact: ClassVar[Table] = SEGMENT_POPULARITY_MODEL
    needs_side_information: ClassVar[frozenset[SideTable]] = frozenset({"users"})
    space: ClassVar[Space] = {
        "half_life_days": (14.0, 2.0, 7.0, 60.0, 365.0),
        "shrinkage": (100.0, 0.0, 10.0, 1_000.0),
    }
    scoring_only: ClassVar[frozenset[str]] = frozenset({"shrinkage"})

    def _learn(self, known: Interactions, side_information: SideInformation) -> pl.DataFrame:
        """Rows of `models/segment_popularity_model` without their cut-off; see `Recommender.fit`.

        Raises:
            InsufficientDataError: nothing is known at the cut-off, or nobody's segment is.
            DataError: `side_information.users` lacks the segment's column.
        """
        from scipy.sparse import csr_matrix

        segments = self._segments(side_information)
        matrix = known.matrix(self.config.half_life_days)
        names = segments["segment"].unique().sort()
        own = (
            matrix.users.alias("user_id")
            .to_frame()
            .join(segments, on="user_id", how="left", maintain_order="left")["segment"]
        )
        told = np.flatnonzero(own.is_not_null().to_numpy())
        codes = own.gather(told).cast(pl.Enum(names)).to_physical().to_numpy()
        member = csr_matrix(
            (np.ones(len(told)), (codes, told)), shape=(len(names), len(matrix.users))
        )
        within = (member @ matrix.weights).tocoo()
        parts = (
            _rows("product", matrix.products, EVERY_SEGMENT, matrix.weights.sum(axis=0).A1),
            _rows("product", matrix.products.gather(within.col), names.gather(within.row),
                  within.data),
            _rows("user", segments["user_id"], segments["segment"], 0.0),
        )  # fmt: skip
        return pl.concat(parts)

    def _segments(self, side_information: SideInformation) -> pl.DataFrame:
        """`user_id, segment` of the people whose segment is known, each once, sorted."""
        column = self.config.segment
        if side_information.users is None:
            raise InsufficientDataError(f"nothing is known of people, and so nobody's {column}")
        if column not in side_information.users.columns:
            raise DataError(
                f"{self.name} needs column {column!r} of the people's attributes, which are "
                f"{', '.join(side_information.users.columns)}; pass side information with it "
                f"({_WHENCE}) or set another `segment`"
            )
        known = side_information.users.select(
            "user_id", pl.col(column).cast(pl.String()).alias("segment")
        )
        # A segment called like the one of everybody would be mixed up with it.
        known = known.drop_nulls().filter(pl.col("segment") != EVERY_SEGMENT)
        if known.is_empty():
            raise InsufficientDataError(f"nobody's {column.replace('_', ' ')} is known")
        return known.sort("user_id", "segment").unique("user_id", keep="first").sort("user_id")

    def load(self, artefact: pl.DataFrame) -> Loaded:
        """The shares of each person's segment; see `Recommender.load`."""
        rows = one_training(artefact, self.artefact)
        products = rows.filter(
            pl.col("entity") == "product", pl.col("segment") == EVERY_SEGMENT
        ).sort("id")
        share = products["score"].to_numpy()
        # Everything has faded to 0 where the newest row is many half-lives old.
        share = share / (share.sum() or 1.0)
        within = rows.filter(pl.col("entity") == "product", pl.col("segment") != EVERY_SEGMENT)
        names = within["segment"].unique().sort()
        weights = np.zeros((len(names), len(share)))
        weights[
            within["segment"].cast(pl.Enum(names)).to_physical().to_numpy(),
            within["id"].cast(pl.Enum(products["id"])).to_physical().to_numpy(),
        ] = within["score"].to_numpy()
        # A weight that shrinks nothing but still orders what nobody of the segment interacted with.
        prior = max(self.config.shrinkage, _SLIGHTEST_PRIOR)
        segments = (weights + prior * share) / (weights.sum(axis=1, keepdims=True) + prior)
        table = np.vstack([segments, share])
        segment_of = _segments(rows, names)
        of_all = len(names)

        def scorer(users: Sequence[str], histories: Histories) -> Scorer:
            row_of = np.array([segment_of.get(user, of_all) for user in users], dtype=np.int64)
            return Scorer(products["id"], lambda block: table[row_of[block]])

        return scorer


@dataclass(frozen=True)
class CustomerSegmentPopularityConfig(SegmentPopularityConfig):
    """Configuration of `CustomerSegmentPopularity`; see `SegmentPopularityConfig`."""

    segment: str = CUSTOMER_SEGMENT


@dataclass(frozen=True)
class CustomerSegmentPopularity(SegmentPopularity):
    """Time-decayed popularity within a customer's segment, shrunk to that of all people.

    Segments are those of `segmentation/customer_segments` at the same cut-off; the rest is as in
    `SegmentPopularity`. Who bought nothing in the year before has no segment and gets the
    popularity of all.
    """

    config: CustomerSegmentPopularityConfig = field(default_factory=CustomerSegmentPopularityConfig)
    name: ClassVar[str] = "customer_segment_popularity"
    artefact: ClassVar[Table] = CUSTOMER_SEGMENT_POPULARITY_MODEL
    needs_side_information: ClassVar[frozenset[SideTable]] = frozenset({"customer_segments"})


_WHENCE = "attributes are in raw/users, segments in segmentation/customer_segments of the cut-off"
_SLIGHTEST_PRIOR = 1e-9


def _segments(rows: pl.DataFrame, names: pl.Series) -> dict[str, int]:
    """`user_id` → number of the user's segment among `names`, of those who have one there."""
    own = rows.filter(pl.col("entity") == "user").select(user_id="id", segment="segment")
    number = names.alias("segment").to_frame().with_row_index("number")
    return dict(own.join(number, on="segment").select("user_id", "number").iter_rows())


def _rows(
    entity: str, ids: pl.Series, segment: pl.Series | str, score: NDArray[np.float64] | float
) -> pl.DataFrame:
    """Rows of one kind, without the cut-off."""
    return (
        ids.alias("id")
        .to_frame()
        .select(
            pl.lit(entity).alias("entity"),
            "id",
            pl.lit(segment).alias("segment"),
            pl.lit(pl.Series(score) if isinstance(score, np.ndarray) else score).alias("score"),
        )
    )
