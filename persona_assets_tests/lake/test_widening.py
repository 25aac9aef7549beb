"""A table that only the lake knows keeps its rows when its contract gets a column."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore
from persona_assets.tables.contract import Column, Table

NOW = Table(
    "serving",
    "notes",
    grain="one row per note",
    key=("day", "note"),
    partition="day",
    columns=(
        Column("day", "date", "its day"),
        Column("note", "string", "its text"),
        Column("arm", "string", "came later", nullable=True),
    ),
)
BEFORE = replace(NOW, columns=NOW.columns[:2])
DAY = date(2026, 1, 5)


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    made = DeltaStore(str(tmp_path))
    made.overwrite(BEFORE, pl.DataFrame({"day": [DAY], "note": ["old"]}), partitions=[DAY])
    return made


def test_rows_that_are_there_have_nulls_and_new_ones_their_value(store: DeltaStore) -> None:
    rows_of = store.data_version(BEFORE)
    with pytest.raises(DataError, match="arm: stored nothing, contract string"):
        store.read(NOW)
    assert store.add_columns(NOW)
    assert store.read(NOW).rows() == [(DAY, "old", None)]
    assert store.data_version(NOW) == rows_of
    later = date(2026, 1, 6)
    new = pl.DataFrame({"day": [later], "note": ["new"], "arm": ["control"]})
    store.overwrite(NOW, new, partitions=[later])
    assert sorted(store.read(NOW)["note"].to_list()) == ["new", "old"]
    assert not store.add_columns(NOW)


@pytest.mark.parametrize(
    "other",
    [
        replace(NOW, columns=(*NOW.columns[:2], Column("arm", "string", "never null"))),
        replace(NOW, key=("day",), columns=(NOW.columns[0], NOW.columns[2])),
    ],
    ids=["a column that may not be null", "a column is gone"],
)
def test_any_other_difference_is_left_and_named(store: DeltaStore, other: Table) -> None:
    assert not store.add_columns(other)
    with pytest.raises(DataError, match="does not have the contract's schema"):
        store.read(other)


def test_there_is_nothing_to_widen_in_an_empty_lake(tmp_path: Path) -> None:
    assert not DeltaStore(str(tmp_path / "none")).add_columns(NOW)
    assert not (tmp_path / "none").exists()
