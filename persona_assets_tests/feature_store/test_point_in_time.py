"""What a join at a point in time finds, beside a search of all rows, one entity at a time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.feature_store.point_in_time import AT, KNOWN, VALID, join_latest, join_snapshots

MICRO = timedelta(microseconds=1)
DAY = timedelta(days=1) // MICRO
FEATURES = ["price", "colour"]
ROWS = {
    "id": pl.String, VALID: pl.Int64, KNOWN: pl.Int64, "number": pl.Int64,
    "price": pl.Float64, "colour": pl.String,
}  # fmt: skip
ENTITIES = {"id": pl.String, AT: pl.Int64, "label": pl.Int64}

Row = dict[str, Any]


def brute_force(rows: Sequence[Row], entity: Row, time_to_live: int) -> list[Any]:
    """The features of `entity`, by looking at every row."""
    at = entity[AT]
    counting = [
        row for row in rows
        if at is not None and entity["id"] is not None and row["id"] == entity["id"]
        and row[VALID] <= at and row[KNOWN] <= at and at - row[VALID] < time_to_live
    ]  # fmt: skip
    if not counting:
        return [None, None]
    best = max(counting, key=lambda row: (row[VALID], row[KNOWN], row["number"]))
    return [best[name] for name in FEATURES]


# Few different times and people: most rows share theirs with several others, and late ones abound.
times = st.integers(0, 8)
people = st.sampled_from(["a", "b", "c"])
rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": people | st.none(),
            VALID: times,
            KNOWN: times,
            "price": st.none() | st.floats(allow_nan=False, width=32),
            "colour": st.none() | st.sampled_from(["red", "green"]),
        }
    ),
    max_size=40,
)
entities = st.lists(
    st.fixed_dictionaries({"id": people | st.none(), AT: times | st.none(), "label": times}),
    max_size=30,
)


def numbered(rows: Sequence[Row]) -> list[Row]:
    return [{**row, "number": number} for number, row in enumerate(rows)]


@given(rows, entities, st.integers(1, 9), st.randoms(use_true_random=False))
@example(
    # Three rows of one time, the second known last; one of a later time that arrives too late.
    [
        {"id": "a", VALID: 2, KNOWN: 2, "price": 1.0, "colour": None},
        {"id": "a", VALID: 2, KNOWN: 4, "price": 2.0, "colour": None},
        {"id": "a", VALID: 2, KNOWN: 3, "price": 3.0, "colour": None},
        {"id": "a", VALID: 3, KNOWN: 7, "price": 4.0, "colour": None},
        {"id": "a", VALID: 1, KNOWN: 6, "price": 5.0, "colour": None},
    ],
    [{"id": "a", AT: at, "label": 0} for at in range(9)],
    6,
    None,
)
def test_the_newest_row_that_was_valid_known_and_fresh_is_found(
    rows: list[Row], entities: list[Row], time_to_live: int, random: Any
) -> None:
    all_rows = numbered(rows)
    shuffled = list(all_rows)
    if random is not None:
        random.shuffle(shuffled)
    found = join_latest(
        pl.LazyFrame(entities, ENTITIES),
        pl.LazyFrame(shuffled, ROWS),
        key="id",
        features=FEATURES,
        time_to_live=time_to_live * MICRO,
        tie=["number"],
    ).collect()
    expected = [
        {**entity, **dict(zip(FEATURES, brute_force(all_rows, entity, time_to_live), strict=True))}
        for entity in entities
    ]
    schema = ENTITIES | {name: ROWS[name] for name in FEATURES}
    assert_frame_equal(found, pl.DataFrame(expected, schema), check_exact=True)


@given(
    st.dictionaries(st.tuples(people, st.integers(-4, 6)), st.floats(0, 9), max_size=20),
    st.lists(st.tuples(people | st.none(), st.none() | st.integers(-3 * DAY, 30 * DAY)),
             max_size=30),
    st.sampled_from([1, 7]),
)  # fmt: skip
@example(
    {("a", 0): 1.0, ("a", 1): 2.0},
    [("a", 4 * DAY), ("a", 4 * DAY - 1), ("a", 5 * DAY - 1), ("a", 5 * DAY), ("a", 6 * DAY)],
    1,
)
def test_snapshots_are_found_as_any_rows_are(
    snapshots: dict[tuple[str, int], float], asked: list[tuple[str | None, int | None]], days: int
) -> None:
    period = timedelta(days=days)
    # The first Monday after 1970-01-01 begins a week, and a day.
    all_rows = numbered(
        [
            {"id": person, VALID: begins, KNOWN: begins, "price": price, "colour": None}
            for (person, number), price in snapshots.items()
            for begins in [(4 + number * days) * DAY]
        ]
    )
    entities = [
        {"id": person, AT: at, "label": number} for number, (person, at) in enumerate(asked)
    ]
    found = join_snapshots(
        pl.LazyFrame(entities, ENTITIES),
        pl.LazyFrame(all_rows, ROWS),
        key="id",
        features=FEATURES,
        period=period,
    ).collect()
    expected = [
        {**entity, **dict(zip(FEATURES, brute_force(all_rows, entity, days * DAY), strict=True))}
        for entity in entities
    ]
    schema = ENTITIES | {name: ROWS[name] for name in FEATURES}
    assert_frame_equal(found, pl.DataFrame(expected, schema), check_exact=True)
