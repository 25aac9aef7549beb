"""Compiling the kernels before they are needed, by a run of this module (`python -m`).

Belongs here: one small use of each model, so that numba keeps its machine code beside its module.
Does not belong here: the kernels. `make install` runs this, so that the first demo does not wait
for a compiler.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from persona_assets.recommenders import MODELS
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.protocol import SideInformation

_CUTOFF = date(2024, 2, 1)
_SMALL: Mapping[str, Mapping[str, Any]] = {
    "als": {"factors": 2, "iterations": 1},
    "bpr": {"factors": 2, "iterations": 1},
    "item2vec": {"factors": 2, "epochs": 1},
    "two_stage": {"rounds": 1, "als": {"factors": 2, "iterations": 1}},
    "blend": {"als": {"factors": 2, "iterations": 1}},
}


def main() -> None:
    """Train every model on a few made-up rows and ask it for lists."""
    rows = _rows()
    people = rows["user_id"].unique().sort()
    side_information = SideInformation(
        users=people.to_frame().with_columns(country=pl.lit("x"), customer_segment=pl.lit("x")),
        products=rows.select("product_id", name="product_id", category="product_id").unique(),
    )
    known = Interactions.known_at(_CUTOFF, rows)
    for name, model in MODELS.items():
        small = model.configured(**_SMALL.get(name, {}))
        learned = small.fit(known, side_information=side_information)
        small.recommend(learned, people.to_list(), k=3, histories=rows)


def _rows() -> pl.DataFrame:
    """Forty people who each interact with six of twenty products, some a second time."""
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    known = [
        (
            f"u{user}",
            f"p{(3 * user + step * step) % 20}",
            begin + timedelta(days=step * 4, hours=user),
        )
        for user in range(40)
        for step in range(7)
    ]
    names = ("user_id", "product_id", "event_ts")
    return pl.DataFrame(known, schema=names, orient="row").with_columns(
        event_type=pl.lit("view"),
        arrived_at="event_ts",
        weight=pl.lit(1.0),
        session_id=pl.col("user_id") + pl.col("event_ts").dt.date().cast(pl.String),
    )


if __name__ == "__main__":
    main()
