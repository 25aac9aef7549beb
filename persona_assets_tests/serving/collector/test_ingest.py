"""Every event of the log is in the lake once, whoever brings it in, how often, and side by side."""

import itertools
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake import DeltaStore, append_once
from persona_assets.serving.collector.acceptance import encoded
from persona_assets.serving.collector.contract import CollectedEvent
from persona_assets.serving.collector.ingest import application, forget, ingest, ingest_home, lag
from persona_assets.serving.event_log.segments import segments
from persona_assets.serving.event_log.writer import EventLog
from persona_assets.tables.collected import COLLECTED_EVENTS

NOON = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp() * 1e6)
DAY = 86_400_000_000


def event(number: int, *, days: int = 0) -> CollectedEvent:
    return CollectedEvent(
        event_id=f"e-{number}",
        event_type="view",
        event_time=NOON + days * DAY + number,
        arrival_time=NOON + days * DAY + number + 5,
        source="events",
        user_id=f"{number % 7:032x}",
        product_id="p",
        quantity=1.0,
        consent=True,
    )


def logged(folder: Path, *events: CollectedEvent, segment_bytes: int = 2_000) -> Path:
    log = EventLog(folder, segment_bytes=segment_bytes)
    for each in events:
        log.append([encoded(each)]).result()
    log.close()
    return folder


def ids(store: DeltaStore) -> list[str]:
    return store.read(COLLECTED_EVENTS).sort("event_ts")["event_id"].to_list()


@pytest.fixture
def store(tmp_path: Path) -> DeltaStore:
    return DeltaStore(str(tmp_path / "lake"))


def test_what_is_ingested_again_is_not_there_twice(tmp_path: Path, store: DeltaStore) -> None:
    folder = logged(tmp_path / "log", *(event(number, days=number % 3) for number in range(30)))
    first = ingest(folder, store, records=7)
    assert (first.rows, first.known, len(first.days)) == (30, 0, 3)
    assert ingest(folder, store).rows == 0
    logged(folder, event(30), event(3), event(31))
    again = ingest(folder, store)
    assert (again.rows, again.known) == (2, 1)
    assert sorted(ids(store)) == sorted(f"e-{number}" for number in range(32))


@given(
    sent=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_any_sequence_of_events_and_ingests_ends_with_each_event_once(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[int, int]], cuts: list[int]
) -> None:
    home = tmp_path_factory.mktemp("home")
    store = DeltaStore(str(home / "lake"))
    events = [event(number, days=number % 3) for number, _ in sent]
    places = sorted({0, *(cut for cut in cuts if cut < len(events)), len(events)})
    for start, end in itertools.pairwise(places):
        logged(home / "log", *events[start:end], segment_bytes=300)
        ingest(home / "log", store, records=3)
    expected = sorted({each.event_id for each in events})
    found = sorted(ids(store)) if store.exists(COLLECTED_EVENTS) else []
    assert found == expected


def test_a_row_is_the_event(tmp_path: Path, store: DeltaStore) -> None:
    sent = event(1)
    ingest(logged(tmp_path / "log", sent), store)
    (row,) = store.read(COLLECTED_EVENTS).rows(named=True)
    assert row["event_date"] == date(2026, 1, 1)
    assert row["event_ts"] == datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(microseconds=1)
    for name in ("event_id", "event_type", "user_id", "product_id", "quantity", "consent"):
        assert row[name] == getattr(sent, name)
    assert {row[name] for name in ("price", "order_id", "query", "position")} == {None}


RACER = """
import sys, time
from pathlib import Path
from persona_assets.lake import DeltaStore
from persona_assets.serving.collector.ingest import ingest

folder, root, here, begin = sys.argv[1:]
Path(here).touch()
while not Path(begin).exists():
    time.sleep(0.001)
ingest(Path(folder), DeltaStore(root), records=5)
"""


def test_two_racing_ingesters_bring_each_event_in_once(tmp_path: Path, store: DeltaStore) -> None:
    folder = logged(tmp_path / "log", *(event(number) for number in range(60)))
    here, begin = [tmp_path / "first", tmp_path / "second"], tmp_path / "begin"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder), store.root, str(each), str(begin)],
            env=environment,
        )
        for each in here
    ]
    while not all(each.exists() for each in here) and not any(each.poll() for each in racers):
        time.sleep(0.01)
    begin.touch()
    assert [each.wait() for each in racers] == [0, 0]
    assert ids(store) == [f"e-{number}" for number in range(60)]


def test_a_rival_between_reading_and_writing_is_noticed(
    tmp_path: Path, store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = logged(tmp_path / "log", *(event(number) for number in range(10)))
    write, rivals = append_once._append, []

    def slow(*arguments: object) -> None:
        if not rivals:  # the rival gets everything in between
            rivals.append(True)
            rivals.append(ingest(folder, store).rows)
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(append_once, "_append", slow)
    assert ingest(folder, store).rows == 0
    assert rivals == [True, 10]
    assert len(ids(store)) == 10


def test_a_commit_that_fails_is_made_again_from_where_it_was(
    tmp_path: Path, store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = logged(tmp_path / "log", *(event(number) for number in range(10)))
    write, calls = append_once._append, []

    def failing(*arguments: object) -> None:
        calls.append(True)
        if len(calls) == 2:
            raise OSError("no room")
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(append_once, "_append", failing)
    with pytest.raises(InfrastructureError, match="not appended twice"):
        ingest(folder, store, records=4)
    assert len(ids(store)) == 4
    assert ingest(folder, store, records=4).rows == 6


def test_a_log_begun_anew_is_another_log(tmp_path: Path, store: DeltaStore) -> None:
    ingest(logged(tmp_path / "log", event(1), event(2)), store)
    (tmp_path / "log").rename(tmp_path / "old")
    ingest(logged(tmp_path / "log", event(3)), store)
    assert ids(store) == ["e-1", "e-2", "e-3"]


def test_a_log_that_lost_what_is_in_the_lake_is_refused(tmp_path: Path, store: DeltaStore) -> None:
    folder = logged(tmp_path / "log", event(1), event(2))
    ingest(folder, store)
    (only,) = segments(folder)
    only.path.write_bytes(only.path.read_bytes()[: only.size // 2])
    with pytest.raises(DataError, match="older copy"):
        ingest(folder, store)


def test_events_without_a_lake_again_come_from_the_log(tmp_path: Path, store: DeltaStore) -> None:
    folder = logged(tmp_path / "log", event(1), event(2))
    ingest(folder, store)
    Path(store.root).rename(tmp_path / "lost")
    assert ingest(folder, store).rows == 2


def test_segments_in_the_lake_are_forgotten_when_they_are_old(
    tmp_path: Path, store: DeltaStore
) -> None:
    folder = logged(tmp_path / "log", *(event(n) for n in range(4)), segment_bytes=1)
    age, later = timedelta(days=7), datetime.now().timestamp() + 8 * 86_400
    assert forget(folder, store, age, later) == 0  # not in the lake yet
    ingest(folder, store)
    assert forget(folder, store, age, datetime.now().timestamp()) == 0  # too young
    assert forget(folder, store, age, later) == 3
    logged(folder, event(4))
    assert ingest(folder, store).rows == 1
    assert len(ids(store)) == 5


def test_the_lag_is_the_age_of_the_oldest_event_that_is_not_in_the_lake(
    tmp_path: Path, store: DeltaStore
) -> None:
    folder = logged(tmp_path / "log", event(0), event(1_000_000))
    now = NOON / 1e6 + 60
    assert lag(folder, store, now).seconds == pytest.approx(60, abs=1)
    ingest(folder, store)
    found = lag(folder, store, now)
    assert (found.seconds, found.offset) == (0.0, found.end)


def test_a_home_without_a_running_service_is_ingested_to_its_last_event(
    tmp_path: Path, store: DeltaStore
) -> None:
    assert ingest_home(tmp_path, store).rows == 0
    folder = logged(tmp_path / "event_log", event(1))
    (only,) = segments(folder)
    only.path.rename(only.path.with_suffix(".open"))  # as a killed service leaves it
    assert ingest_home(tmp_path, store).rows == 1


def test_what_a_running_service_has_not_synchronized_is_left_to_later(
    tmp_path: Path, store: DeltaStore
) -> None:
    log = EventLog(tmp_path / "event_log")
    log.append([encoded(event(1))]).result()
    log.append([encoded(event(2))]).result()
    assert ingest_home(tmp_path, store).rows == 1  # the last group is known by the next one
    log.close()
    assert ingest_home(tmp_path, store).rows == 1


def test_an_ingest_ends_though_events_keep_coming(
    tmp_path: Path, store: DeltaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = logged(tmp_path / "log", *(event(number) for number in range(3)))
    write, more = append_once._append, iter(range(3, 100))

    def slow(*arguments: object) -> None:
        logged(folder, event(next(more)), event(next(more)))  # while each part is written
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(append_once, "_append", slow)
    assert ingest(folder, store, records=1).rows == 3


def test_its_mark_is_kept_by_compaction(tmp_path: Path, store: DeltaStore) -> None:
    from persona_assets.lake.maintenance import maintain

    folder = logged(tmp_path / "log", *(event(number) for number in range(12)))
    ingest(folder, store, records=1)
    before = store.digests(COLLECTED_EVENTS)
    maintain(store, timedelta(0), tables=[COLLECTED_EVENTS])
    assert store.digests(COLLECTED_EVENTS) == before
    assert append_once.mark_of(store, COLLECTED_EVENTS, application(folder)) is not None
    assert ingest(folder, store).rows == 0
    assert pl.Series(ids(store)).n_unique() == 12
