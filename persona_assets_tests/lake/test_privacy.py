"""Nobody is in a Delta log, and nobody but its owner reads raw data.

A log outlives the rows it describes: Delta's default keeps the smallest and largest user of each
file in it, through any deletion and vacuum, until the log expires.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from persona_assets.errors import InfrastructureError
from persona_assets.tables import TABLES, Column, Table
from persona_assets.tables.mart import USER_ITEM_INTERACTIONS
from persona_assets.tables.raw import EVENTS, SEARCH_LOGS

DAYS = [date(2025, 3, 1), date(2025, 3, 2)]
NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def rows(table: Table, secret: str = "Victim") -> pl.DataFrame:
    """Two rows a day; each text without a list of allowed values can be recognised."""
    values = {
        "string": lambda column, at: (column.allowed or (f"{secret}-{column.name}-{at}",))[0],
        "int64": lambda column, at: at,
        "float64": lambda column, at: float(at),
        "bool": lambda column, at: True,
        "date": lambda column, at: DAYS[0],
        "timestamp": lambda column, at: NOW,
        "vector": lambda column, at: [float(at)],
    }
    made = [
        {column.name: values[column.type](column, at) for column in table.columns}
        | ({table.partition: day} if table.partition else {})
        for day in DAYS
        for at in range(2)
    ]
    return pl.DataFrame(made, schema=table.polars_schema)


def logged(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and whole text of each file of a Delta log, checkpoints unpacked."""
    for path in sorted(folder.joinpath("_delta_log").iterdir()):
        if path.suffix == ".parquet":
            yield path.name, json.dumps(pl.read_parquet(path).to_dicts(), default=str)
        elif not path.name.endswith(".crc"):
            yield path.name, path.read_text()


@pytest.mark.parametrize("table", [EVENTS, SEARCH_LOGS, USER_ITEM_INTERACTIONS])
def test_no_log_of_either_engine_holds_a_person(side, table):
    for days in (DAYS, DAYS[:1]):
        side.store.overwrite(
            table, side.lazy(rows(table).filter(pl.col("event_date").is_in(days))), partitions=days
        )
    DeltaTable(side.store.uri(table)).create_checkpoint()
    read = dict(logged(Path(side.store.uri(table))))
    assert any(name.endswith(".parquet") for name in read)
    for name, text in read.items():
        assert "Victim" not in text, name
    assert "numRecords" in "".join(read.values())


def test_a_table_of_texts_alone_can_be_written_by_both_engines(side):
    table = Table("tests", "texts", "one row per name", ("name",), (Column("name", "string", "-"),))
    frame = pl.DataFrame({"name": ["Victim-a", "Victim-b"]})
    side.store.overwrite(table, side.lazy(frame))
    assert side.store.read(table).height == 2
    assert "Victim" not in "".join(dict(logged(Path(side.store.uri(table)))).values())


def test_statistics_are_kept_of_measures_and_listed_values_only():
    for table in TABLES.values():
        for name in table.statistics_columns:
            column = table.column(name)
            assert not column.pii
            assert name != table.partition
            assert column.type != "string" or column.allowed, f"{table.path}.{name}"
    assert set(EVENTS.statistics_columns) == {"source_row", "arrived_at", "quantity", "unit_price"}


def test_a_table_of_before_keeps_no_more_persons_from_its_next_write_on(side):
    store = side.store
    uri = store.uri(EVENTS)
    write_deltalake(uri, rows(EVENTS), partition_by=["event_date"])
    assert "Victim" in json.dumps(list(logged(Path(uri))))
    store.overwrite(EVENTS, side.lazy(rows(EVENTS, "Second")), partitions=DAYS)
    assert "Second" not in json.dumps(list(logged(Path(uri))))
    assert store.read(EVENTS).height == 4
    # The property was one commit, the rows another; afterwards writes are one commit each.
    assert store.version(EVENTS) == 2
    store.overwrite(EVENTS, side.lazy(rows(EVENTS, "Third")), partitions=DAYS)
    assert store.version(EVENTS) == 3


def test_private_tables_are_their_owners_whatever_the_umask(side):
    before = os.umask(0o000)
    try:
        for table in (EVENTS, USER_ITEM_INTERACTIONS):
            for _ in range(2):
                side.store.overwrite(table, side.lazy(rows(table)), partitions=DAYS)
    finally:
        os.umask(before)
    root = Path(side.store.root)
    raw = [root / "raw", *root.joinpath("raw").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in raw if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in raw if path.is_file()} == {0o600}


def test_a_folder_that_cannot_be_closed_stops_the_write(store, monkeypatch):
    def refuse(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(InfrastructureError, match=r"raw/events holds personal data and cannot be"):
        store.overwrite(EVENTS, rows(EVENTS), partitions=DAYS)
    assert not store.exists(EVENTS)
