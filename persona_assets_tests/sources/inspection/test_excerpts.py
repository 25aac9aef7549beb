"""Excerpts of large files: bounded, whole records, and from all of the file."""

import gzip
import json
from datetime import date

import polars as pl
import pyarrow as pa
import pytest

from persona_assets.sources.finding import find_files
from persona_assets.sources.inspection import inspect_files
from persona_assets.sources.inspection.excerpts import MOST_FILES, excerpt
from persona_assets.sources.reading import read_text

TODAY = date(2024, 12, 1)
ROWS = 20_000
SMALL = 200_000
"""Bytes that are looked at; each file below is much larger."""


def rows():
    for n in range(ROWS):
        day = 1 + n * 27 // ROWS
        yield {"user": f"u{n}", "sku": f"p{n % 50}", "action": "view", "when": f"{day:02}/01/2024",
               "title": f'a "quoted"\nname, {n}' if n % 2 else "plain"}  # fmt: skip


def as_csv(newlines):
    text = pl.DataFrame(list(rows()))
    if not newlines:
        text = text.with_columns(title=pl.lit("plain"))
    return text.write_csv().encode()


def as_lines():
    return "".join(json.dumps(row) + "\n" for row in rows()).encode()


SHAPES = {
    "lines.csv": lambda: as_csv(False),
    "newlines.csv": lambda: as_csv(True),
    "semicolons.csv": lambda: as_csv(False).replace(b",", b";"),
    "utf16.csv": lambda: as_csv(True).decode().encode("utf-16"),
    "packed.csv.gz": lambda: gzip.compress(as_csv(True), 1),
    "packed.csv.zst": lambda: pa.compress(as_csv(False), "zstd", asbytes=True),
    "lines.jsonl": as_lines,
    "array.json": lambda: json.dumps(list(rows())).encode(),
    "pretty.json": lambda: json.dumps(list(rows()), indent=2).encode(),
    "packed.jsonl.gz": lambda: gzip.compress(as_lines(), 1),
}


@pytest.mark.parametrize("name", SHAPES)
def test_excerpt_holds_whole_rows_of_the_file(name, tmp_path):
    folder, into = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    into.mkdir()
    (folder / name).write_bytes(SHAPES[name]())
    taken = excerpt(folder, find_files(folder, ["."]).files, into, most_bytes=SMALL)
    assert not taken.whole
    read = read_text(taken.files[0].path)
    original = {tuple(row.values()) for row in read_text(folder / name).frame.to_dicts()}
    assert 100 < read.frame.height < ROWS
    assert {tuple(row.values()) for row in read.frame.to_dicts()} <= original
    assert taken.files[0].path.stat().st_size <= 1.1 * SMALL


@pytest.mark.parametrize("name", ["lines.csv", "lines.jsonl"])
def test_excerpt_has_the_end_of_the_file(name, tmp_path):
    folder, into = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    into.mkdir()
    (folder / name).write_bytes(SHAPES[name]())
    taken = excerpt(folder, find_files(folder, ["."]).files, into, most_bytes=SMALL)
    assert f"u{ROWS - 1}" in read_text(taken.files[0].path).frame["user"]


def test_excerpt_of_parquet_has_rows_of_the_first_and_the_last_group(tmp_path):
    folder, into = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    into.mkdir()
    frame = pl.DataFrame({"n": range(400_000), "text": ["x" * 5] * 400_000})
    frame.write_parquet(folder / "a.parquet", row_group_size=50_000)
    taken = excerpt(folder, find_files(folder, ["."]).files, into, most_bytes=SMALL)
    numbers = read_text(taken.files[0].path).frame["n"].cast(pl.Int64)
    assert numbers.min() == 0
    assert numbers.max() > 350_000
    assert len(numbers) <= 60_000


def test_small_files_are_looked_at_where_they_lie(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    taken = excerpt(tmp_path, find_files(tmp_path, ["."]).files, tmp_path / "none")
    assert taken.whole
    assert taken.files[0].path == tmp_path / "a.csv"


def test_day_that_decides_is_found_late_in_a_large_file(tmp_path):
    (tmp_path / "lines.csv").write_bytes(SHAPES["lines.csv"]())
    found = inspect_files(tmp_path, today=TODAY, most_bytes=SMALL)
    assert 'format = "%d/%m/%Y"' in found.draft.toml
    assert found.sampled
    assert found.check is not None
    assert found.check.accepted > 0
    assert any("parts of the rest" in note for note in found.notes)


def test_of_many_files_some_are_opened_and_all_are_mapped(tmp_path):
    for n in range(MOST_FILES + 20):
        (tmp_path / f"events_{n:04}.csv").write_text(
            "user_id,sku,action,when\nu1,p1,view,2024-05-13T10:00:00Z\n"
        )
    found = inspect_files(tmp_path, today=TODAY)
    assert 'file = "events_*.csv"' in found.draft.toml
    assert any("20 more files" in note for note in found.notes)
