"""Labelled examples joined to what was known on the eve of each label.

Belongs here: choosing positives and negatives and the point-in-time join. Does not belong here:
computing the features (`snapshots.py`) or training on them (`recommenders/`).
"""

from datetime import UTC, date, datetime, timedelta

import narwhals as nw
import polars as pl

from persona_assets.tables.feature_store import (
    ITEM_FEATURE_NAMES,
    TRAINING_SET,
    USER_FEATURE_NAMES,
)
from persona_assets.transforms.engine import to_engine

LABEL_DAYS = 7
"""Days of labels before the cut-off: as many as models are evaluated on after it."""

NEGATIVES = 2
"""Negatives per positive. He et al., "Neural Collaborative Filtering" (2017), section 4.1, find 3
to 6 best for their ranker; none is trained on this table yet, and each costs a row of features."""

_PRIME = (1 << 31) - 1
_MULTIPLIER = 48_271
"""Park and Miller's revised minimal standard generator, modulo the prime above."""


def training_set(
    interactions: nw.LazyFrame,
    user_features: nw.LazyFrame,
    item_features: nw.LazyFrame,
    *,
    cutoff: date,
    seed: int,
) -> nw.LazyFrame:
    """Positives and sampled negatives of the week before the cut-off, with features of the eve.

    Positives are the products that a user interacted with with positive weight on a day. For each
    of them, `NEGATIVES` products are sampled that were on sale on the eve (had an event in the 30
    days before) and that the user did not interact with that day; fewer only where the shop has no
    more.

    Sampling: each day's products are put into a pseudo-random circular order, and each user takes
    the negatives from a pseudo-random place on. Everything is integer arithmetic, so both
    engines sample the same.

    Args:
        interactions: rows of `mart/user_item_interactions`; only those of the `LABEL_DAYS` days
            before the cut-off that arrived before it are used.
        user_features: rows of `feature_store/user_features` of the eves (cut-off less 8 to 2 days).
        item_features: rows of `feature_store/item_features` of the same days.
        cutoff: Monday before which everything must have happened and arrived.
        seed: chooses the sample.

    Returns:
        Rows of `feature_store/training_set`.
    """
    start = datetime(cutoff.year, cutoff.month, cutoff.day, tzinfo=UTC)
    known = interactions.filter(
        nw.col("event_ts") < start,
        nw.col("arrived_at") < start,
        nw.col("event_date") >= cutoff - timedelta(days=LABEL_DAYS),
        nw.col("event_date") < cutoff,
    )
    interacted = (
        known.group_by("user_id", "product_id", "event_date")
        .agg(weight=nw.col("weight").max())
        .rename({"event_date": "label_date"})
    )
    eves = to_engine(interactions, _eves(cutoff))
    on_sale = item_features.join(eves, on="as_of", how="inner").select("label_date", "product_id")
    columns = ["label_date", "user_id", "product_id", "label", "weight"]
    positives = interacted.filter(nw.col("weight") > 0).with_columns(label=nw.lit(1))
    negatives = _negatives(interacted, on_sale, seed).with_columns(
        label=nw.lit(0), weight=nw.lit(0.0)
    )
    examples = nw.concat([positives.select(columns), negatives.select(columns)], how="vertical")
    return (
        examples.join(eves, on="label_date", how="inner")
        .join(
            _prefixed(user_features, "user", "user_id", USER_FEATURE_NAMES),
            on=["as_of", "user_id"],
            how="left",
        )
        .join(
            _prefixed(item_features, "item", "product_id", ITEM_FEATURE_NAMES),
            on=["as_of", "product_id"],
            how="left",
        )
        .with_columns(cutoff=nw.lit(cutoff), label=nw.col("label").cast(nw.Int64))
        .select(c.name for c in TRAINING_SET.columns)
    )


def _negatives(interacted: nw.LazyFrame, on_sale: nw.LazyFrame, seed: int) -> nw.LazyFrame:
    """Up to `NEGATIVES` products without interaction per positive (label_date, user_id, …)."""
    circle = (
        on_sale.with_columns(_row=_row_number("product_id").over("label_date"))
        .with_columns(_key=_scramble(nw.col("_row"), seed))
        # The scrambled numbers differ for all rows below the prime, so their order has no ties.
        .with_columns(_place=_row_number("_key").over("label_date") - 1)
    )
    sizes = circle.group_by("label_date").agg(_size=nw.len().cast(nw.Int64))
    user_day = ["label_date", "user_id"]
    people = (
        interacted.group_by(*user_day)
        .agg(_wanted=(nw.col("weight") > 0).cast(nw.Int64).sum() * NEGATIVES)
        .join(sizes, on="label_date", how="inner")
        .with_columns(_row=_row_number("user_id").over("label_date"))
        .with_columns(_start=_scramble(nw.col("_row"), seed + 1))
    )
    # A user who interacted with t products needs at most (NEGATIVES + 1) · t places to find
    # NEGATIVES · t untouched ones.
    turns = to_engine(interacted, pl.DataFrame({"_turn": range(NEGATIVES + 1)}))
    draws = (
        interacted.with_columns(_nth=_row_number("product_id").over(*user_day) - 1)
        .select(*user_day, "_nth")
        .join(turns, how="cross")
        .with_columns(_draw=nw.col("_nth") * (NEGATIVES + 1) + nw.col("_turn"))
        .join(people, on=user_day, how="inner")
        .filter(nw.col("_draw") < nw.col("_size"))
        .with_columns(_place=(nw.col("_start") + nw.col("_draw")) % nw.col("_size"))
    )
    drawn = draws.join(
        circle.select("label_date", "_place", "product_id"),
        on=["label_date", "_place"],
        how="inner",
    ).join(interacted, on=[*user_day, "product_id"], how="anti")
    return drawn.with_columns(_found=_row_number("_draw").over(*user_day)).filter(
        nw.col("_found") <= nw.col("_wanted")
    )


def _row_number(column: str) -> nw.Expr:
    """1, 2, 3, … in the order of `column`, to be taken over groups in which it is unique."""
    return nw.col(column).rank("ordinal")


def _scramble(number: nw.Expr, seed: int) -> nw.Expr:
    """A pseudo-random permutation of 0 … 2³¹ − 2, chosen by `seed`.

    One step of a linear congruential generator, then the fifth power: 5 does not divide p − 1, so
    x ↦ x⁵ is a permutation modulo p that destroys the generator's lattice. No product exceeds 2⁶².
    """
    x = (number.cast(nw.Int64) * _MULTIPLIER + seed % _PRIME * 69_621) % _PRIME
    square = x * x % _PRIME
    return square * square % _PRIME * x % _PRIME


def _eves(cutoff: date) -> pl.DataFrame:
    """Each label day with its eve, the day whose snapshot is joined to it."""
    labels = [cutoff - timedelta(days=back) for back in range(LABEL_DAYS, 0, -1)]
    return pl.DataFrame(
        {"label_date": labels, "as_of": [day - timedelta(days=1) for day in labels]}
    )


def _prefixed(
    features: nw.LazyFrame, prefix: str, entity: str, names: tuple[str, ...]
) -> nw.LazyFrame:
    return features.select(
        "as_of", entity, *(nw.col(name).alias(f"{prefix}_{name}") for name in names)
    )
