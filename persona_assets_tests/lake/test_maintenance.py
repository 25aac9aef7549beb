"""A maintained lake stays small and holds the same rows."""

import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from persona_assets.errors import DataError, UserError
from persona_assets.lake import DeltaStore
from persona_assets.lake.maintenance import maintain
from persona_assets.tables.raw import EVENTS

DAYS = [date(2025, 3, 1), date(2025, 3, 2)]
NOTHING = timedelta(0)
WEEK = timedelta(days=7)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def appended(store: DeltaStore, table: object, frame: pl.DataFrame) -> None:
    """Rows in a file of their own, as Spark and others leave them."""
    delta = DeltaTable(store.uri(table))  # type: ignore[arg-type]
    write_deltalake(delta, frame.to_arrow(), mode="append")


@pytest.fixture
def written(store, facts, rows) -> DeltaStore:
    """Two days, one of three files, and a version that was replaced."""
    for name in ("old", "new"):
        store.overwrite(facts, rows({day: [1, 2] for day in DAYS}, name), partitions=DAYS)
    for number in (3, 4):
        appended(store, facts, rows({DAYS[1]: [number]}, "new"))
    return store


def test_rows_digests_and_the_version_of_the_data_stay(written, facts):
    digests, version = written.digests(facts), written.data_version(facts)
    [done] = maintain(written, NOTHING, tables=[facts])
    assert (done.table, done.compacted, done.left_alone) == ("tests/facts", 3, "")
    assert done.deleted == 2 + 3
    assert written.digests(facts) == digests
    assert written.data_version(facts) == version == 4
    assert written.version(facts) > version
    assert written.damage(facts) == []
    left = list(Path(written.uri(facts)).rglob("event_date=*/*.parquet"))
    assert len(left) == len(DAYS)


def test_maintaining_again_does_nothing(written, facts):
    maintain(written, NOTHING, tables=[facts])
    version = written.version(facts)
    [done] = maintain(written, NOTHING, tables=[facts])
    assert not done.changed
    assert written.version(facts) == version


def test_what_was_replaced_within_the_retention_can_still_be_read(written, facts):
    before = written.scan(facts)
    [done] = maintain(written, WEEK, tables=[facts])
    assert (done.compacted, done.deleted) == (3, 0)
    assert written.read(facts, at=1)["name"].unique().to_list() == ["old"]
    # A frame that was scanned before the compaction, and is collected after it.
    assert written.collect(before).height == 6


def test_a_version_older_than_the_retention_is_refused_with_a_newer_one_named(written, facts):
    maintain(written, NOTHING, tables=[facts])
    with pytest.raises(DataError, match=r"tests/facts: version 1 at .* is gone"):
        written.read(facts, at=1)


def test_files_of_killed_writes_go_and_those_of_writers_at_work_stay(written, facts):
    maintain(written, WEEK, tables=[facts])
    folder = Path(written.uri(facts)) / "event_date=2025-03-01"
    old, fresh = folder / "part-old.parquet", folder / "part-fresh.parquet"
    for path in (old, fresh):
        path.write_bytes(b"half a file")
    modified = old.stat().st_mtime - 8 * 24 * 3600
    os.utime(old, (modified, modified))
    [done] = maintain(written, WEEK, tables=[facts])
    assert done.deleted == 1
    assert fresh.exists()
    assert not old.exists()


def test_rewriting_ten_times_with_maintenance_in_between_does_not_grow_the_table(
    store, facts, rows
):
    sizes = []
    for week in range(10):
        frame = rows({day: list(range(3000)) for day in DAYS}, f"week {week}")
        store.overwrite(facts, frame, partitions=DAYS)
        maintain(store, NOTHING, tables=[facts])
        sizes.append(size(Path(store.uri(facts))))
    assert max(sizes) < 1.5 * sizes[0]
    log = Path(store.uri(facts)) / "_delta_log"
    assert len(list(log.glob("*.json"))) <= 12
    assert store.read(facts)["name"].unique().to_list() == ["week 9"]
    assert store.data_version(facts) < store.version(facts)


def test_a_log_whose_first_commits_have_expired_is_a_table_even_without_rows(store, facts, rows):
    store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS)
    for _ in range(12):
        store.overwrite(facts, facts.empty(), partitions=DAYS)
    [done] = maintain(store, NOTHING, tables=[facts])
    assert done.log_files
    assert store.exists(facts)
    assert store.read(facts).is_empty()


def test_a_damaged_table_is_left_alone_and_the_others_are_done(written, facts, things, rows):
    written.overwrite(things, rows({DAYS[0]: [1]}).drop("event_date"))
    written.overwrite(things, rows({DAYS[0]: [2]}).drop("event_date"))
    [live, *_] = [file for file in DeltaTable(written.uri(facts)).file_uris() if "03-02" in file]
    Path(live).write_bytes(b"")
    version = written.version(facts)
    damaged, fine = maintain(written, NOTHING, tables=[facts, things])
    assert "tests/facts: version" in damaged.left_alone
    assert not damaged.changed
    assert written.version(facts) == version
    assert fine.deleted


def test_tables_that_do_not_exist_are_passed_over_and_no_retention_is_negative(store, facts):
    assert maintain(store, WEEK, tables=[facts]) == []
    assert not Path(store.root).exists()
    with pytest.raises(UserError, match="negative"):
        maintain(store, -WEEK, tables=[facts])


def test_compaction_of_a_private_table_leaves_it_to_its_owner(store):
    one = pl.DataFrame({"event_date": DAYS[:1], "source_row": [0]})
    frame = pl.concat([EVENTS.empty(), one], how="diagonal_relaxed")
    before = os.umask(0o000)
    try:
        store.overwrite(EVENTS, frame, partitions=DAYS[:1])
        appended(store, EVENTS, frame)
        [done] = maintain(store, NOTHING, tables=[EVENTS])
    finally:
        os.umask(before)
    assert done.compacted == 2
    files = [path for path in Path(store.root, "raw").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_named_versions_stay_readable_after_many_commits_and_every_age(store, facts, rows):
    digests = {}
    for number in range(30):
        store.overwrite(facts, rows({DAYS[0]: [number, 1]}), partitions=DAYS[:1])
        version = store.version(facts)
        digests[version] = store.digests(facts)
        if number in (10, 20):
            maintain(store, NOTHING, tables=[facts], keep={facts.path: [3, 7, 99]})
            store.overwrite(facts, rows({DAYS[1]: [1]}), partitions=DAYS[1:])
            maintain(store, NOTHING, tables=[facts], keep={facts.path: [3, 7]})
    for version in (3, 7):
        assert store.digests(facts, at=version) == digests[version]
    with pytest.raises(DataError, match="is gone"):
        store.read(facts, at=5)
    maintain(store, NOTHING, tables=[facts], keep={"tests/other": [3]})
    with pytest.raises(DataError, match=r"tests/facts: the table at .* cannot be read at 3"):
        store.read(facts, at=3)


def test_writers_delete_nothing_from_the_log_between_two_maintenances(store, facts, rows):
    store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1])
    maintain(store, NOTHING, tables=[facts])  # from here on every entry is old enough to go
    kept = store.version(facts)
    delta = DeltaTable(store.uri(facts))
    delta.alter.set_table_properties({"delta.checkpointInterval": "5"})
    for number in range(12):
        store.overwrite(facts, rows({DAYS[1]: [number]}), partitions=DAYS[1:])
    assert list(Path(store.uri(facts), "_delta_log").glob("*.checkpoint.parquet"))
    assert store.read(facts, at=kept)["number"].to_list() == [1]
