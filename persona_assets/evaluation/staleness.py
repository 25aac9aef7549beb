"""`evaluation/staleness`: what metrics lose when the lists of an older training are served.

Belongs here: one evaluated week, with the lists of several cut-offs. Does not belong here:
evaluating a cut-off by its own lists (`offline.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.calendar import EVALUATED_DAYS
from persona_assets.errors import InsufficientDataError
from persona_assets.evaluation.comparison import NOTHING_EVALUATED
from persona_assets.evaluation.hits import Pairs, hits_of_lists, pairs_of
from persona_assets.evaluation.lists import Lists, lists_of, numbers
from persona_assets.evaluation.metrics import METRICS, PRIMARY, PRIMARY_K
from persona_assets.evaluation.relevance import relevant_items
from persona_assets.recommenders.exclusion import Exclusion, excluded_pairs
from persona_assets.statistics.intervals import difference_interval, mean_interval
from persona_assets.tables.evaluation import STALENESS
from persona_assets.transforms.history import known_before

AGES = 4
"""Oldest lists that are evaluated, in weeks from training to the end of the evaluated week: a shop
that trains less than monthly does not plan by weeks."""

_AGES = range(1, AGES + 1)

WEEKS = 8
"""Evaluated weeks, the newest: two months show the trend, and reading lists is what takes time."""

RANKS_READ = 30
"""Ranks that are read. Ten are evaluated; the others move up for what a user has met since."""

MEASURED = ((PRIMARY, PRIMARY_K), ("recall", PRIMARY_K), ("hit_rate", PRIMARY_K))

ListsAt = Callable[[date], pl.DataFrame]
"""Rows of `recommendations/top_k` of a cut-off, up to rank `RANKS_READ`."""


def metrics_by_training_age(
    cutoffs: Sequence[date],
    lists_at: ListsAt,
    interactions: pl.DataFrame,
    *,
    exclude: Exclusion,
) -> pl.DataFrame:
    """Evaluate each of the newest weeks by the lists of its own cut-off and of those before.

    Lists of all ages are evaluated on the same users and the same truth: that of the week's own
    cut-off, for users who were known at the oldest. From older lists, what the rule excludes by
    now is taken out, as serving would, and what follows moves up. So a change with age is due to
    the age of the training alone.

    Args:
        cutoffs: that have been evaluated, in any order.
        lists_at: gives the lists of one of them; asked once for each.
        interactions: rows of `mart/user_item_interactions` that cover all this time.
        exclude: the rule that the lists were made with.

    Returns:
        rows of `evaluation/staleness`, sorted by its key: ages from 1, the week's own training.

    Raises:
        InsufficientDataError: no week has been evaluated.
    """
    if not cutoffs:
        raise InsufficientDataError(NOTHING_EVALUATED)
    weeks = sorted(cutoffs)[-WEEKS:]
    trained = sorted(cutoffs)[-(WEEKS + AGES - 1) :]
    users = interactions["user_id"].unique().sort()
    held: dict[date, _Trained] = {}
    tables = [STALENESS.empty()]
    for cutoff in trained:
        rows = lists_at(cutoff).filter(pl.col("rank") <= RANKS_READ)
        held[cutoff] = _trained(rows, interactions, users)
        of_age = {age: cutoff - timedelta(days=EVALUATED_DAYS * (age - 1)) for age in _AGES}
        ages = {age: held[week] for age, week in of_age.items() if week in held}
        if cutoff in weeks:
            oldest = of_age[max(ages)]
            then = known_before(interactions, oldest).select("user_id").unique()
            truth = relevant_items(interactions, cutoff=cutoff, exclude=exclude)
            gone = excluded_pairs(interactions, cutoff=cutoff, exclude=exclude)
            tables.append(_of_week(cutoff, ages, truth.join(then, on="user_id", how="semi"), gone))
        held.pop(of_age[AGES], None)
    return pl.concat(tables).sort(STALENESS.key)


@dataclass(frozen=True)
class _Trained:
    """The lists of one cut-off: per model, a row per user who ever did anything."""

    users: pl.Series
    products: pl.Series
    lists: Mapping[str, Lists]


def _trained(rows: pl.DataFrame, interactions: pl.DataFrame, users: pl.Series) -> _Trained:
    products = (
        pl.concat([interactions["product_id"].unique(), rows["product_id"].unique()])
        .unique()
        .sort()
    )
    nobody = np.zeros(len(users), dtype=np.bool_)
    return _Trained(
        users,
        products,
        {
            str(model): lists_of(of_model, users, products, needed=nobody)
            for (model,), of_model in rows.partition_by("model", as_dict=True).items()
        },
    )


def _of_week(
    cutoff: date,
    ages: Mapping[int, _Trained],
    truth: pl.DataFrame,
    gone: pl.DataFrame,
) -> pl.DataFrame:
    models = sorted(set.intersection(*(set(trained.lists) for trained in ages.values())))
    if truth.is_empty() or not models:
        return STALENESS.empty()
    evaluated = truth["user_id"].unique().sort()
    values = {
        age: _values_by_model(trained, models, evaluated, truth, gone)
        for age, trained in ages.items()
    }
    names = [(model, age, metric, k) for age in ages for model in models for metric, k in MEASURED]
    together = np.hstack(list(values.values()))
    observed = together.mean(axis=0)
    # Column of the same model and metric at age 1.
    own = np.array([names.index((model, 1, metric, k)) for model, _, metric, k in names])
    low, high = mean_interval(together)
    change_low, change_high = difference_interval(together - together[:, own])
    same = own == np.arange(len(names))
    # Lists of age 1 do not differ from themselves, for certain.
    change_low, change_high = np.where(same, 0.0, change_low), np.where(same, 0.0, change_high)
    return (
        pl.DataFrame(names, schema=["model", "age_weeks", "metric", "k"], orient="row")
        .with_columns(
            cutoff=pl.lit(cutoff, dtype=pl.Date()),
            value=pl.Series(observed),
            low=pl.Series(low),
            high=pl.Series(high),
            change=pl.Series(observed - observed[own]),
            change_low=pl.Series(change_low),
            change_high=pl.Series(change_high),
            users=pl.lit(len(evaluated)),
        )
        .select(STALENESS.polars_schema.names())
        .cast(STALENESS.polars_schema)
    )


def _values_by_model(
    trained: _Trained,
    models: Sequence[str],
    evaluated: pl.Series,
    truth: pl.DataFrame,
    gone: pl.DataFrame,
) -> NDArray[np.float64]:
    """Users × (model, metric)."""
    rows = numbers(evaluated, trained.users)
    relevant = pairs_of(truth, evaluated, trained.products)
    away = _known_pairs(gone, evaluated, trained.products)
    depth = max(k for _, k in MEASURED)
    columns = []
    for model in models:
        hits = hits_of_lists(without(trained.lists[model].of(rows), away), relevant, depth=depth)
        columns += [METRICS[metric](hits, k) for metric, k in MEASURED]
    return np.column_stack(columns)


def without(lists: Lists, gone: Pairs) -> Lists:
    """Lists without some products, the rest moved up.

    Args:
        lists: a row per user.
        gone: row and number of each product to take out.
    """
    users, length = lists.products.shape
    taken = np.zeros(lists.products.shape, dtype=np.bool_)
    if len(gone[0]) and length:
        span = max(int(lists.products.max()), int(gone[1].max())) + 1
        keys = np.arange(users)[:, None] * span + lists.products
        out = np.sort(gone[0] * span + gone[1])
        found = out[np.minimum(np.searchsorted(out, keys), len(out) - 1)] == keys
        taken = found & (lists.products >= 0)
    order = np.argsort(taken | (lists.products < 0), axis=1, kind="stable")
    left = np.take_along_axis(~taken, order, axis=1)
    return Lists(
        np.where(left, np.take_along_axis(lists.products, order, axis=1), -1),
        np.where(left, np.take_along_axis(lists.scores, order, axis=1), np.nan),
        lists.own,
    )


def _known_pairs(pairs: pl.DataFrame, users: pl.Series, products: pl.Series) -> Pairs:
    rows, columns = numbers(pairs["user_id"], users), numbers(pairs["product_id"], products)
    known = (rows >= 0) & (columns >= 0)
    return rows[known], columns[known]
