"""`monitoring/skipped`: what is said of a partition is what its last computation found."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.lake import DeltaStore
from persona_assets.monitoring.skipped import record, recorded
from persona_assets.skipped import Skipped, attempt
from persona_assets.tables import TABLES
from persona_assets.tables.monitoring import SKIPPED

TABLE, OTHER = TABLES["models/als_model"], TABLES["models/bpr_model"]
FIRST, SECOND = date(2025, 1, 13), date(2025, 1, 20)


def of(day: date, reason: str, part: str = "") -> Skipped:
    return Skipped(reason, part, day)


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return DeltaStore(str(tmp_path))


def test_a_computation_replaces_what_was_said_of_its_partitions_alone(store: DeltaStore) -> None:
    record(store, TABLE, [FIRST, SECOND], [of(FIRST, "a"), of(SECOND, "b")])
    record(store, OTHER, [FIRST], [of(FIRST, "c", "part")])
    record(store, TABLE, [FIRST], [])
    assert recorded(store, TABLE) == [of(SECOND, "b")]
    assert recorded(store, OTHER) == [of(FIRST, "c", "part")]


def test_saying_the_same_again_writes_nothing(store: DeltaStore) -> None:
    record(store, TABLE, [FIRST], [])
    assert not store.exists(SKIPPED)  # a shop that lacks nothing has no such table
    for _ in range(2):
        record(store, TABLE, [FIRST], [of(FIRST, "b", "y"), of(FIRST, "a", "x")])
    assert store.version(SKIPPED) == 1


def test_an_unpartitioned_table_has_reasons_too(store: DeltaStore) -> None:
    comparison = TABLES["evaluation/model_comparison"]
    record(store, comparison, [], [Skipped("nothing evaluated")])
    assert recorded(store, comparison) == [Skipped("nothing evaluated")]
    record(store, comparison, [], [])
    assert recorded(store, comparison) == []


writes = st.lists(
    st.tuples(
        st.sampled_from([TABLE, OTHER]),
        st.sets(st.sampled_from([FIRST, SECOND]), min_size=1),
        st.sets(st.sampled_from(["", "x", "y"])),
    ),
    max_size=5,
)


@settings(max_examples=15)
@given(writes)
def test_any_order_of_computations_leaves_what_the_last_of_each_partition_said(
    tmp_path_factory: pytest.TempPathFactory, writes: list
) -> None:
    store = DeltaStore(str(tmp_path_factory.mktemp("lake")))
    said: dict = {}
    for number, (table, days, parts) in enumerate(writes):
        record(store, table, sorted(days), [of(d, str(number), p) for d in days for p in parts])
        said |= {(table.path, day): {(part, str(number)) for part in parts} for day in days}
    for table in (TABLE, OTHER):
        found = {(each.partition, each.part, each.reason) for each in recorded(store, table)}
        wanted = {
            (day, *pair)
            for (path, day), of_day in said.items()
            if path == table.path
            for pair in of_day
        }
        assert found == wanted


def test_only_insufficient_data_are_skipped() -> None:
    def insufficient() -> pl.DataFrame:
        raise InsufficientDataError("nobody came")

    def broken() -> pl.DataFrame:
        raise DataError("a promise is broken")

    def wrong() -> pl.DataFrame:
        return {}["missing"]

    nothing = TABLE.empty()
    made = attempt(insufficient, nothing)
    assert made.rows is nothing
    assert made.skipped == (Skipped("nobody came"),)
    for function, error in ((broken, DataError), (wrong, KeyError)):
        with pytest.raises(error):
            attempt(function, nothing)
