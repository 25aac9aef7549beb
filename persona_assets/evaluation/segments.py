"""`evaluation/segment_metrics`: every model's metrics within segments of users.

Belongs here: the segments of evaluated users and the metrics within each. Does not belong here:
finding segments of customers (`segmentation/`), or metrics over everyone (`offline.py`).

Segments are made of what was known at the cut-off, but for the price tier, which is of what the
user then went for.
"""

from collections.abc import Mapping

import narwhals as nw
import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from persona_assets.evaluation.evaluated_week import EvaluatedUsers, EvaluatedWeek
from persona_assets.evaluation.lists import numbers
from persona_assets.evaluation.metrics import PRIMARY, PRIMARY_K
from persona_assets.statistics.intervals import mean_interval
from persona_assets.tables.evaluation import SEGMENT_METRICS
from persona_assets.transforms.attribute_history import VALID_FROM, VALID_TO
from persona_assets.transforms.history import known_before
from persona_assets.transforms.pseudonyms import pseudonymise

MEASURED = ((PRIMARY, PRIMARY_K), ("recall", PRIMARY_K), ("hit_rate", PRIMARY_K))
"""Few metrics: what differs between segments shows in each of them."""

FEWEST = 30
"""Evaluated users from which a country stands for itself; a mean over fewer says little."""

TIERS = ("low", "medium", "high")
UNKNOWN, OTHER = "unknown", "other"
NONE = "none"
"""Segment of who bought nothing in the year before the cut-off."""

Segments = Mapping[str, NDArray[np.str_]]
"""Kind of segment → each user's segment of that kind."""


def countries(users: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Country of each user, under the keyed hash that the mart knows the user by.

    Args:
        users: rows of `raw/user_history`, or of `raw/users`.
        key: secret of the hash; see `transforms.pseudonyms`.

    Returns:
        `user_id, country`, and the dates of `users` if it has such.
    """
    named = nw.from_native(
        users.select(
            cs.by_name("user_id", "country", VALID_FROM, VALID_TO, require_all=False)
        ).lazy()
    )
    return pseudonymise(named, "user_id", key).collect("polars").to_native()


def segment_metrics(
    evaluated: EvaluatedWeek,
    interactions: pl.DataFrame,
    products: pl.DataFrame,
    countries: pl.DataFrame,
    customer_segments: pl.DataFrame,
) -> pl.DataFrame:
    """Evaluate every model within each segment of users.

    Kinds of segments: `known` (users known before the cut-off: `new` if seen on one day only, else
    `returning`; `cold` users were not known and get the list for people without history);
    `activity` (thirds of the known users by their rows before the cut-off); `country` (those with
    few evaluated users together as `other`); `customer_segment` (the segment's name; `none`: bought
    nothing in the year before); `price_tier` (thirds by the mean list price of the relevant
    products). Users with equal numbers are never parted, so thirds may differ in size.

    Args:
        evaluated: the week from the cut-off. The oracle is left out.
        interactions: rows of `mart/user_item_interactions`; rows that happened or arrived at or
            after the cut-off are not looked at.
        products: rows of `raw/product_history` as known at the cut-off.
        countries: `user_id, country` as known at the cut-off; see `countries`.
        customer_segments: rows of `segmentation/customer_segments`; those of other cut-offs than
            the evaluated one are not looked at.

    Returns:
        rows of `evaluation/segment_metrics`, sorted by its key.
    """
    warm = _segments(evaluated, interactions, products, countries, customer_segments)
    cold = {"known": np.full(len(evaluated.cold.rows), "cold")}
    rows = [
        *_rows(evaluated, evaluated.warm, warm),
        *_rows(evaluated, evaluated.cold, cold),
    ]
    return pl.DataFrame(rows, schema=SEGMENT_METRICS.polars_schema, orient="row").sort(
        SEGMENT_METRICS.key
    )


def thirds(values: NDArray[np.float64]) -> NDArray[np.str_]:
    """`low`, `medium` or `high` by the third in which a value lies, `unknown` for NaN."""
    tiers = np.full(len(values), UNKNOWN, dtype="<U7")
    given = ~np.isnan(values)
    if given.any():
        edges = np.quantile(values[given], [1 / 3, 2 / 3], method="inverted_cdf")
        tiers[given] = np.array(TIERS)[np.searchsorted(edges, values[given], side="left")]
    return tiers


def _segments(
    evaluated: EvaluatedWeek,
    interactions: pl.DataFrame,
    products: pl.DataFrame,
    countries: pl.DataFrame,
    customer_segments: pl.DataFrame,
) -> Segments:
    users = evaluated.users.gather(evaluated.warm.rows).alias("user_id").to_frame()
    history = (
        known_before(interactions, evaluated.cutoff)
        .group_by("user_id")
        .agg(events=pl.len(), days=pl.col("event_date").n_unique())
    )
    customers = customer_segments.filter(pl.col("cutoff") == evaluated.cutoff)
    of_user = (
        users.join(history, on="user_id", how="left")
        .join(countries.unique("user_id"), on="user_id", how="left")
        .join(customers.select("user_id", "name"), on="user_id", how="left")
        .sort("user_id")
    )
    country = of_user.select(
        pl.when(pl.col("country").is_null())
        .then(pl.lit(UNKNOWN))
        .when(pl.len().over("country") < FEWEST)
        .then(pl.lit(OTHER))
        .otherwise("country")
    )
    return {
        "known": np.where(of_user["days"].to_numpy() > 1, "returning", "new"),
        "activity": thirds(of_user["events"].cast(pl.Float64).to_numpy()),
        "country": country.to_series().to_numpy(),
        "customer_segment": of_user["name"].fill_null(NONE).to_numpy(),
        "price_tier": thirds(_mean_prices(evaluated, products)),
    }


def _mean_prices(evaluated: EvaluatedWeek, products: pl.DataFrame) -> NDArray[np.float64]:
    """Mean list price of each evaluated user's relevant products; NaN: none has a price."""
    priced = products.drop_nulls("price")
    price = np.full(len(evaluated.products), np.nan)
    place = numbers(priced["product_id"], evaluated.products)
    price[place[place >= 0]] = priced["price"].to_numpy()[place >= 0]
    rows, wanted = evaluated.warm.relevant
    given = ~np.isnan(price[wanted])
    users = len(evaluated.warm.rows)
    counts = np.bincount(rows[given], minlength=users)
    sums = np.bincount(rows[given], price[wanted][given], minlength=users)
    return np.where(counts > 0, sums / np.maximum(1, counts), np.nan)


def _rows(evaluated: EvaluatedWeek, group: EvaluatedUsers, segments: Segments) -> list[dict]:
    """Means of every model and metric within each segment, with intervals."""
    models = evaluated.rivals
    names = [(model, metric, k) for metric, k in MEASURED for model in models]
    if not names or not len(group.rows):
        return []
    kept = [list(group.values).index(model) for model in models]
    values = np.hstack([group.column(metric, k)[:, kept] for metric, k in MEASURED])
    rows = []
    for kind, of_user in segments.items():
        for segment in sorted(set(of_user.tolist())):
            mine = values[of_user == segment]
            low, high = mean_interval(mine)
            rows += [
                {
                    "cutoff": evaluated.cutoff,
                    "model": model,
                    "kind": kind,
                    "segment": segment,
                    "metric": metric,
                    "k": k,
                    "value": value,
                    "low": lowest,
                    "high": highest,
                    "users": len(mine),
                }
                for (model, metric, k), value, lowest, highest in zip(
                    names, mine.mean(axis=0), low, high, strict=True
                )
            ]
    return rows
