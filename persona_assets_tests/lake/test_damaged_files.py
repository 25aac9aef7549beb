"""No read comes up short: a damaged data file is an error that names it, on every path.

Polars 2.1 gives fewer rows, without an error, from `collect_batches` and `sink_delta` over a file
that is shorter than the Delta log says.
"""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from deltalake import DeltaTable
from pyarrow import parquet

from persona_assets.errors import DataError
from persona_assets.lake import DeltaStore, integrity
from persona_assets.lake.batches import batches
from persona_assets.tables import Table

DAYS = [date(2025, 3, day) for day in (1, 2, 3)]
ROWS = 2_000


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "one byte": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "gone": lambda data: None,
    "longer": lambda data: data + b"\0",
    "page": lambda data: data[:40] + bytes(2000) + data[2040:],
    "footer": lambda data: data[:-60] + bytes(60),
    "another file": lambda data: b"not a Parquet file".ljust(len(data)),
}


def through_scan(store: DeltaStore, table: Table, other: Table) -> object:
    return store.collect(store.scan(table))


def through_scan_of_its_day(store: DeltaStore, table: Table, other: Table) -> object:
    return store.collect(store.scan(table, DAYS[1:2]))


def through_read(store: DeltaStore, table: Table, other: Table) -> object:
    return store.read(table)


def through_digests(store: DeltaStore, table: Table, other: Table) -> object:
    return store.digests(table)


def through_write(store: DeltaStore, table: Table, other: Table) -> object:
    return store.overwrite(other, store.scan(table), partitions=DAYS)


def through_held_frames(store: DeltaStore, table: Table, other: Table) -> object:
    with store.naming_damage():
        [held] = store.engine.cache([store.scan(table)])
        return store.overwrite(other, held, partitions=DAYS)


PATHS = (
    through_scan,
    through_scan_of_its_day,
    through_read,
    through_digests,
    through_write,
    through_held_frames,
)


@pytest.fixture
def other(facts) -> Table:
    return Table("tests", "other", facts.grain, facts.key, facts.columns, facts.partition)


@pytest.fixture
def written(store, facts) -> DeltaStore:
    """Three days, written one by one so that there are versions to go back to."""
    for day in DAYS:
        frame = pl.DataFrame(
            {
                "event_date": [day] * ROWS,
                "number": range(ROWS),
                "name": [f"n{number}" for number in range(ROWS)],
                "share": [number / ROWS for number in range(ROWS)],
                "vector": [[float(number)] for number in range(ROWS)],
            },
            schema=facts.polars_schema,
        )
        store.overwrite(facts, frame, partitions=[day])
    return store


def data_file(store: DeltaStore, table: Table, day: date) -> Path:
    [file] = Path(store.uri(table), f"event_date={day}").glob("*.parquet")
    return file


def damaged(store: DeltaStore, table: Table, kind: str) -> Path:
    file = data_file(store, table, DAYS[1])
    data = DAMAGE[kind](file.read_bytes())
    if data is None:
        file.unlink()
    else:
        file.write_bytes(data)
    return file


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_named_with_its_table_and_the_ways_out(written, facts, other, path, kind):
    file = damaged(written, facts, kind)
    with pytest.raises(DataError) as error:
        path(written, facts, other)
    said = str(error.value)
    assert said.startswith("tests/facts: version 3 at ")
    assert file.name in said
    assert "materialize partition 2025-03-02 of tests/facts again" in said
    # A garbled page is found by reading; versions are told apart by sizes and footers.
    assert ("go back to version 1, the newest without damage" in said) is (kind != "page")
    assert not written.exists(other)


@pytest.mark.parametrize("kind", ["one byte", "half", "empty", "gone", "page", "footer"])
def test_a_file_damaged_between_scan_and_use_is_named_too(written, facts, other, kind, capfd):
    scans = [written.scan(facts) for _ in range(2)]
    file = damaged(written, facts, kind)
    with pytest.raises(DataError, match=re.escape(file.name)):
        written.overwrite(other, scans[0], partitions=DAYS)
    with pytest.raises(DataError, match=re.escape(file.name)):
        written.collect(scans[1].select("number"))
    assert not written.exists(other)


@pytest.mark.parametrize("kind", DAMAGE)
def test_writing_the_partition_again_is_a_way_out(written, facts, kind):
    good = written.read(facts, DAYS[1:2])
    damaged(written, facts, kind)
    written.overwrite(facts, good, partitions=DAYS[1:2])
    assert written.read(facts).height == len(DAYS) * ROWS


@pytest.mark.parametrize("kind", ["half", "gone"])
def test_restoring_the_version_that_is_named_is_a_way_out(written, facts, kind):
    damaged(written, facts, kind)
    DeltaTable(written.uri(facts)).restore(1)
    assert written.read(facts).height == ROWS


def test_other_partitions_can_still_be_read(written, facts):
    damaged(written, facts, "half")
    assert written.read(facts, [DAYS[0], DAYS[2]]).height == 2 * ROWS
    assert written.collect(written.scan(facts, DAYS[:1])).height == ROWS


def test_damage_lists_the_files_without_reading_rows(written, facts, other):
    assert written.damage(facts) == []
    assert written.damage(other) == []
    damaged(written, facts, "half")
    data_file(written, facts, DAYS[2]).unlink()
    assert [(each.partition, each.fault.split()[0]) for each in written.damage(facts)] == [
        (DAYS[2], "is"),
        (DAYS[1], "has"),
    ]
    assert written.damage(facts, DAYS[:1]) == []


def test_a_file_with_other_rows_but_its_old_name_and_size_is_named(written, facts, monkeypatch):
    """As after copying from another backup: only the footer gives it away."""
    file = data_file(written, facts, DAYS[1])
    size = file.stat().st_size
    frame = pl.read_parquet(file).head(ROWS // 2)
    frame.write_parquet(file, compression="uncompressed", statistics=False)
    short = file.read_bytes()
    assert len(short) < size
    footer = int.from_bytes(short[-8:-4], "little") + 8
    file.write_bytes(short[:-footer] + bytes(size - len(short)) + short[-footer:])
    with pytest.raises(DataError, match=r"has 1,000 rows, the Delta log says 2,000"):
        written.read(facts)


def test_a_read_that_gives_fewer_rows_than_the_log_says_is_an_error(written, facts, monkeypatch):
    """Whatever the reason: the rows that came are counted."""
    scan = type(written.engine).scan

    def short(self: object, *arguments: object) -> object:
        return scan(self, *arguments).filter(nw.col("number") != 7)

    monkeypatch.setattr(type(written.engine), "scan", short)
    with pytest.raises(DataError, match=r"5,997 rows were read .*says 6,000; a data file is"):
        written.read(facts)
    with pytest.raises(DataError, match=r"1,999 rows were read of 2025-03-01, .*says 2,000"):
        written.digests(facts)


def test_an_error_of_something_else_is_left_as_it_is(written, facts):
    frame = written.scan(facts)
    with pytest.raises(ZeroDivisionError), written.naming_damage():
        raise ZeroDivisionError
    with pytest.raises(pl.exceptions.InvalidOperationError):
        written.collect(frame.select(nw.col("name").cast(nw.Int64)))


def test_a_file_is_looked_at_once_until_it_changes(written, facts, monkeypatch):
    read = parquet.read_metadata
    looked = []
    monkeypatch.setattr(parquet, "read_metadata", lambda path: looked.append(path) or read(path))
    monkeypatch.setattr(integrity, "_VERIFIED", integrity.VerifiedFiles())
    written.read(facts)
    written.read(facts)
    assert len(looked) == len(DAYS)
    data_file(written, facts, DAYS[0]).touch()
    written.read(facts)
    assert len(looked) == len(DAYS) + 1


def test_batches_raise_what_the_query_raises_and_may_be_left_early():
    frame = pl.LazyFrame({"number": range(10_000)})
    assert sum(batch.height for batch in batches(frame, 100)) == 10_000
    for batch in batches(frame, 100):
        assert batch.height
        break
    with pytest.raises(pl.exceptions.InvalidOperationError):
        list(batches(frame.select(pl.col("number").cast(pl.Int8))))


def test_spark_names_a_damaged_file(spark_side, written, facts, other):
    store = spark_side.store
    scan = store.scan(facts)
    file = damaged(written, facts, "half")
    for read in (
        lambda: store.collect(store.scan(facts)),
        lambda: store.collect(scan),
        lambda: store.overwrite(other, scan, partitions=DAYS),
    ):
        with pytest.raises(DataError, match=re.escape(file.name)):
            read()
    assert not store.exists(other)
