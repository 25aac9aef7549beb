"""One frame through every format, and every way in which a file can be broken."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import UserError
from persona_assets.sources.reading import read_text


def put(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_comes_through_literally(tmp_path):
    path = put(tmp_path, "a.csv", 'sku,price\n00123," 2,50"\n,""\n')
    assert read_text(path).frame.rows() == [("00123", " 2,50"), (None, None)]


def test_json_lines_keep_the_digits_of_numbers_and_mix_types(tmp_path):
    lines = (
        '{"id": 12345678901234567890, "price": 2.50}\n\n'
        '{"price": "free", "ok": true, "id": null}\n{"price": NaN, "tags": ["é"]}\n'
    )
    frame = read_text(put(tmp_path, "a.jsonl", lines)).frame
    assert frame.columns == ["id", "price", "ok", "tags"]
    assert frame.rows() == [
        ("12345678901234567890", "2.50", None, None),
        (None, "free", "true", None),
        (None, None, None, '["é"]'),
    ]


def test_typed_parquet_becomes_text(tmp_path):
    moment = datetime(2024, 5, 13, 10, 0, 0, 500)
    frame = pl.DataFrame(
        {
            "whole": [17850.0, None],
            "price": [2.55, float("nan")],
            "large": [1e300, -3.0],
            "yes": [True, False],
            "naive": [moment, None],
            "aware": pl.Series([moment.replace(tzinfo=UTC), None]).dt.convert_time_zone(
                "Asia/Tokyo"
            ),
            "day": [date(2024, 5, 13), None],
            "nested": [[1], [2]],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert read_text(tmp_path / "a.parquet").frame.rows() == [
        (
            "17850",
            "2.55",
            "1e+300",
            "true",
            "2024-05-13T10:00:00.000500",
            "2024-05-13T10:00:00.000500Z",
            "2024-05-13",
        ),
        (None, None, "-3", "false", None, None, None),
    ]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_survive_as_text(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("floats") / "a.parquet"
    pl.DataFrame({"x": numbers}).write_parquet(path)
    assert read_text(path).frame["x"].cast(pl.Float64).to_list() == numbers


BROKEN = [
    ("a.csv", "", r"a\.csv is empty \(0 bytes\)"),
    ("a.jsonl", "", r"a\.jsonl is empty \(0 bytes\)"),
    ("a.txt", "%PDF-1.7 …", r"a\.txt is a PDF; export the table as CSV"),
    ("a.csv", "x,y\n1,2,3\n", r"a\.csv line 2 has 3 fields and the header 2"),
    (
        "a.csv",
        "x\nok\n£\n".encode("latin-1"),
        r"not UTF-8 \(first bad byte at offset 5, in line 3\)",
    ),
    ("a.jsonl", '{"x": 1}\n{"x": \n', r"a\.jsonl line 2 is not JSON: .* at column 1"),
    ("a.jsonl", "[1]\n", r"line 1 is not a JSON object"),
    ("a.jsonl", b'{"x": "\xff"}\n', r"a\.jsonl is not UTF-8"),
    ("a.jsonl", '{"x": "\\ud800"}\n', r"half a character"),
    ("a.parquet", "nonsense", r"a\.parquet cannot be read as Parquet"),
    ("a.xlsx", "nonsense", r"a\.xlsx cannot be read as an Excel workbook"),
]


@pytest.mark.parametrize(("name", "content", "message"), BROKEN)
def test_broken_file_is_named_with_its_mend(tmp_path, name, content, message):
    path = put(tmp_path, name, content)
    with pytest.raises(UserError, match=message) as raised:
        read_text(path)
    assert str(path) in str(raised.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no file .*a\.csv"):
        read_text(tmp_path / "a.csv")


def test_a_sheet_with_another_header_is_passed_over_with_a_note(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        for header in ("x", "y"):
            book.add_worksheet(header).write_column(0, 0, [header, 1])
    delivered = read_text(tmp_path / "a.xlsx", columns=["y"])
    assert delivered.frame.rows() == [("1",)]
    assert delivered.notes == ("a.xlsx: sheet 'x' was not read, its columns are ['x']",)


def test_empty_workbook_is_refused(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        book.add_worksheet()
    with pytest.raises(UserError, match="no sheet with a header"):
        read_text(tmp_path / "a.xlsx")
