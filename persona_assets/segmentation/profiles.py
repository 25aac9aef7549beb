"""`segment_profiles` and `segment_traits`: who is in each segment, and what sets it apart.

Belongs here: sizes, medians, effect sizes, shares of revenue and of countries. Does not belong
here: the words (`wording.py`), the pictures (`segment_plots.py`), or who belongs where
(`segmenting.py`).
"""

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.errors import DataError
from persona_assets.segmentation.reference_customers import ACTIONS, ACTIONS_WITHOUT_SPEND
from persona_assets.segmentation.wording import WORDED, Trait, describe
from persona_assets.skipped import Skipped
from persona_assets.tables.segmentation import (
    CUSTOMER_FEATURES,
    CUSTOMER_SEGMENTS,
    SEGMENT_PROFILES,
    SEGMENT_TRAITS,
)

TRAITS = (
    "recency_days", "tenure_days", "orders", "return_orders", "return_rate", "lines", "products",
    "gross_spend", "returned_spend", "net_spend", "average_order_value", "days_between_orders",
    "monthly_spend_mean", "monthly_spend_std", "spend_trend", "categories", "top_category_share",
    "category_evenness",
)  # fmt: skip
"""Features that are compared: all of which "larger" means something. Weekdays and hours go round,
and a standard error says how well a trend is known, not what it is."""

MOST_COUNTRIES = 5
"""Countries named in the mix; the others share one number."""
UNKNOWN, OTHER = "unknown", "other"


def segment_profiles(
    customers: pl.DataFrame,
    segments: pl.DataFrame,
    actions: Mapping[int, str] = ACTIONS,
    actions_without_spend: Mapping[int, str] = ACTIONS_WITHOUT_SPEND,
) -> pl.DataFrame:
    """Describe each segment of one cut-off.

    Args:
        customers: rows of `segmentation/customer_features`; customers without a segment count
            nowhere.
        segments: rows of `segmentation/customer_segments` of the same cut-off.
        actions: what a marketer may do, per segment number.
        actions_without_spend: the same for where no purchase has a price.

    Returns:
        Rows of `segmentation/segment_profiles`, sorted by its key; revenue and its shares are null
        where no purchase has a price.

    Raises:
        DataError: the two frames are of different cut-offs, or a segment has no action.
    """
    members = _members(customers, segments)
    traits = segment_traits(customers, segments, WORDED)
    parts = {key[0]: rows for key, rows in members.partition_by("segment", as_dict=True).items()}
    # Added up without rounding in between: the same in whatever order the rows come.
    spent = {number: math.fsum(rows["gross_spend"]) for number, rows in parts.items()}
    total = math.fsum(members["gross_spend"])
    advice = actions if total else actions_without_spend
    if strange := sorted(set(parts) - set(advice)):
        raise DataError(
            f"{CUSTOMER_SEGMENTS.path} has segment {strange[0]}, which has no action; use the "
            "reference customers that it was computed with, or materialize it again"
        )
    profiles = [
        {
            "cutoff": rows["cutoff"][0],
            "segment": number,
            "name": rows["name"][0],
            "description": describe(_worded(traits, number, rows.height), alone=len(parts) == 1),
            "action": advice[number],
            "customers": rows.height,
            "customer_share": rows.height / members.height,
            "outliers": rows["outlier"].sum(),
            "revenue": spent[number] if total else None,
            "revenue_share": spent[number] / total if total else None,
            "countries": country_mix(rows["country"]),
        }
        for number, rows in parts.items()
    ]
    return pl.DataFrame(profiles, schema=SEGMENT_PROFILES.polars_schema).sort(SEGMENT_PROFILES.key)


def unknown_revenue(customers: pl.DataFrame) -> tuple[Skipped, ...]:
    """Why nothing is known of what segments spend; nothing where it is known.

    Args:
        customers: rows of `segmentation/customer_features` of one cut-off.
    """
    if customers.is_empty() or (customers["gross_spend"] > 0).any():
        return ()
    return (Skipped("no purchase has a price", part="revenue"),)


def segment_traits(
    customers: pl.DataFrame, segments: pl.DataFrame, features: Sequence[str] = TRAITS
) -> pl.DataFrame:
    """Compare each segment of one cut-off with all other customers, feature by feature.

    Medians and quartiles interpolate linearly between the two nearest values. Customers without a
    value are left out of its comparison; where that leaves nobody on one side, the effect is null.

    Args:
        customers: rows of `segmentation/customer_features`.
        segments: rows of `segmentation/customer_segments` of the same cut-off.
        features: columns to compare.

    Returns:
        Rows of `segmentation/segment_traits`, sorted by its key.

    Raises:
        DataError: the two frames are of different cut-offs.
    """
    members = _members(customers, segments)
    numbers = members["segment"].unique().sort().to_list()
    rows = []
    for feature in features:
        known = members.select("segment", pl.col(feature).cast(pl.Float64)).drop_nulls()
        values = known[feature].to_numpy()
        segment = known["segment"].to_numpy()
        effects = cliffs_delta(values, np.searchsorted(numbers, segment), len(numbers))
        for number, effect in zip(numbers, effects, strict=True):
            own, rest = values[segment == number], values[segment != number]
            low, middle, high = np.quantile(own, (0.25, 0.5, 0.75)) if own.size else (None,) * 3
            rows.append(
                {
                    "cutoff": members["cutoff"][0],
                    "segment": number,
                    "feature": feature,
                    "customers": own.size,
                    "median": middle,
                    "q25": low,
                    "q75": high,
                    "rest_median": np.median(rest) if rest.size else None,
                    "effect": None if np.isnan(effect) else effect,
                }
            )
    return pl.DataFrame(rows, schema=SEGMENT_TRAITS.polars_schema).sort(SEGMENT_TRAITS.key)


def cliffs_delta(values: NDArray, groups: NDArray, n_groups: int) -> NDArray:
    """Cliff's δ of each group against all values outside of it: P(larger) − P(smaller).

    Cliff: "Dominance statistics: ordinal analyses to answer ordinal questions", Psychological
    Bulletin 114 (3), 1993. Instead of comparing all pairs, it is read off the sum R of a group's
    ranks, equal values sharing their mean rank: δ = (2R − n (n + 1)) / (n m) − 1 for n values
    within and m outside. Twice a mean rank is a whole number, so nothing is rounded before the
    division.

    Args:
        values: (n,) finite numbers.
        groups: (n,) the group of each, from 0.
        n_groups: how many groups there are.

    Returns:
        (n_groups,) float64 from −1 to 1; NaN where nothing is within or nothing outside.
    """
    from scipy.stats import rankdata

    doubled = 2 * rankdata(values)
    ranks = np.bincount(groups, weights=doubled, minlength=n_groups)
    within = np.bincount(groups, minlength=n_groups).astype(np.float64)
    pairs = within * (len(values) - within)
    dominance = ranks - within * (within + 1) - pairs
    return np.divide(dominance, pairs, out=np.full(n_groups, np.nan), where=pairs > 0)


def country_mix(countries: pl.Series) -> str:
    """Shares of the five most frequent values and of all `other`: a JSON object, largest first.

    Of equals the first by name; null counts as the country `unknown`; shares to four decimals.
    """
    counted = countries.fill_null(UNKNOWN).value_counts(name="customers").sort(
        "customers", countries.name, descending=[True, False]
    )  # fmt: skip
    mix = dict(counted.head(MOST_COUNTRIES).iter_rows())
    if others := counted["customers"][MOST_COUNTRIES:].sum():
        mix[OTHER] = mix.pop(OTHER, 0) + others
    shares = {name: round(number / len(countries), 4) for name, number in mix.items()}
    return json.dumps(shares, ensure_ascii=False)


def _members(customers: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """Features of the customers who have a segment, with `segment`, `name` and `outlier`."""
    if segments["cutoff"].n_unique() > 1:
        raise DataError(
            f"rows of {CUSTOMER_SEGMENTS.path} are of {segments['cutoff'].n_unique()} cut-offs; "
            "pass those of one"
        )
    own = segments.select("cutoff", "user_id", "segment", "name", "outlier")
    members = own.join(customers, on=["cutoff", "user_id"], how="inner", maintain_order="left")
    if members.height != own.height:
        raise DataError(
            f"{own.height - members.height} of {own.height} customers in {CUSTOMER_SEGMENTS.path} "
            f"are not in {CUSTOMER_FEATURES.path} of that cut-off; materialize both for it"
        )
    return members


def _worded(traits: pl.DataFrame, number: int, size: int) -> list[Trait]:
    """Traits of the segment with this number and of this many customers."""
    return [
        Trait(
            row["feature"],
            row["median"],
            row["rest_median"],
            row["effect"],
            known=row["customers"] / size,
        )
        for row in traits.filter(segment=number).iter_rows(named=True)
    ]
