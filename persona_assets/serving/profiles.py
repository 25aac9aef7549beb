"""User profiles: what the online store knows of a person.

Belongs here: putting the newest tables about people beside each other. Does not belong here: the
tables themselves (`transforms/`, `segmentation/`) or the store (`online_store.py`).
"""

import polars as pl

from persona_assets.tables.feature_store import USER_FEATURES

PROFILE_SCHEMA = pl.Schema(
    {**USER_FEATURES.polars_schema, "segment": pl.Int64(), "segment_name": pl.String()}
)
"""Columns of `feature_store/user_features`, and number and name of the customer's segment."""


def user_profiles(features: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """One row for everybody with an event in the trailing 30 days or a segment.

    Who bought nothing in the year before the segments' cut-off has no segment: null. Customers
    who did nothing in the trailing days, those whom a shop may want back, have null features.

    Args:
        features: newest snapshot of `feature_store/user_features`.
        segments: newest cut-off of `segmentation/customer_segments`.

    Returns:
        `PROFILE_SCHEMA`, sorted by `user_id`.
    """
    named = segments.select("user_id", "segment", segment_name="name")
    as_of = features["as_of"].max()
    return (
        features.join(named, on="user_id", how="full", coalesce=True)
        .with_columns(pl.col("as_of").fill_null(pl.lit(as_of, pl.Date())))
        .select(PROFILE_SCHEMA.names())
        .sort("user_id")
    )
