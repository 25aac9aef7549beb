"""Snapshots on a disk: killed writers, full and read-only disks, damaged and lost files."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.serving.online import lmdb_store
from persona_assets.serving.online.lmdb_store import LmdbBackend
from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.packing import Layout
from persona_assets.serving.online.store import OnlineStore
from persona_assets.serving.online.views import OnlineView

VIEW = OnlineView(
    "user_features", 1, "user_id", (("views", "int64"), ("price", "float64")), ttl_s=86_400
)


def rows(count: int, generation: int) -> pl.DataFrame:
    found = [(f"u{n:06}", generation, generation, generation, n / 7) for n in range(count)]
    return pl.DataFrame(found, schema=Layout(VIEW).schema, orient="row")


def published(store: OnlineStore, count: int, generation: int) -> str:
    with store.stage() as stage:
        stage.put(VIEW, rows(count, generation))
        stage.describe(VIEW)
    store.backend.approve(stage.name)
    return store.backend.publish().name


def views_of(store: OnlineStore, name: str = "u000000") -> object:
    found = store.read("user_features", name)
    return found and found.values["views"]


@pytest.fixture
def store(tmp_path: Path) -> OnlineStore:
    return open_store(tmp_path)


def snapshots(store: OnlineStore) -> list[Path]:
    return sorted((Path(store.backend.where) / "snapshots").iterdir())


def test_a_snapshot_grows_beyond_its_first_map(tmp_path):
    store = OnlineStore(LmdbBackend(tmp_path, map_bytes=1 << 16))
    published(store, 5_000, 1)
    assert store.frame("user_features").height == 5_000


WRITER = """
import sys
from pathlib import Path
from test_lmdb_store import VIEW, rows
from persona_assets.serving.online.opening import open_store
store = open_store(Path(sys.argv[1]))
with store.stage() as stage:
    for start in range(1_000_000):
        stage.put(VIEW, rows(100, start))
        print(start, flush=True)
"""
SWITCHER = """
import sys
from pathlib import Path
from test_lmdb_store import published
from persona_assets.serving.online.opening import open_store
store = open_store(Path(sys.argv[1]))
for generation in range(2, 1_000_000):
    published(store, 50, generation)
    print(generation, flush=True)
"""


def started(program: str, home: Path) -> subprocess.Popen[str]:
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-c", program, str(home)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )


def test_a_writer_killed_in_the_middle_leaves_the_old_snapshot(store, tmp_path):
    name = published(store, 10, 1)
    writer = started(WRITER, tmp_path)
    assert writer.stdout is not None
    for _ in range(5):
        assert writer.stdout.readline().strip().isdigit()
    with pytest.raises(InfrastructureError, match="another process is writing a snapshot"):
        published(store, 10, 2)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert views_of(open_store(tmp_path)) == 1
    assert store.backend.manifest(staged=True) is None
    assert len(snapshots(store)) == 2  # the published one, and what the writer left
    published(store, 10, 3)
    assert views_of(store) == 3
    assert not [each for each in snapshots(store) if each.suffix == ".unfinished"]
    assert name in {each.name for each in snapshots(store)}  # within the grace


def test_a_reader_sees_the_old_or_the_new_snapshot_of_another_process_and_never_both(
    store, tmp_path, monkeypatch
):
    published(store, 50, 1)
    names = [f"u{n:06}" for n in range(50)]
    writer = started(SWITCHER, tmp_path)
    assert writer.stdout is not None
    seen = []
    while len(set(seen)) < 6:
        found = {row.values["views"] for row in store.read_many("user_features", names)}
        assert len(found) == 1
        seen.append(found.pop())
    writer.send_signal(signal.SIGKILL)
    said = [int(line) for line in writer.stdout.read().split()]
    writer.wait()
    assert seen == sorted(seen)
    assert views_of(store) in (said[-1], said[-1] + 1)


def test_a_reader_that_does_not_follow_changes_when_it_is_told_to(store, tmp_path):
    published(store, 3, 1)
    reader = open_store(tmp_path, follow=False)
    assert views_of(reader) == 1
    published(store, 3, 2)
    assert views_of(reader) == 1
    assert reader.refresh()
    assert not reader.refresh()
    assert views_of(reader) == 2


def test_a_replaced_snapshot_is_removed_after_the_grace_under_its_readers(
    store, tmp_path, monkeypatch
):
    published(store, 3, 1)
    reader = open_store(tmp_path, follow=False)
    assert views_of(reader) == 1
    monkeypatch.setattr(lmdb_store, "GRACE_S", 0)
    published(store, 3, 2)
    assert len(snapshots(store)) == 1
    assert views_of(reader) == 1  # what it has open stays readable
    assert views_of(reader, "u000002") == 1
    reader.refresh()
    assert views_of(reader) == 2


@pytest.mark.parametrize("limit", ["map", "file"])
def test_a_full_disk_is_one_named_error_and_the_old_snapshot_stays(tmp_path, limit, monkeypatch):
    store = open_store(tmp_path)
    published(store, 10, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, before[1]))
        with pytest.raises(InfrastructureError, match=r"cannot use .*; check the folder.*its room"):
            published(store, 50_000, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert views_of(store) == 1
    assert store.backend.manifest(staged=True) is None
    assert len(snapshots(store)) == 1
    published(store, 50_000, 3)
    assert views_of(store, "u049999") == 3


def test_a_store_that_nobody_may_write_to_is_read(store, tmp_path):
    published(store, 10, 1)
    root = Path(store.backend.where)
    everything = [root, *root.rglob("*")]
    try:
        for path in everything:
            path.chmod(0o500 if path.is_dir() else 0o400)
        assert views_of(open_store(tmp_path)) == 1
        if os.geteuid():  # nothing is forbidden to root
            with pytest.raises(InfrastructureError, match="cannot use"):
                published(open_store(tmp_path), 10, 2)
        files = {path for path in root.rglob("*") if path.is_file()}
        assert files <= set(everything)  # no lock file was made
    finally:
        for path in everything:
            path.chmod(0o700 if path.is_dir() else 0o600)


@pytest.mark.parametrize("file", ["data.mdb", "manifest.json", "current"])
@pytest.mark.parametrize("damage", ["cut", "emptied", "changed", "lost"])
def test_a_damaged_or_lost_file_is_named_and_never_read_as_unknown(tmp_path, file, damage):
    store = open_store(tmp_path)
    published(store, 2_000, 1)
    store.backend._opened = None
    path = next(Path(store.backend.where).rglob(file))
    content = path.read_bytes()
    middle = len(content) // 2
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(
            {
                "cut": content[:middle],
                "emptied": b"",
                "changed": content[:middle] + bytes([content[middle] ^ 64]) + content[middle + 1 :],
            }[damage]
        )
    fresh = open_store(tmp_path)
    named = path.parent.name if file != "current" else str(tmp_path)
    if file == "data.mdb" and damage == "lost":
        with pytest.raises(InfrastructureError, match=named):
            fresh.read("user_features", "u000001")
    else:
        with pytest.raises(DataError, match=f"{named}.* again"):
            fresh.read("user_features", "u000001")
    with pytest.raises((DataError, InfrastructureError)):
        fresh.backend.verify()
    # What is said to help does.
    published(fresh, 2_000, 2)
    assert views_of(open_store(tmp_path), "u000001") == 2


def test_a_pointer_to_elsewhere_is_not_followed(store, tmp_path):
    published(store, 3, 1)
    for name in ("../../elsewhere", "/etc", ""):
        (Path(store.backend.where) / "current").write_text(f'{{"snapshot": "{name}"}}')
        with pytest.raises(DataError, match="current is damaged; delete it"):
            open_store(tmp_path).read("user_features", "u000000")


def test_a_place_that_cannot_be_written_is_the_infrastructures_fault(tmp_path):
    (tmp_path / "online").write_text("in the way")
    with pytest.raises(InfrastructureError, match=r"cannot use .*online"):
        published(open_store(tmp_path), 3, 1)


@pytest.mark.parametrize("folder", ["a b", "100%", "what?mode=rw", "#1", "ü"])
def test_any_folder_name_works(tmp_path, folder):
    published(open_store(tmp_path / folder), 3, 1)
    assert views_of(open_store(tmp_path / folder)) == 1


def test_files_are_for_their_owner_only(store):
    published(store, 3, 1)
    root = Path(store.backend.where)
    folders = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    assert {oct(path.stat().st_mode & 0o077) for path in folders} == {"0o0"}
