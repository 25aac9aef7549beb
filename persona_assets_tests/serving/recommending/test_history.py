"""One person's history as arrays is what `HistoryRows` makes of a frame, to the last bit."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.recommenders.histories import HistoryRows, Products
from persona_assets.serving.recommending.history import NOTHING

BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "unknown"]),
        st.integers(0, 10_000_000_000),
        st.sampled_from([0.0, 0.1, 1.0, 3.0, 5.0]),
    ),
    max_size=12,
)
PRODUCTS = Products(pl.Series(["a", "b", "c", "d"]))


@settings(max_examples=200)
@given(EVENTS, st.sampled_from([0.5, 14.0, 3650.0]))
def test_arrays_give_the_forms_that_a_frame_gives(events, half_life_days):
    # Several events at one instant are what a coarse clock of a shop gives.
    times = [int(each // 1_000_000_000) * 1_000_000_007 for _, each, _ in events]
    rows = pl.DataFrame(
        {
            "user_id": ["u"] * len(events),
            "product_id": [product for product, _, _ in events],
            "event_ts": [BEGIN + timedelta(microseconds=time) for time in times],
            "weight": [weight for _, _, weight in events],
        },
        schema={
            "user_id": pl.String,
            "product_id": pl.String,
            "event_ts": pl.Datetime("us", "UTC"),
            "weight": pl.Float64,
        },
    )
    begin = int(BEGIN.timestamp()) * 1_000_000
    history = NOTHING.with_events(
        rows["product_id"].to_list(), [begin + time for time in times], rows["weight"].to_list()
    )

    expected, found = (each.sequences(["u"], PRODUCTS) for each in (HistoryRows(rows), history))
    for name in ("starts", "items", "positions", "times", "strengths"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert ours.dtype == theirs.dtype or not len(ours), name
        assert np.array_equal(ours, theirs), name
    ours, theirs = (
        each.weights(["u"], PRODUCTS, half_life_days) for each in (history, HistoryRows(rows))
    )
    assert ours.shape == theirs.shape
    assert np.array_equal(ours.toarray(), theirs.toarray())
