"""Writers at once, readers meanwhile, and writers killed: each writer is a process of its own."""

import importlib.util
import random
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from persona_assets.lake import DeltaStore
from persona_assets.lake.content_hash import content_hash
from persona_assets.tables.mart import QUARANTINE
from persona_assets.tables.raw import PRODUCTS

SCRIPT = Path(__file__).with_name("writer_process.py")
DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(48)]


def _script():
    """The writers' own module, to know what they write."""
    spec = importlib.util.spec_from_file_location("writer_process", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_six_processes_write_48_partitions_of_a_new_table_at_once(tmp_path, writers):
    store = DeltaStore(str(tmp_path))
    assert not store.exists(QUARANTINE)
    rivals = writers.start(tmp_path, "each", [("v", DAYS[number::6]) for number in range(6)])
    for writer in rivals:
        writer.go()
    commits = [commit for writer in rivals for commit in writer.commits()]
    assert len({commit["version"] for commit in commits}) == len(commits) == 48
    # Each writer is told the digest of its own rows, whoever wrote meanwhile.
    alone = {
        day.isoformat(): content_hash(_script().quarantine([day], f"v0 on {day}")) for day in DAYS
    }
    told = {key: digest for commit in commits for key, digest in commit["hashes"].items()}
    assert told == alone
    stored = store.read(QUARANTINE).partition_by("event_date")
    assert {str(day["event_date"][0]): content_hash(day) for day in stored} == alone


def test_of_rivals_for_the_same_partitions_one_wins_whole_and_none_fails(tmp_path, writers):
    rivals = writers.start(tmp_path, "together", [(f"w{n}-", DAYS[:3]) for n in range(4)], times=3)
    for writer in rivals:
        writer.go()
    commits = {c["version"]: c["hashes"] for w in rivals for c in w.commits()}
    assert len(commits) == 12
    store = DeltaStore(str(tmp_path))
    for version, hashes in commits.items():
        frame = store.read(QUARANTINE, at=version)
        assert frame["value"].n_unique() == 1
        assert len(frame) == 3 * _script().ROWS
        assert hashes == {str(day): content_hash(frame.filter(event_date=day)) for day in DAYS[:3]}
    last = store.read(QUARANTINE)["value"].unique().to_list()
    assert last == store.read(QUARANTINE, at=max(commits))["value"].unique().to_list()


def test_rivals_for_a_new_unpartitioned_table_never_mix(tmp_path, writers):
    """delta-rs by itself keeps the rows of all who create or replace an empty table at once."""
    rivals = writers.start(tmp_path, "whole", [(f"w{number}-", []) for number in range(4)], times=2)
    for writer in rivals:
        writer.go()
    commits = [commit for writer in rivals for commit in writer.commits()]
    store = DeltaStore(str(tmp_path))
    assert len({commit["version"] for commit in commits}) == 8
    for commit in commits:
        frame = store.read(PRODUCTS, at=commit["version"])
        assert frame["brand"].n_unique() == 1
        assert len(frame) == _script().ROWS
        assert commit["hashes"] == {"": content_hash(frame)}


def test_a_reader_sees_whole_commits_while_others_write(tmp_path, writers):
    store = DeltaStore(str(tmp_path))
    days = DAYS[:4]
    [writer] = writers.start(tmp_path, "together", [("v", days)], times=25)
    writer.go()
    seen, scans = set(), []
    while writer.process.poll() is None:
        if store.exists(QUARANTINE):
            scans.append(store.scan(QUARANTINE))
            seen.add(one_value(store.read(QUARANTINE), days))
    writer.commits()
    assert len(seen) > 1
    pinned = [one_value(store.engine.collect(scan), days) for scan in scans[::5]]
    assert pinned == sorted(pinned, key=lambda value: int(value.removeprefix("v")))


def one_value(frame: pl.DataFrame, days: list[date]) -> str:
    """The value that all rows have, after checking that they are of one whole commit."""
    rows = frame.group_by("event_date").len().sort("event_date")
    assert rows.rows() == [(day, _script().ROWS) for day in days]
    [value] = frame["value"].unique().to_list()
    return str(value)


def test_writers_killed_at_random_points_leave_whole_commits(tmp_path, writers):
    """And the run after them completes, with the contents of a lake in which nobody died."""
    rng = random.Random(11)
    days = DAYS[:3]
    store = DeltaStore(str(tmp_path / "lake"))
    doomed = writers.start(
        tmp_path / "lake", "together", [(f"k{number}-", days) for number in range(6)], times=0
    )
    survived = []
    for number, writer in enumerate(doomed):
        writer.go()
        # The first is killed within its first commit, the rest at any instant after theirs.
        if number > 0:
            assert writer.process.stdout is not None
            writer.process.stdout.readline()
        time.sleep(rng.uniform(0, 0.05 if number == 0 else 0.3))
        writer.kill()
        if store.exists(QUARANTINE):
            survived.append(one_value(store.read(QUARANTINE), days))
    assert len(set(survived)) > 1
    hashes = []
    for root in (tmp_path / "lake", tmp_path / "peace"):
        frame = _script().quarantine(days, "after")
        hashes.append(DeltaStore(str(root)).overwrite(QUARANTINE, frame, partitions=days).hashes)
    assert hashes[0] == hashes[1]
    assert one_value(store.read(QUARANTINE), days) == "after"
