"""Simulated exposures: every user sees the list of one arm for a week, clicks and buys.

Belongs here: drawing impressions, clicks and orders from a model of response. Does not belong
here: where responses come from (`response.py`, `fitted_response.py`) or what the numbers prove
(`analysis.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b

import numpy as np
import polars as pl

from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.experiments.assignment import assign, equal_shares
from persona_assets.experiments.response import VISITS, Floats, ResponseModel
from persona_assets.tables import TABLES
from persona_assets.tables.models import FALLBACK_USER


def simulate(
    top_k: pl.DataFrame,
    response: ResponseModel,
    prices: pl.DataFrame,
    *,
    experiment: str,
    cutoff: date,
    arms: Mapping[str, str],
    seed: int,
    shown: int = 10,
) -> pl.DataFrame:
    """Simulate one week of an experiment, user by user.

    Everyone for whom some model has a list of their own takes part, in equal shares; whoever is
    unknown to the arm's model sees its list for people without history. On each of `VISITS` visits
    the user examines rank r with probability 1 / log2(r + 1), the discount of nDCG, clicks an
    examined product with its probability of a click (the examination hypothesis: Richardson,
    Dominowska and Ragno 2007), and buys one piece of a clicked product with its probability of an
    order.

    A user's draws depend on the seed, the experiment and the user alone, never on the arm or on
    other users.

    Args:
        top_k: rows of recommendations/top_k.
        response: probabilities of response.
        prices: `product_id` and `price` (see `prices.price_list`).
        experiment: name of the experiment; salts assignment and draws.
        cutoff: cut-off of the lists that are shown.
        arms: model by arm; `control` is among them.
        seed: seed of clicks and orders.
        shown: length of the list on the page.

    Returns:
        Rows of experiments/ab_test_simulation, sorted by user. Revenue is null for everybody where
        a product that is shown has no price.

    Raises:
        InsufficientDataError: no model has a list for anybody.
        DataError: a model has no list for somebody.
    """
    lists = shown_lists(top_k, arms, cutoff=cutoff, shown=shown)
    users = participants(lists, arms)
    assigned = pl.DataFrame(
        {
            "user_id": users,
            "arm": assign(users.to_list(), experiment=experiment, arms=equal_shares(list(arms))),
        }
    ).with_columns(model=pl.col("arm").replace_strict(dict(arms), return_dtype=pl.String))
    exposures = exposures_of(assigned, lists, prices, cutoff=cutoff)
    p_click, p_order = response.probabilities(exposures)
    priced = _priced(exposures)
    examination = examined(exposures)
    uniform = _uniforms(users.to_list(), f"{experiment}/{seed}", (VISITS, shown, 2))
    # One row of draws per exposure: the user's, at the rank of the product.
    drawn = uniform[exposures["user_at"].to_numpy(), :, exposures["rank"].to_numpy() - 1]
    clicked = drawn[:, :, 0] < (p_click * examination)[:, None]
    ordered = clicked & (drawn[:, :, 1] < p_order[:, None])
    return (
        exposures.with_columns(
            clicks=pl.Series(clicked.sum(axis=1)).cast(pl.Int64),
            orders=pl.Series(ordered.sum(axis=1)).cast(pl.Int64),
        )
        .group_by("user_id", "arm", "model", maintain_order=True)
        .agg(
            (pl.len() * VISITS).cast(pl.Int64).alias("impressions"),
            pl.col("clicks", "orders").sum(),
            # One order of unknown amount, and nobody's sum can be compared with another's.
            revenue=pl.when(priced).then((pl.col("orders") * pl.col("price")).sum()),
        )
        .with_columns(
            experiment=pl.lit(experiment),
            cutoff=pl.lit(cutoff),
            responses=pl.lit(response.label),
        )
        .select(TABLES["experiments/ab_test_simulation"].polars_schema.names())
    )


def planted_effects(
    top_k: pl.DataFrame,
    response: ResponseModel,
    prices: pl.DataFrame,
    *,
    experiment: str,
    cutoff: date,
    arms: Mapping[str, str],
    shown: int = 10,
) -> pl.DataFrame:
    """What `simulate` draws from: the expected value of every metric, were everybody in each arm.

    Exposures are drawn independently. So a user's orders from exposure i on one visit have
    probability q_i = p_click · p_examine · p_order, and the user converts with 1 − Π (1 − q_i)^V
    in V visits.

    Args:
        top_k: as for `simulate`, like everything else.
        response: probabilities of response.
        prices: `product_id` and `price`.
        experiment: name of the experiment.
        cutoff: cut-off of the lists that are shown.
        arms: model by arm.
        shown: length of the list on the page.

    Returns:
        Rows of experiments/planted_effects; revenue only where all products shown have a price.

    Raises:
        InsufficientDataError: no model has a list for anybody.
        DataError: a model has no list for somebody.
    """
    lists = shown_lists(top_k, arms, cutoff=cutoff, shown=shown)
    users = participants(lists, arms)
    rows = []
    for arm, model in arms.items():
        everybody = pl.DataFrame({"user_id": users}).with_columns(
            arm=pl.lit(arm), model=pl.lit(model)
        )
        exposures = exposures_of(everybody, lists, prices, cutoff=cutoff)
        p_click, p_order = response.probabilities(exposures)
        clicked = p_click * examined(exposures)
        expected = exposures.select(
            "user_at",
            clicked=pl.Series(clicked) * VISITS,
            unmoved=pl.Series((1 - clicked * p_order) ** VISITS),
            revenue=pl.Series(clicked * p_order) * VISITS * pl.col("price"),
        )
        by_user = expected.group_by("user_at", maintain_order=True).agg(
            pl.col("unmoved").product(), pl.col("revenue").sum()
        )
        values = {
            "ctr": expected["clicked"].sum() / (VISITS * exposures.height),
            "conversion": 1 - by_user["unmoved"].sum() / by_user.height,
        }
        if _priced(exposures):
            values["revenue_per_user"] = by_user["revenue"].sum() / by_user.height
        rows += [
            (experiment, cutoff, arm, model, metric, value, len(users), response.label)
            for metric, value in values.items()
        ]
    return pl.DataFrame(
        rows, schema=TABLES["experiments/planted_effects"].polars_schema, orient="row"
    )


def shown_lists(
    top_k: pl.DataFrame, arms: Mapping[str, str], *, cutoff: date, shown: int
) -> pl.DataFrame:
    """The part of the lists of the arms' models that fits the page."""
    return top_k.filter(
        (pl.col("cutoff") == cutoff)
        & pl.col("model").is_in(list(arms.values()))
        & (pl.col("rank") <= shown)
    ).select("model", "user_id", "rank", "product_id")


def participants(lists: pl.DataFrame, arms: Mapping[str, str]) -> pl.Series:
    """Everyone for whom some model has a list of their own."""
    users = lists.filter(pl.col("user_id") != FALLBACK_USER)["user_id"].unique().sort()
    if users.is_empty():
        raise InsufficientDataError(
            f"recommendations/top_k has no user's list of {', '.join(sorted(set(arms.values())))}"
        )
    return users


def examined(exposures: pl.DataFrame) -> Floats:
    """Probability that a shown product is looked at: the discount of nDCG."""
    probability: Floats = 1 / np.log2(exposures["rank"].to_numpy() + 1)
    return probability


def _priced(exposures: pl.DataFrame) -> bool:
    return bool((exposures["price"] >= 0).fill_null(False).all())


def exposures_of(
    assigned: pl.DataFrame, lists: pl.DataFrame, prices: pl.DataFrame, *, cutoff: date
) -> pl.DataFrame:
    """One row per user and shown product, sorted by user and rank; `user_at` counts users."""
    owners = lists.select("model", "user_id", listed_as="user_id").unique()
    shown_as = (
        assigned.with_row_index("user_at")
        .join(owners, on=["model", "user_id"], how="left")
        .with_columns(pl.col("listed_as").fill_null(FALLBACK_USER))
    )
    exposures = shown_as.join(
        lists.rename({"user_id": "listed_as"}), on=["model", "listed_as"], how="left"
    ).join(prices.select("product_id", "price"), on="product_id", how="left")
    listless = exposures.filter(pl.col("product_id").is_null())
    if listless.height:
        raise DataError(
            f"recommendations/top_k: model {listless['model'][0]!r} at cutoff {cutoff} has neither "
            f"a list of their own nor a list {FALLBACK_USER!r} for {listless.height} users; "
            "materialize top_k of that cutoff again."
        )
    return exposures.sort("user_at", "rank")


def _uniforms(user_ids: Sequence[str], salt: str, shape: tuple[int, ...]) -> Floats:
    """Uniform numbers, (users × shape), each user's from a generator of their own."""
    key = blake2b(salt.encode()).digest()
    return np.stack(
        [
            np.random.Generator(
                np.random.Philox(
                    key=int.from_bytes(
                        blake2b(user_id.encode(), key=key, digest_size=16).digest(), "big"
                    )
                )
            ).random(shape)
            for user_id in user_ids
        ]
    )
