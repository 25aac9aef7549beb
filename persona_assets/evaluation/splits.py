"""Splits: the interactions that a model learns from, may look at, and is evaluated on.

Belongs here: the ways to hold interactions out of one log. Does not belong here: the weekly replay
of the graph, where partitions are the split (`relevance.py`), or evaluating (`hits.py`).

Every split is nested: test is held out of everything, validation of what is left, in the same way.
Products that a user interacted with before are no discoveries: they are left out of lists and
truth, but for the funnel, which leaves out what has reached the target.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from persona_assets.errors import DataError

PAIR = ["user_id", "product_id"]


@dataclass(frozen=True)
class Split:
    """One question to a model.

    Attributes:
        train: rows to learn from.
        history: rows known when the lists are made; those of `train`, and maybe more.
        truth: `user_id, product_id`, each pair once: what the lists should have held. A column
            `kind` divides the pairs into kinds that are evaluated apart as well.
        excluded: `user_id, product_id`: what lists leave out; none of them is in `truth`.
    """

    train: pl.DataFrame
    history: pl.DataFrame
    truth: pl.DataFrame
    excluded: pl.DataFrame


@dataclass(frozen=True)
class Splits:
    """Parameters are chosen on `validation`; the result is that of `test` or of `refit`.

    Attributes:
        validation: learn from what is older than validation, evaluate on validation.
        test: learn from the same, look at validation too, evaluate on test.
        refit: learn from everything but test, evaluate on test.
        horizon: how long an evaluated window is, where it is one of time.
    """

    validation: Split
    test: Split
    refit: Split
    horizon: timedelta | None = None


def leave_one_out(rows: pl.DataFrame) -> Splits:
    """Each user's last product is test, the last but one validation.

    A product counts where the user first interacted with it. Users with fewer than three products
    are only learned from.

    Args:
        rows: interactions with `user_id`, `product_id`, `event_ts`, `weight` and maybe more, all
            of which count as interactions. Of products first interacted with at the same instant
            the one whose identifier comes last is held out: give identifiers that mean nothing
            (`evaluation/benchmark/canonical_labels.py`).

    Raises:
        DataError: no user has three products.
    """
    firsts = rows.sort("event_ts", *PAIR).unique(PAIR, keep="first", maintain_order=True)
    from_end = pl.int_range(pl.len(), 0, -1).over("user_id")
    counted = firsts.with_columns(from_end=from_end, products=pl.len().over("user_id"))
    enough = pl.col("products") >= 3
    held = {
        place: counted.filter(enough, pl.col("from_end") == place).select(PAIR) for place in (1, 2)
    }
    if held[1].is_empty():
        raise DataError(
            "leave-one-out: no user interacted with three different products; choose another "
            "protocol or give longer histories"
        )
    known = rows.join(held[1], on=PAIR, how="anti")
    train = known.join(held[2], on=PAIR, how="anti")
    return _nested(train, known, held[2], held[1])


def leave_last_basket(rows: pl.DataFrame) -> Splits:
    """Each user's products first seen at their last instant are test, those before it validation.

    Users with fewer than three such instants are only learned from.

    Raises:
        DataError: no user has three baskets.
    """
    firsts = rows.group_by(PAIR).agg(pl.col("event_ts").min())
    place = pl.col("event_ts").rank("dense", descending=True).over("user_id")
    counted = firsts.with_columns(from_end=place).with_columns(
        baskets=pl.col("from_end").max().over("user_id")
    )
    enough = pl.col("baskets") >= 3
    held = {
        place: counted.filter(enough, pl.col("from_end") == place).select(PAIR) for place in (1, 2)
    }
    if held[1].is_empty():
        raise DataError(
            "leave-last-basket: no user interacted with something new at three different "
            "instants; choose another protocol or give longer histories"
        )
    known = rows.join(held[1], on=PAIR, how="anti")
    return _nested(known.join(held[2], on=PAIR, how="anti"), known, held[2], held[1])


def _nested(
    train: pl.DataFrame, known: pl.DataFrame, validation: pl.DataFrame, test: pl.DataFrame
) -> Splits:
    """Splits where everything held out is a discovery."""
    seen_then, seen = train.select(PAIR).unique(), known.select(PAIR).unique()
    return Splits(
        validation=Split(train, train, validation, seen_then),
        test=Split(train, known, test, seen),
        refit=Split(known, known, test, seen),
    )


TEST_SHARE = 0.1
"""Share of the rows in each held-out window of `temporal`: enough users to tell models apart, and
most of the time left to learn from."""


def temporal(rows: pl.DataFrame, *, share: float = TEST_SHARE) -> Splits:
    """One instant for everyone: the newest rows are test, those before them validation.

    Truth is what users known before a window discover in it. Strangers of the window are not
    evaluated.

    Args:
        rows: see `leave_one_out`.
        share: of the rows in each of the two windows.

    Raises:
        DataError: nobody known before a window discovers anything in it.
    """
    times = rows["event_ts"].sort()
    test_from: datetime = times[int(len(times) * (1 - share))]
    validation_from: datetime = times[int(len(times) * (1 - 2 * share))]

    validation = window(rows, validation_from, test_from)
    test = window(rows, test_from, None)
    return Splits(
        validation=validation,
        test=replace(test, train=validation.train),
        refit=test,
        horizon=test_from - validation_from,
    )


def window(rows: pl.DataFrame, begin: datetime, end: datetime | None) -> Split:
    """What users known before `begin` discover from then on and before `end`.

    Raises:
        DataError: nobody known before it discovers anything in it.
    """
    history = rows.filter(pl.col("event_ts") < begin)
    later = rows.filter(pl.col("event_ts") >= begin)
    if end is not None:
        later = later.filter(pl.col("event_ts") < end)
    seen = history.select(PAIR).unique()
    truth = (
        later.select(PAIR)
        .unique()
        .join(history.select("user_id").unique(), on="user_id", how="semi")
        .join(seen, on=PAIR, how="anti")
    )
    if truth.is_empty():
        raise DataError(
            f"temporal split: nobody known before {begin} interacted with anything new from then "
            "on; choose another protocol or give a longer log"
        )
    return Split(history, history, truth, seen)


def user_split(rows: pl.DataFrame, *, share: float = TEST_SHARE) -> Splits:
    """Other people altogether: of users never learned from, the last product is to be told.

    Users whose identifier comes first are test, the next ones validation: give identifiers that
    mean nothing. Their histories without the last product are looked at, never learned from.

    Raises:
        DataError: no held-out user has two products.
    """
    users = rows["user_id"].unique().sort()
    size = max(1, int(len(users) * share))
    groups = [users.head(size), users.slice(size, size), users.slice(2 * size)]
    train = rows.filter(pl.col("user_id").is_in(groups[2].implode()))

    def evaluated(group: pl.Series, learned: pl.DataFrame) -> Split:
        theirs = rows.filter(pl.col("user_id").is_in(group.implode()))
        firsts = theirs.sort("event_ts", *PAIR).unique(PAIR, keep="first", maintain_order=True)
        last = firsts.filter(pl.len().over("user_id") > 1).group_by("user_id").last().select(PAIR)
        if last.is_empty():
            raise DataError(
                "user split: no held-out user interacted with two products; choose another "
                "protocol or give longer histories"
            )
        history = theirs.join(last, on=PAIR, how="anti")
        return Split(learned, history, last, history.select(PAIR).unique())

    more = rows.filter(~pl.col("user_id").is_in(groups[0].implode()))
    return Splits(
        evaluated(groups[1], train), evaluated(groups[0], train), evaluated(groups[0], more)
    )


def funnel(rows: pl.DataFrame, *, target: str, test: pl.DataFrame | None = None) -> Splits:
    """Each user's last product to reach the target event (a purchase) is told from the rest.

    All rows of the held-out pair are taken away, its views and carts included (which would tell it
    outright), and everything of the user after its target event. What else was interacted with
    before, or at the same instant (the rest of a basket), stays. Lists leave out what has reached
    the target before.

    Args:
        rows: see `leave_one_out`, with `event_type`.
        target: the event that counts.
        test: `user_id, product_id` held out elsewhere, whose rows are not among `rows`; None: the
            last one of each user in `rows`.

    Raises:
        DataError: no row is of the target event, or nothing is left to validate on.
    """
    if rows.filter(event_type=target).is_empty():
        kinds = ", ".join(rows["event_type"].unique().sort())
        raise DataError(
            f"funnel: no row has the event {target!r}; those there are: {kinds}; choose one by "
            "--target"
        )
    if test is None:
        known, test = _without_last(rows, target)
    else:
        known = rows
        test = test.select(PAIR).unique().with_columns(kind=pl.lit(None, dtype=pl.String()))
    train, validation = _without_last(known, target)
    reached_before = pl.Series(test["user_id"]).is_in(_users_at(known, target).implode())
    if reached_before.all():
        # Test asks about buyers only, so validation must: others are harder to tell.
        validation = validation.filter(pl.col("user_id").is_in(_users_at(train, target).implode()))
    if validation.is_empty() or test.is_empty():
        raise DataError(
            f"funnel: too few users reached {target!r} more than once, so that there is nothing to "
            "choose parameters by; give more rows, or choose another --target"
        )
    return Splits(
        validation=_question(train, train, validation, target),
        test=_question(train, known, test, target),
        refit=_question(known, known, test, target),
    )


def _users_at(rows: pl.DataFrame, target: str) -> pl.Series:
    return rows.filter(event_type=target)["user_id"].unique()


def _without_last(rows: pl.DataFrame, target: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows up to each user's last discovery at the target, without that pair's; and these pairs.

    A pair's `kind` tells whether it completes a basket, of which something else is known, or is a
    later step by itself.
    """
    reached = rows.filter(event_type=target).group_by(PAIR).agg(at=pl.col("event_ts").min())
    last = (
        reached.with_columns(together=pl.len().over("user_id", "at"))
        .sort("at", *PAIR)
        .group_by("user_id")
        .last()
        .with_columns(
            kind=pl.when(pl.col("together") > 1)
            .then(pl.lit("basket_completion"))
            .otherwise(pl.lit("later"))
        )
    )
    kept = (
        rows.join(last.select("user_id", "at"), on="user_id", how="left")
        .filter(pl.col("at").is_null() | (pl.col("event_ts") <= pl.col("at")))
        .join(last, on=PAIR, how="anti")
        .select(rows.columns)
    )
    # Somebody of whom nothing is left cannot be asked anything.
    asked = last.select(*PAIR, "kind").join(
        kept.select("user_id").unique(), on="user_id", how="semi"
    )
    return kept, asked


def _question(
    train: pl.DataFrame, history: pl.DataFrame, truth: pl.DataFrame, target: str
) -> Split:
    reached = history.filter(event_type=target).select(PAIR).unique()
    return Split(train, history, truth.join(reached, on=PAIR, how="anti"), reached)


PROTOCOLS: dict[str, Callable[..., Splits]] = {
    "leave_one_out": leave_one_out,
    "temporal": temporal,
    "funnel": funnel,
    "leave_last_basket": leave_last_basket,
    "user_split": user_split,
}
"""Every split by its name in commands."""
