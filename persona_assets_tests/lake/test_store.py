import shutil
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import narwhals as nw
import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake import Commit, DeltaStore
from persona_assets.lake.content_hash import content_hash, render
from persona_assets.lake.store import WHOLE

DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(6)]

PARTITIONS = st.lists(st.sampled_from(DAYS), min_size=1, max_size=4)
CONTENT = st.dictionaries(
    st.sampled_from(DAYS), st.lists(st.integers(-3, 3), max_size=3), max_size=6
)


@settings(max_examples=25)
@given(st.lists(st.tuples(PARTITIONS, CONTENT), min_size=1, max_size=4), PARTITIONS)
def test_any_sequence_of_partition_writes_equals_a_dict(facts, rows, writes, asked):
    """Days, ranges, disjoint days, days without rows, days named twice, in any order."""
    model: dict[date, list[int]] = {}
    with tempfile.TemporaryDirectory() as root:
        store = DeltaStore(root)
        for partitions, content in writes:
            given_rows = {day: content.get(day, []) for day in partitions}
            written = store.overwrite(facts, rows(given_rows), partitions=partitions)
            model |= given_rows
            assert written.rows == {day.isoformat(): len(given_rows[day]) for day in partitions}
            kept = {day: numbers for day, numbers in model.items() if numbers}
            assert numbers_of(store.read(facts)) == sorted_numbers(kept)
        some = {day: numbers for day, numbers in kept.items() if day in asked}
        assert numbers_of(store.read(facts, asked)) == sorted_numbers(some)
        assert store.partition_rows(facts) == {
            day.isoformat(): len(kept[day]) for day in sorted(kept)
        }


def numbers_of(frame: pl.DataFrame) -> list[tuple[date, int]]:
    return sorted(frame.select("event_date", "number").rows())


def sorted_numbers(content: dict[date, list[int]]) -> list[tuple[date, int]]:
    return sorted((day, number) for day, numbers in content.items() for number in numbers)


def test_a_first_write_without_rows_makes_the_table(store, facts, things, rows):
    assert not store.exists(facts)
    written = store.overwrite(facts, rows({}), partitions=DAYS[:2])
    assert store.exists(facts)
    assert written.rows == {"2025-03-01": 0, "2025-03-02": 0}
    assert set(written.hashes.values()) == {content_hash(facts.empty())}
    assert_frame_equal(store.read(facts), facts.empty())
    assert store.overwrite(things, things.empty()).rows == {WHOLE: 0}
    assert store.exists(things)
    assert store.read(things).is_empty()


def test_a_folder_may_have_blanks_and_letters_of_any_language(tmp_path, facts, rows):
    store = DeltaStore(str(tmp_path / "my shop's händel & sons"))
    store.overwrite(facts, rows({DAYS[0]: [1], DAYS[1]: [2]}), partitions=DAYS[:2])
    store.overwrite(facts, rows({DAYS[0]: [3]}), partitions=DAYS[:1])
    assert numbers_of(store.read(facts)) == [(DAYS[0], 3), (DAYS[1], 2)]


def test_an_unpartitioned_table_is_replaced_whole(store, things, rows):
    first = rows({DAYS[0]: [1, 2]}).drop("event_date")
    store.overwrite(things, first)
    store.overwrite(things, first.head(1).with_columns(number=pl.lit(9)))
    assert store.read(things)["number"].to_list() == [9]


def test_reading_no_partitions_reads_nothing(store, facts, rows):
    store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1])
    assert store.read(facts, []).is_empty()
    assert store.digests(facts, []) == {}


@pytest.mark.parametrize(
    "partitions",
    [None, [], ["2025-03-01"], [datetime(2025, 3, 1)], [DAYS[0], None], [20250301]],
)
def test_a_partitioned_write_needs_dates_and_else_changes_nothing(store, facts, rows, partitions):
    before = store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1])
    with pytest.raises(DataError, match="tests/facts"):
        store.overwrite(facts, rows({DAYS[0]: [2]}), partitions=partitions)
    assert store.version(facts) == before.version
    assert store.read(facts)["number"].to_list() == [1]


def test_an_unpartitioned_table_takes_no_partitions(store, things, rows):
    with pytest.raises(DataError, match="tests/things is not partitioned"):
        store.overwrite(things, rows({DAYS[0]: [1]}).drop("event_date"), partitions=DAYS[:1])
    assert not store.exists(things)


@pytest.mark.parametrize("exists", [False, True])
def test_rows_outside_the_partitions_are_named_by_day_alone(store, facts, rows, exists):
    """Never by their values: rows of raw tables hold people's identifiers."""
    before = None
    if exists:
        before = store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1]).version
    stray = rows({DAYS[0]: [5], DAYS[2]: [6, 7], DAYS[3]: [8]}, name="someone's name")
    with pytest.raises(DataError, match=r"tests/facts: 3 row\(s\) of 2025-03-03, 2025-03-04") as it:
        store.overwrite(facts, stray, partitions=DAYS[:2])
    assert "someone" not in str(it.value)
    assert it.value.__cause__ is None
    assert it.value.__suppress_context__
    assert store.version(facts) == before
    if exists:
        assert store.read(facts)["number"].to_list() == [1]


def test_rows_without_a_day_are_refused(store, facts, rows):
    lost = rows({DAYS[0]: [1]}).with_columns(event_date=pl.lit(None, pl.Date))
    with pytest.raises(DataError, match=r"1 row\(s\) of None"):
        store.overwrite(facts, lost, partitions=DAYS[:1])
    assert not store.exists(facts)


def test_a_frame_that_cannot_be_computed_is_not_the_storages_fault(store, facts, rows):
    frame = nw.from_native(
        rows({DAYS[0]: [1]}).lazy().with_columns(number=pl.col("name").cast(int))
    )
    with pytest.raises(
        DataError, match=r"tests/facts.*conversion from `str`.*correct the transform"
    ):
        store.overwrite(facts, frame, partitions=DAYS[:1])
    assert not store.exists(facts)


def test_what_was_written_is_told(store, facts, things, rows):
    frame = rows({DAYS[0]: [1, 2], DAYS[2]: [3]})
    written = store.overwrite(facts, frame, partitions=DAYS[:3])
    assert written.rows == {"2025-03-01": 2, "2025-03-02": 0, "2025-03-03": 1}
    assert written.hashes == {
        day.isoformat(): content_hash(frame.filter(event_date=day)) for day in DAYS[:3]
    }
    assert written.hashes == {
        key: render(*digest) for key, digest in store.digests(facts, DAYS[:3]).items()
    }
    assert written.version == store.version(facts)
    whole = store.overwrite(things, frame.drop("event_date"))
    assert whole.hashes == {WHOLE: content_hash(frame.drop("event_date"))}
    assert store.partition_rows(things) == {WHOLE: 3}


def test_digests_do_not_depend_on_how_many_rows_are_hashed_at_once(store, facts, rows, monkeypatch):
    frame = rows({day: list(range(number)) for number, day in enumerate(DAYS)})
    written = store.overwrite(facts, frame, partitions=DAYS)
    monkeypatch.setattr("persona_assets.lake.polars_engine._DIGEST_ROWS", 4)
    digests = store.digests(facts)
    # The first day has no rows and so is no partition unless it is asked for.
    assert {key: render(*digest) for key, digest in digests.items()} == {
        key: digest for key, digest in written.hashes.items() if key != DAYS[0].isoformat()
    }


def test_a_commit_says_what_made_it(store, facts, rows):
    commit = Commit(
        run_id="run 7",
        asset="tests/facts",
        partitions=("2025-03-01", "2025-03-02"),
        code_version="c0de",
        inputs={"raw/users": 3, "raw/events": 12},
    )
    store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:2], commit=commit)
    newest = store.history(facts, 1)
    assert len(newest) == 1
    assert {name: newest[0][name] for name in newest[0] if name.startswith("persona/")} == {
        "persona/run_id": "run 7",
        "persona/asset": "tests/facts",
        "persona/partitions": '["2025-03-01", "2025-03-02"]',
        "persona/code_version": "c0de",
        "persona/inputs": '{"raw/events": 12, "raw/users": 3}',
    }


def test_history_numbers_commits_rightly_while_others_write(store, facts, rows, monkeypatch):
    for number in range(3):
        frame = rows({DAYS[0]: [number]})
        store.overwrite(facts, frame, partitions=DAYS[:1], commit=Commit(run_id=str(number)))
    truth = {entry["version"]: entry.get("persona/run_id") for entry in store.history(facts)}
    taken = DeltaTable.history

    def interrupted(delta: DeltaTable, limit: int | None = None):
        monkeypatch.setattr(DeltaTable, "history", taken)
        frame = rows({DAYS[1]: [9]})
        store.overwrite(facts, frame, partitions=[DAYS[1]], commit=Commit(run_id="rival"))
        return taken(delta, limit)

    monkeypatch.setattr(DeltaTable, "history", interrupted)
    found = {entry["version"]: entry.get("persona/run_id") for entry in store.history(facts)}
    assert found == truth | {max(truth) + 1: "rival"}


def test_time_travel_by_version_and_by_time(store, facts, rows):
    versions, moments = [], []
    for number in range(3):
        written = store.overwrite(facts, rows({DAYS[0]: [number]}), partitions=DAYS[:1])
        versions.append(written.version)
        moments.append(datetime.now(UTC))
    for number, (version, moment) in enumerate(zip(versions, moments, strict=True)):
        assert store.read(facts, at=version)["number"].to_list() == [number]
        assert store.read(facts, at=moment)["number"].to_list() == [number]
        assert store.digests(facts, at=version) == {
            "2025-03-01": digest_of(rows({DAYS[0]: [number]}))
        }
    later = datetime.now(UTC) + timedelta(days=1)
    assert store.read(facts, at=later)["number"].to_list() == [2]


def digest_of(frame: pl.DataFrame) -> tuple[int, int]:
    rows, total = content_hash(frame).split("-")
    return int(rows), int(total, 16)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (99, "no version 99"),
        (-1, "no version -1"),
        (datetime(2001, 1, 1, tzinfo=UTC), "did not exist at 2001-01-01"),
        (datetime(2040, 1, 1), "no time zone"),
    ],
)
def test_a_past_that_never_was_is_named(store, facts, rows, at, said):
    store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1])
    with pytest.raises(DataError, match=f"tests/facts.*{said}"):
        store.read(facts, at=at)


def test_a_scan_keeps_to_its_version_however_late_it_is_collected(store, facts, rows):
    store.overwrite(facts, rows({DAYS[0]: [1], DAYS[1]: [2]}), partitions=DAYS[:2])
    scan = store.scan(facts)
    store.overwrite(facts, rows({DAYS[0]: [3]}), partitions=DAYS[:2])
    assert sorted(store.engine.collect(scan)["number"]) == [1, 2]


def test_a_write_may_read_the_partition_that_it_replaces(store, facts, rows):
    store.overwrite(facts, rows({DAYS[0]: [1, 2]}), partitions=DAYS[:1])
    more = store.scan(facts, DAYS[:1]).with_columns(nw.col("number") + 10)
    store.overwrite(facts, more, partitions=DAYS[:1])
    assert sorted(store.read(facts)["number"]) == [11, 12]


def test_a_table_that_is_not_there_is_named_with_its_asset(store, facts):
    assert not store.exists(facts)
    assert store.version(facts) is None
    with pytest.raises(DataError, match=r"no such table at .*/tests/facts; materialize the asset"):
        store.read(facts)


def log_of(store: DeltaStore, table) -> Path:
    return Path(store.uri(table)) / "_delta_log"


def truncate(log: Path) -> None:
    newest = sorted(log.glob("*.json"))[-1]
    newest.write_bytes(newest.read_bytes()[:-40])


def garble(log: Path) -> None:
    sorted(log.glob("*.json"))[1].write_bytes(b"\x00\xffnot a commit")


def lose_one(log: Path) -> None:
    sorted(log.glob("*.json"))[1].unlink()


def lose_first(log: Path) -> None:
    sorted(log.glob("*.json"))[0].unlink()


def empty(log: Path) -> None:
    for file in log.iterdir():
        file.unlink()


def remove(log: Path) -> None:
    shutil.rmtree(log)


def replace_by_file(log: Path) -> None:
    shutil.rmtree(log)
    log.write_text("not a folder")


@pytest.mark.parametrize("partitioned", [True, False])
@pytest.mark.parametrize(
    "harm", [truncate, garble, lose_one, lose_first, empty, remove, replace_by_file]
)
def test_a_damaged_log_is_one_clear_error_and_nothing_is_lost(
    store, facts, things, rows, harm, partitioned
):
    table = facts if partitioned else things
    frame = rows({DAYS[0]: [1], DAYS[1]: [2]}) if partitioned else rows({DAYS[0]: [1]})
    frame = frame.select(table.polars_schema.names())
    days = DAYS[:2] if partitioned else None
    for _ in range(3):
        store.overwrite(table, frame, partitions=days)
    harm(log_of(store, table))
    files = sorted(Path(store.root).rglob("*"))
    for attempt in (
        lambda: store.version(table),
        lambda: store.exists(table),
        lambda: store.read(table),
        lambda: store.read(table, at=1),
        lambda: store.overwrite(table, frame, partitions=days),
    ):
        with pytest.raises(DataError) as error:
            attempt()
        message = str(error.value)
        assert message.startswith(f"{table.path}: ")
        assert store.uri(table) in message
        assert "restore the folder from a copy, or move it aside" in message
        assert "\n" not in message
    assert files == sorted(Path(store.root).rglob("*"))
    # The remedy that the message names works.
    shutil.move(store.uri(table), f"{store.root}/aside")
    store.overwrite(table, frame, partitions=days)
    assert store.read(table).height == frame.height


def test_a_killed_first_write_leaves_no_table_and_the_next_write_completes(
    store, things, rows, monkeypatch
):
    """Data files but no commit: what a process killed before its first commit leaves behind."""
    frame = rows({DAYS[0]: [1]}).drop("event_date")

    def die(*_: object, **__: object) -> int:
        (Path(store.uri(things)) / "part-0.parquet").write_bytes(b"PAR1")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(store.engine), "overwrite", die)
        store.overwrite(things, frame)
    assert not store.exists(things)
    with pytest.raises(DataError, match="materialize the asset tests/things first"):
        store.read(things)
    store.overwrite(things, frame)
    assert_frame_equal(store.read(things), frame)


def test_a_file_where_a_folder_should_be_is_the_storages_fault(tmp_path, facts, rows):
    (tmp_path / "lake").write_text("in the way")
    store = DeltaStore(str(tmp_path / "lake"))
    with pytest.raises(InfrastructureError, match=r"tests/facts: cannot write .*lake/tests/facts"):
        store.overwrite(facts, rows({DAYS[0]: [1]}), partitions=DAYS[:1])
    assert (tmp_path / "lake").read_text() == "in the way"


def test_storage_options_are_never_shown(facts):
    store = DeltaStore("/tmp/lake", storage_options={"aws_secret_access_key": "hush"})
    assert "hush" not in repr(store)


@pytest.mark.parametrize(("rival_day", "times"), [(DAYS[1], 1), (DAYS[0], 2)])
def test_only_a_rival_for_the_same_partition_makes_a_write_start_again(
    store, facts, rows, rival_day, times
):
    store.overwrite(facts, rows({day: [0] for day in DAYS[:2]}), partitions=DAYS[:2])
    computed = []

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        if not computed:
            store.overwrite(facts, rows({rival_day: [9]}), partitions=[rival_day])
        computed.append(frame.height)
        return frame

    frame = rows({DAYS[0]: [1]})
    lazy = nw.from_native(frame.lazy().map_batches(compute, schema=frame.schema))
    written = store.overwrite(facts, lazy, partitions=DAYS[:1])
    assert len(computed) == times
    assert written.hashes == {"2025-03-01": content_hash(frame)}
    expected = {DAYS[0]: [1], DAYS[1]: [9] if rival_day == DAYS[1] else [0]}
    assert numbers_of(store.read(facts)) == sorted_numbers(expected)


def test_what_is_told_of_a_write_is_not_what_a_rival_wrote_after_it(
    store, facts, rows, monkeypatch
):
    engine = type(store.engine)
    taken = engine.overwrite

    def overtaken(self: object, *arguments: object, **options: object) -> int:
        monkeypatch.setattr(engine, "overwrite", taken)
        version = taken(self, *arguments, **options)
        store.overwrite(facts, rows({DAYS[0]: [8, 9]}), partitions=DAYS[:1])
        return version

    monkeypatch.setattr(engine, "overwrite", overtaken)
    frame = rows({DAYS[0]: [1]})
    written = store.overwrite(facts, frame, partitions=DAYS[:1])
    assert written.hashes == {"2025-03-01": content_hash(frame)}
    assert written.version == store.version(facts) - 1


def test_a_writer_that_always_loses_says_so(store, facts, rows, monkeypatch):
    monkeypatch.setattr("persona_assets.lake.store._ATTEMPTS", 2)

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        store.overwrite(facts, rows({DAYS[0]: [9]}), partitions=DAYS[:1])
        return frame

    frame = rows({DAYS[0]: [1]})
    lazy = nw.from_native(frame.lazy().map_batches(compute, schema=frame.schema))
    said = r"tests/facts: 2 writes of event_date IN \('2025-03-01'\) lost.*run them one after"
    with pytest.raises(InfrastructureError, match=said):
        store.overwrite(facts, lazy, partitions=DAYS[:1])
    assert store.read(facts)["number"].to_list() == [9]
