"""What was acknowledged is read again, whole, in order and once, whatever happens to the writer."""

import errno
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError, UserError
from persona_assets.serving.event_log import reader, records
from persona_assets.serving.event_log.segments import segments
from persona_assets.serving.event_log.writer import EventLog, LogUnavailableError


def payloads(folder: Path, offset: int = 0, **asked: bool) -> list[bytes]:
    return [record.payload for record in reader.read(folder, offset, **asked)]


def log_of(folder: Path, *groups: list[bytes]) -> Path:
    log = EventLog(folder)
    for group in groups:
        log.append(group).result()
    log.close()
    return segments(folder)[0].path


@given(
    groups=st.lists(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4)),
    segment_bytes=st.integers(1, 200),
)
def test_what_is_appended_is_read_from_every_offset(
    tmp_path_factory: pytest.TempPathFactory, groups: list[list[bytes]], segment_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = EventLog(folder, segment_bytes=segment_bytes)
    ends = [log.append(group).result() for group in groups]
    log.close()
    everything = [payload for group in groups for payload in group]
    found = list(reader.read(folder))
    assert [record.payload for record in found] == everything
    assert set(ends) <= {record.next_offset for record in found}
    for number, record in enumerate(found, start=1):
        assert payloads(folder, record.next_offset) == everything[number:]
    assert reader.extent(folder).sealed == max(ends, default=0)


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    log_of(tmp_path / "log", [b"one"])
    log_of(tmp_path / "log", [b"two"])
    assert payloads(tmp_path / "log") == [b"one", b"two"]


def test_its_files_are_its_owners_alone(tmp_path: Path) -> None:
    log_of(tmp_path / "log", [b"one"])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "log").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700


def test_one_process_writes(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    with pytest.raises(UserError, match="another process writes"):
        EventLog(tmp_path)
    log.close()
    EventLog(tmp_path).close()


def test_many_appends_share_a_synchronization(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    begin = threading.Event()
    sync, calls = os.fdatasync, []

    def slow(descriptor: int) -> None:
        begin.wait()
        calls.append(descriptor)
        sync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", slow)
        waiting = [log.append([f"{number}".encode()]) for number in range(100)]
        begin.set()
        for each in waiting:
            each.result()
    log.close()
    assert 1 <= len(calls) <= 2
    assert payloads(tmp_path) == [f"{number}".encode() for number in range(100)]


def test_nothing_is_acknowledged_before_it_is_synchronized(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    reached, allowed = threading.Event(), threading.Event()

    def slow(descriptor: int) -> None:
        reached.set()
        allowed.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", slow)
        waiting = log.append([b"one"])
        assert reached.wait(60), "it was never synchronized"
        assert not waiting.done()
        # Not to be read either: its offset is not given for good.
        assert payloads(tmp_path) == []
        allowed.set()
        waiting.result()
    log.close()


def test_a_write_that_was_cut_off_is_removed_at_the_next_start(tmp_path: Path) -> None:
    path = log_of(tmp_path, [b"one", b"two"], [b"three"])
    whole = path.read_bytes()
    last = list(records.records(whole))[-1]
    for size in range(last.position, last.end):
        torn = path.with_suffix(".open")
        path.unlink(missing_ok=True)
        torn.write_bytes(whole[:size])
        log = EventLog(tmp_path)
        assert log.cut_off == size - last.position
        log.append([b"four"]).result()
        log.close()
        assert payloads(tmp_path) == [b"one", b"two", b"four"]
        for each in segments(tmp_path)[1:]:
            each.path.unlink()


def test_a_page_that_was_lost_within_the_last_group_is_no_damage(tmp_path: Path) -> None:
    path = log_of(tmp_path, [b"one"], [b"two", b"three", b"four"])
    data = bytearray(path.read_bytes())
    lost = list(records.records(bytes(data)))[2]
    data[lost.position : lost.end] = bytes(lost.end - lost.position)
    path.rename(path.with_suffix(".open")).write_bytes(data)
    EventLog(tmp_path).close()
    assert payloads(tmp_path) == [b"one", b"two"]


@pytest.mark.parametrize("suffix", [".open", ".log"])
def test_damage_before_a_later_group_names_file_and_place(tmp_path: Path, suffix: str) -> None:
    path = log_of(tmp_path, [b"one"], [b"two"], [b"three"])
    data = bytearray(path.read_bytes())
    second = list(records.records(bytes(data)))[1]
    for position in range(second.position, second.end):
        spoiled = bytearray(data)
        spoiled[position] ^= 0xFF
        path.unlink(missing_ok=True)
        path = path.with_suffix(suffix)
        path.write_bytes(spoiled)
        with pytest.raises(DataError, match=rf"{path.name}.* byte {second.position} is damaged"):
            EventLog(tmp_path) if suffix == ".open" else payloads(tmp_path)


def test_a_segment_that_is_missing_is_noticed(tmp_path: Path) -> None:
    log = EventLog(tmp_path, segment_bytes=1)
    for number in range(3):
        log.append([str(number).encode()]).result()
    log.close()
    first, second, _ = segments(tmp_path)
    first.path.unlink()
    with pytest.raises(DataError, match="events that were not read are gone"):
        payloads(tmp_path, 5)
    second.path.rename(first.path)
    with pytest.raises(DataError, match="a file is missing"):
        payloads(tmp_path)


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("step", ["pwrite", "fdatasync", "fsync", "open", "ftruncate"])
def test_a_full_disk_acknowledges_nothing_and_the_log_goes_on(tmp_path: Path, step: str) -> None:
    log = EventLog(tmp_path)
    log.append([b"before"]).result()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        patch.setattr(os, step, full)
        for _ in range(3):
            with pytest.raises(LogUnavailableError, match="No space left"):
                log.append([b"lost", b"too"]).result()
    assert log.counts().fault
    log.append([b"after"]).result()
    assert not log.counts().fault
    log.close()
    assert payloads(tmp_path) == [b"before", b"after"]
    assert all(segment.sealed for segment in segments(tmp_path))


def test_what_was_not_acknowledged_is_not_there_after_a_kill_either(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    log.append([b"before"]).result()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", full)  # it was written, and may be on the disk or not
        with pytest.raises(LogUnavailableError):
            log.append([b"lost"]).result()
        shutil.copytree(tmp_path / "log", tmp_path / "as killed")
    EventLog(tmp_path / "as killed").close()
    assert payloads(tmp_path / "as killed") == [b"before"]
    log.close()


def test_a_file_that_may_not_grow_acknowledges_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    log = EventLog(tmp_path)
    log.append([b"x" * 100]).result()
    try:
        # A part of the group fits: it must be taken back.
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
        with pytest.raises(LogUnavailableError):
            log.append([b"y" * 100, b"z" * 1000]).result()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    log.append([b"after"]).result()
    log.close()
    assert payloads(tmp_path) == [b"x" * 100, b"after"]


def test_a_request_that_was_given_up_is_not_logged_and_disturbs_none(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    begin = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", lambda descriptor: begin.wait())
        log.append([b"first"])
        given_up, last = log.append([b"given up"]), log.append([b"last"])
        cancelled = given_up.cancel()
        begin.set()
        last.result()
    log.close()
    expected = [b"first", b"last"] if cancelled else [b"first", b"given up", b"last"]
    assert payloads(tmp_path) == expected


WRITER = """
import sys
from pathlib import Path
from persona_assets.serving.event_log.writer import EventLog
log = EventLog(Path(sys.argv[1]), segment_bytes=2_000)
number = 0
while True:
    log.append([f"{number}".encode(), b"and more"]).result()
    print(number, flush=True)
    number += 1
"""


def test_what_a_killed_writer_acknowledged_is_there_once(tmp_path: Path) -> None:
    acknowledged = []
    for stop_after in (1, 7, 20):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().strip().encode() for _ in range(stop_after)]
        process.kill()
        acknowledged += [line.strip().encode() for line in process.stdout]
        process.wait()
        process.stdout.close()
    EventLog(tmp_path).close()
    found = [payload for payload in payloads(tmp_path) if payload != b"and more"]
    # Each process may have logged one more than it could say.
    assert len(acknowledged) <= len(found) <= len(acknowledged) + 3
    for number in {*acknowledged}:
        assert found.count(number) >= acknowledged.count(number)
