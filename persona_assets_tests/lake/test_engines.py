"""What both engines promise of a lake, and that they take turns on the same tables."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake import Commit, DeltaStore
from persona_assets.lake.content_hash import content_hash, render
from persona_assets.lake.store import WHOLE
from persona_assets.tables import Column, Table

DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(4)]
COMMIT = Commit("run 7", "tests/wide", ("2025-03-01",), "c0de", {"raw/users": 3})

WIDE = Table(
    "tests",
    "wide",
    grain="a column of each type",
    key=("day", "number"),
    partition="day",
    columns=(
        Column("day", "date", "day"),
        Column("number", "int64", "number", nullable=True),
        Column("share", "float64", "share", nullable=True),
        Column("name", "string", "name", nullable=True),
        Column("flag", "bool", "flag", nullable=True),
        Column("on", "date", "another day", nullable=True),
        Column("at", "timestamp", "moment", nullable=True),
        Column("vector", "vector", "vector", nullable=True),
    ),
)
WHOLE_WIDE = Table("tests", "whole", WIDE.grain, ("number",), WIDE.columns[1:])


def awkward(day: date) -> pl.DataFrame:
    """Rows of `WIDE` with what is easily lost on the way."""
    moment = datetime(2025, 3, 30, 1, 30, 15, 123_456, UTC)  # an hour that Europe skips
    return pl.DataFrame(
        {
            "day": [day] * 4,
            "number": [2**63 - 1, -(2**63), 0, None],
            "share": [math.nan, -0.0, 5e-324, None],
            "name": ["", "ü\n\0'", "x", None],
            "flag": [True, False, None, None],
            "on": [date(1900, 1, 1), date(2100, 2, 28), day, None],
            "at": [moment, datetime(1969, 12, 31, 23, tzinfo=UTC), moment, None],
            "vector": [[], [math.inf, 1.5], [0.0], None],
        },
        schema=WIDE.polars_schema,
    )


@pytest.mark.parametrize("table", [WIDE, WHOLE_WIDE], ids=["partitioned", "whole"])
def test_each_engine_reads_and_overwrites_what_the_other_wrote(polars_side, spark_side, table):
    """Same rows, same hashes, same metadata in the history, both ways."""
    days = DAYS[:2] if table.partition else None
    names = table.polars_schema.names()
    for number, (writer, reader) in enumerate(
        ((polars_side, spark_side), (spark_side, polars_side), (polars_side, spark_side)), start=1
    ):
        frame = awkward(DAYS[number % 2]).select(names)
        written = writer.store.overwrite(table, writer.lazy(frame), partitions=days, commit=COMMIT)
        assert sum(written.rows.values()) == 4
        assert content_hash(frame) in written.hashes.values()
        scan = reader.store.scan(table)
        assert_frame_equal(reader.store.engine.collect(scan).sort("number"), frame.sort("number"))
        [(key, digest)] = reader.store.engine.digests(scan, table.partition).items()
        assert written.hashes[WHOLE if key is None else str(key)] == render(*digest)
        newest = reader.store.history(table, 1)[0]
        assert written.version == newest["version"] == reader.store.version(table) == number
        told = {name: newest[name] for name in newest if name.startswith("persona/")}
        assert told == COMMIT.metadata()


def test_days_are_replaced_alone_and_by_nothing(side, facts, rows):
    store = side.store
    store.overwrite(facts, side.lazy(rows({})), partitions=DAYS[:1])
    assert store.exists(facts)
    first = store.overwrite(
        facts, side.lazy(rows({DAYS[0]: [1, 2], DAYS[2]: [3]})), partitions=DAYS[:3]
    )
    assert first.rows == {"2025-03-01": 2, "2025-03-02": 0, "2025-03-03": 1}
    second = store.overwrite(facts, side.lazy(rows({})), partitions=[DAYS[0]])
    assert (second.version, second.rows) == (first.version + 1, {"2025-03-01": 0})
    assert second.hashes == {"2025-03-01": content_hash(facts.empty())}
    # Nothing in the place of nothing is a commit, too: the run did its work.
    third = store.overwrite(facts, side.lazy(rows({})), partitions=[DAYS[0]])
    assert third.version == second.version + 1
    assert store.partition_rows(facts) == {"2025-03-03": 1}
    asked = store.engine.collect(store.scan(facts, [DAYS[2], DAYS[0]]))
    assert asked["number"].to_list() == [3]
    assert store.engine.collect(store.scan(facts, [])).is_empty()


def test_rows_outside_the_partitions_are_refused_alike(polars_side, spark_side, facts, rows):
    stray = rows({DAYS[0]: [5], DAYS[2]: [6, 7]}, name="someone's name")
    lost = rows({DAYS[0]: [1]}).with_columns(event_date=pl.lit(None, pl.Date))
    polars_side.store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1])
    for frame, days in ((stray, "2 row(s) of 2025-03-03"), (lost, "1 row(s) of None")):
        said = []
        for side in (polars_side, spark_side):
            with pytest.raises(DataError) as error:
                side.store.overwrite(facts, side.lazy(frame), partitions=DAYS[:2])
            assert error.value.__cause__ is None
            assert error.value.__suppress_context__
            said.append(str(error.value))
        assert said[0] == said[1]
        assert days in said[0]
        assert "someone" not in said[0]
    assert polars_side.store.read(facts)["number"].to_list() == [1]


def test_a_frame_that_cannot_be_computed_is_not_the_storages_fault(side, facts, rows, capfd):
    frame = side.lazy(rows({DAYS[0]: [1]})).with_columns(number=nw.col("name").cast(nw.Int64))
    said = r"tests/facts: the rows to be written could not be computed: .*; correct the transform"
    with pytest.raises(DataError, match=said) as error:
        side.store.overwrite(facts, frame, partitions=DAYS[:1])
    assert "\n" not in str(error.value)
    assert not side.store.exists(facts)
    assert capfd.readouterr().err == ""


def test_what_python_raises_on_a_worker_is_named(spark_side, facts, rows):
    def fail(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise ArithmeticError("no such number")

    native = nw.to_native(spark_side.lazy(rows({DAYS[0]: [1]})))
    frame = nw.from_native(native.mapInArrow(fail, native.schema))
    with pytest.raises(DataError, match=r"computed: ArithmeticError: no such number; correct"):
        spark_side.store.overwrite(facts, frame, partitions=DAYS[:1])


def test_a_file_where_a_folder_should_be_is_the_storages_fault(spark_side, facts, rows):
    root = Path(spark_side.store.root)
    spark_side.store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1])
    # Spark finds its files written into a folder that is none.
    (root / "tests" / "facts" / "event_date=2025-03-02").write_text("in the way")
    with pytest.raises(InfrastructureError, match=r"tests/facts: cannot write .*check that it is"):
        spark_side.store.overwrite(
            facts, spark_side.lazy(rows({DAYS[1]: [2]})), partitions=[DAYS[1]]
        )


def test_a_scan_keeps_to_its_version_and_a_write_may_read_what_it_replaces(side, facts, rows):
    store = side.store
    store.overwrite(facts, rows({DAYS[0]: [1, 2]}), partitions=DAYS[:1])
    before = store.scan(facts, DAYS[:1])
    more = before.with_columns(nw.col("number") + 10)
    store.overwrite(facts, more, partitions=DAYS[:1])
    assert sorted(store.read(facts)["number"]) == [11, 12]
    assert sorted(store.engine.collect(before)["number"]) == [1, 2]
    assert sorted(store.engine.collect(store.scan(facts, at=1))["number"]) == [1, 2]


def test_frames_in_this_process_are_handled_in_it_on_every_engine(side, facts, rows):
    frame = rows({DAYS[0]: [1, 2]})
    here = nw.from_native(frame.lazy())
    engine = side.store.engine
    assert_frame_equal(engine.collect(here), frame)
    assert engine.digests(here, None) == {None: digest(frame)}
    assert engine.digests(here, "event_date") == {DAYS[0]: digest(frame)}
    [held, elsewhere] = engine.cache([here, side.lazy(frame)])
    assert held.implementation.is_polars()
    assert_frame_equal(engine.collect(held), frame)
    assert_frame_equal(engine.collect(elsewhere), frame)
    assert side.store.overwrite(facts, frame, partitions=DAYS[:1]).version == 1
    names = ["name", "number"]
    assert_frame_equal(side.store.read(facts, DAYS[:1], columns=names), frame.select(names))


def digest(frame: pl.DataFrame) -> tuple[int, int]:
    rows, total = content_hash(frame).split("-")
    return int(rows), int(total, 16)


def test_large_tables_are_digested_where_the_engine_computes(side, facts, rows, monkeypatch):
    frame = rows({DAYS[0]: [1, 2], DAYS[1]: [3]})
    side.store.overwrite(facts, frame, partitions=DAYS[:2])
    asked = []
    engine = type(side.store.engine)
    digests = engine.digests
    monkeypatch.setattr(engine, "digests", lambda *a: asked.append(1) or digests(*a))
    monkeypatch.setattr("persona_assets.lake.store._FEW", 2)
    found = side.store.digests(facts)
    assert asked
    assert found == {day.isoformat(): digest(frame.filter(event_date=day)) for day in DAYS[:2]}
    assert side.store.digests(facts, DAYS[:3])["2025-03-03"] == (0, 0)


def test_what_is_cached_is_computed_once_and_released_by_the_next(spark_side, rows, tmp_path):
    log = tmp_path / "computed"

    def note(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            with log.open("a") as file:
                file.write(f"{batch.num_rows}\n")
            yield batch

    def noted(day: date) -> nw.LazyFrame:
        native = nw.to_native(spark_side.lazy(rows({day: [1, 2]})))
        return nw.from_native(native.mapInArrow(note, native.schema))

    def computed() -> int:
        return sum(map(int, log.read_text().split()))

    engine = spark_side.store.engine
    [held] = engine.cache([noted(DAYS[0])])
    for _ in range(2):
        assert engine.collect(held.select("number"))["number"].to_list() == [1, 2]
    assert computed() == 2
    assert nw.to_native(held).is_cached
    engine.cache([noted(DAYS[1])])
    assert not nw.to_native(held).is_cached
    assert engine.collect(held).height == 2
    assert computed() == 4


@pytest.mark.parametrize(("rival_day", "times"), [(DAYS[1], 1), (DAYS[0], 2)])
def test_only_a_rival_for_the_same_partition_makes_spark_start_again(
    spark_side, facts, rows, tmp_path, rival_day, times
):
    """The rival writes by delta-rs, in a process of its own, while Spark computes."""
    root, log = spark_side.store.root, tmp_path / "computed"
    spark_side.store.overwrite(facts, rows({day: [0] for day in DAYS[:2]}), partitions=DAYS[:2])
    theirs = rows({rival_day: [9]})

    def interfere(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                if not log.exists():
                    DeltaStore(root).overwrite(facts, theirs, partitions=[rival_day])
                with log.open("a") as file:
                    file.write("once\n")
            yield batch

    frame = rows({DAYS[0]: [1]})
    native = nw.to_native(spark_side.lazy(frame))
    lazy = nw.from_native(native.mapInArrow(interfere, native.schema))
    written = spark_side.store.overwrite(facts, lazy, partitions=DAYS[:1])
    assert log.read_text().split() == ["once"] * times
    assert written.hashes == {"2025-03-01": content_hash(frame)}
    assert written.version == spark_side.store.version(facts)
    expected = {DAYS[0]: 1, DAYS[1]: 9 if rival_day == DAYS[1] else 0}
    assert dict(spark_side.store.read(facts, columns=["event_date", "number"]).rows()) == expected


def test_few_rows_are_looked_at_in_this_process_and_many_by_the_engine(
    spark_side, facts, things, rows, monkeypatch
):
    store = spark_side.store
    for table, partitions in ((facts, DAYS[:1]), (things, None)):
        frame = (
            rows({DAYS[0]: [1, 2]}) if partitions else rows({DAYS[0]: [1, 2]}).drop("event_date")
        )
        store.overwrite(table, frame, partitions=partitions)

    assert store.local_if_small(facts, things).scan(facts).implementation.is_polars()
    monkeypatch.setattr("persona_assets.lake.store._FEW", 3)
    assert store.local_if_small(facts).scan(facts).implementation.is_polars()
    assert store.local_if_small(facts, things).scan(facts).implementation.is_pyspark()


def test_threads_of_one_driver_lose_nothing(spark_side, facts, things, rows):
    """Different days at once, the same day at once, and a table without days."""

    def write(job: tuple[int, date | None]) -> tuple[int, str]:
        number, day = job
        frame = rows({day or DAYS[0]: list(range(number))})
        if day is None:
            lazy = spark_side.lazy(frame.drop("event_date"))
            written = spark_side.store.overwrite(things, lazy)
        else:
            written = spark_side.store.overwrite(facts, spark_side.lazy(frame), partitions=[day])
        [rows_written] = written.rows.values()
        assert rows_written == number
        return written.version, str(day)

    days = [*DAYS[:3], *[DAYS[3]] * 2, None, None]
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(write, enumerate(days, start=1)))
    # Each write is a commit of its own, and the later of two for one day stays. The first writers
    # may make the table, and set its properties, at the same time.
    assert len({version for version, _ in versions[:5]}) == 5
    assert len({version for version, _ in versions[5:]}) == 2
    last = 4 if versions[3] > versions[4] else 5
    assert spark_side.store.partition_rows(facts) == {
        "2025-03-01": 1, "2025-03-02": 2, "2025-03-03": 3, "2025-03-04": last,
    }  # fmt: skip
    assert spark_side.store.read(things).height == (6 if versions[5] > versions[6] else 7)


def test_a_table_made_anew_in_the_same_place_is_another_table(spark_side, facts, rows):
    """Spark keeps logs in memory by their place."""
    store = spark_side.store
    for number in (1, 2):
        store.overwrite(facts, spark_side.lazy(rows({DAYS[0]: [number]})), partitions=DAYS[:1])
    Path(store.uri(facts)).rename(Path(store.root) / "aside")
    store.overwrite(facts, spark_side.lazy(rows({DAYS[1]: [3]})), partitions=[DAYS[1]])
    assert store.read(facts)["number"].to_list() == [3]
    assert store.engine.collect(store.scan(facts))["number"].to_list() == [3]
