"""Canonical labels: users and products renamed by their interactions, so that names mean nothing.

Belongs here: the renaming. Does not belong here: ties in scores (`evaluation/hits.py`).

Files leak through names: products numbered in the order of first appearance tell which came last,
and any sort by them then tells the test. Here a user or product is renamed by a hash of the
instants, kinds and weights of its interactions and of those it shares them with (colour refinement
of Weisfeiler and Leman 1968), so that the same interactions under other names, or in another order,
become the same table. Whatever still coincides after that could be exchanged without a trace.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_assets.recommenders.canonical_order import colours, mixed


def with_canonical_labels(rows: pl.DataFrame, *others: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
    """`rows` and `others` with canonical `user_id` and `product_id`, each in a canonical order.

    Args:
        rows: interactions with `user_id`, `product_id`, `event_ts`, `event_type` and `weight`, and
            `session_id` maybe.
        others: frames with `user_id, product_id` whose identifiers are renamed alike. Those that
            are not in `rows` get names of their own, after all others.

    Returns:
        The frames. New names are numbers of equal length, so that they sort as they count. A
        session is renamed by its first row.
    """
    users, products = _colours(rows)
    everyone = {
        "user_id": _new_names("u", rows["user_id"], users, [each["user_id"] for each in others]),
        "product_id": _new_names(
            "p", rows["product_id"], products, [each["product_id"] for each in others]
        ),
    }

    def renamed(frame: pl.DataFrame) -> pl.DataFrame:
        for column, names in everyone.items():
            frame = frame.join(names.rename({"old": column}), on=column).with_columns(
                pl.col("new").alias(column)
            )
            frame = frame.drop("new")
        return frame

    canonical = renamed(rows).sort("user_id", "event_ts", "product_id", "event_type", "weight")
    if "session_id" in rows.columns:
        number = canonical["session_id"].rank("dense")  # replaced below by the order of appearance
        canonical = canonical.with_columns(session_id=number)
        order = canonical.unique("session_id", keep="first", maintain_order=True).select(
            "session_id", fresh=pl.int_range(pl.len()).cast(pl.String).str.zfill(9)
        )
        canonical = canonical.join(order, on="session_id", maintain_order="left").with_columns(
            session_id=pl.col("fresh")
        )
    return (
        canonical.select(rows.columns),
        *(renamed(each).select(each.columns).sort("user_id", "product_id") for each in others),
    )


def _colours(rows: pl.DataFrame) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A colour for the user and for the product of each row."""
    at = rows["event_ts"].dt.epoch("us").cast(pl.Int64).to_numpy().view(np.uint64)
    weight = rows["weight"].cast(pl.Float64).to_numpy().view(np.uint64)
    kind = rows["event_type"].rank("dense").to_numpy().astype(np.uint64)
    told = at ^ mixed(weight ^ mixed(kind))
    user, product = (
        rows[column].rank("dense").to_numpy().astype(np.int64) - 1
        for column in ("user_id", "product_id")
    )
    return colours(user, product, told)


def _new_names(
    prefix: str, old: pl.Series, colours: NDArray[np.uint64], others: list[pl.Series]
) -> pl.DataFrame:
    """`old, new` of every identifier, in the order of the colours."""
    coloured = pl.DataFrame({"old": old, "colour": colours}).unique("old")
    known = coloured.sort("colour", "old").drop("colour")
    unknown = [
        pl.DataFrame({"old": each.unique().sort()}).join(known, on="old", how="anti")
        for each in others
    ]
    everyone = pl.concat([known, *unknown]).unique("old", maintain_order=True)
    return everyone.with_columns(
        new=pl.lit(prefix) + pl.int_range(pl.len()).cast(pl.String).str.zfill(9)
    )
