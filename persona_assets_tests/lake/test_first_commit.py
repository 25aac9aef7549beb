"""A table's log says nothing of where the table is, so that a home can be moved or copied."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from persona_assets.lake import DeltaStore
from persona_assets.lake.first_commit import FIRST, LOG, create_without_location
from persona_assets.lake.place import Place, within_home

NUMBERS = {date(2025, 3, 1): [1, 2], date(2025, 3, 2): [3]}
SCHEMA = pa.schema([("number", pa.int64())])


def created(folder):
    DeltaTable.create(folder, SCHEMA, mode="ignore")


def files_that_name(folder: Path, text: str) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if text.encode() in path.read_bytes()]


def test_what_delta_rs_writes_by_itself_names_the_folder(tmp_path):
    """Else `create_without_location` has nothing to do any more, and can go."""
    created(str(tmp_path / "there"))
    assert files_that_name(tmp_path, str(tmp_path))


def test_no_file_of_a_lake_names_its_folder(tmp_path, facts, things, rows):
    lake = tmp_path / "private-folder" / "lake"
    store = DeltaStore(str(lake))
    for _ in range(2):
        store.overwrite(facts, rows(NUMBERS), partitions=[*NUMBERS])
        store.overwrite(things, rows(NUMBERS).drop("event_date"))
    assert files_that_name(lake, "private-folder") == []


def test_a_lake_that_was_moved_is_read_and_written_where_it_is(tmp_path, facts, rows):
    DeltaStore(str(tmp_path / "a")).overwrite(facts, rows(NUMBERS), partitions=[*NUMBERS])
    shutil.move(tmp_path / "a", tmp_path / "b")
    store = DeltaStore(str(tmp_path / "b"))
    store.overwrite(facts, rows(NUMBERS), partitions=[*NUMBERS])
    assert store.read(facts).height == 3
    assert not (tmp_path / "a").exists()
    assert DeltaTable(store.uri(facts)).version() == 2


def test_of_rivals_one_creates_the_table_and_all_see_it(tmp_path):
    folder = tmp_path / "table"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: create_without_location(folder, created), range(16)))
    assert [path.name for path in (folder / LOG).iterdir()] == [FIRST]
    delta = DeltaTable(str(folder))
    assert delta.version() == 0
    assert [commit["operation"] for commit in delta.history()] == ["CREATE TABLE"]


def test_a_table_that_is_there_stays_as_it_is(tmp_path, facts):
    place = Place(facts, str(tmp_path / "facts"), {})
    first = place.create().metadata().id
    assert place.create().metadata().id == first


def test_a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "table").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="table"):
        create_without_location(tmp_path / "table", created)


@pytest.mark.parametrize(
    ("uri", "depth", "said"),
    [
        ("/srv/shop/lake/raw/events", 3, "lake/raw/events"),
        ("/srv/shop/online", 1, "online"),
        ("lake", 3, "lake"),
        ("s3://bucket/lake/raw/events", 3, "s3://bucket/lake/raw/events"),
        ("redis://host:6379/0", 1, "redis://host:6379/0"),
    ],
)
def test_a_place_is_told_as_the_home_names_it(uri, depth, said):
    assert within_home(uri, depth) == said
