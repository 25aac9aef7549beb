"""A table below a title reads as the table alone, once the row of its column names is said."""

import csv
import io

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.sources.reading import FileFormat, read_text
from persona_assets.sources.reading.title_rows import HeaderBelowError

NAMES = ["user", "item", "event", "time"]
ROWS = [[f"u{n}", f"p{n}, blue", "view", f"2024-05-{13 + n} 10:00"] for n in range(4)]
titles = st.lists(
    st.one_of(
        st.just([]),
        st.sampled_from(
            ["Orders", "# made 2024-06-01", "Größe, Preis", 'the "best" shop', "—"]
        ).map(lambda text: [text]),
        st.just(["Period", "May"]),
    ),
    min_size=1,
    max_size=5,
).filter(any)


def as_read():
    return pl.DataFrame(ROWS, schema=dict.fromkeys(NAMES, pl.String), orient="row")


def delimited(above, separator, line_end, *, padded):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end)
    for row in above:  # a spreadsheet fills each row up with separators
        writer.writerow([*row, *[""] * (len(NAMES) - len(row))] if padded else row)
    writer.writerows([NAMES, *ROWS])
    return text.getvalue().encode()


@settings(max_examples=80)
@given(
    above=titles,
    separator=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    padded=st.booleans(),
)
def test_column_names_below_a_title_are_found(tmp_path_factory, above, separator, line_end, padded):
    path = tmp_path_factory.mktemp("titles") / "report.csv"
    path.write_bytes(delimited(above, separator, line_end, padded=padded))
    with pytest.raises(HeaderBelowError, match="the column names seem to be in row") as refused:
        read_text(path)
    assert refused.value.row == len(above) + 1
    read = read_text(path, options=FileFormat(header_row=refused.value.row))
    assert_frame_equal(read.frame, as_read())
    assert read.row.to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize("above", [[["Orders"]], [[], ["Orders of", "May"], []], [[], []]])
def test_column_names_below_a_title_of_a_sheet_are_found(tmp_path, above):
    path = tmp_path / "report.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("May")
        for number, row in enumerate([*above, NAMES, *ROWS]):
            sheet.write_row(number, 1, row)
    if any(above):
        with pytest.raises(HeaderBelowError) as refused:
            read_text(path)
        assert refused.value.row == len(above) + 1
    read = read_text(path, options=FileFormat(header_row=len(above) + 1))
    assert_frame_equal(read.frame, as_read())


def test_a_header_is_no_title_whatever_is_wrong_below_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user;item;time\nu1;p1;2024-05-13;5,90, 4,80, 1,20\nu2;p2;2024-05-14\n")
    with pytest.raises(UserError, match="line 2 has 4 fields and the header 3"):
        read_text(path)


@pytest.mark.parametrize("row", [0, True, "3", 1.0])
def test_a_row_that_cannot_be_is_refused(row):
    with pytest.raises(UserError, match=r"format\.header_row is .*; give the number of the row"):
        FileFormat(header_row=row)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_a_row_beyond_the_file_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_text("user,item,time\nu1,p1,2024-05-13\n")
    if name == "a.xlsx":
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet().write_row(0, 0, NAMES)
    with pytest.raises(UserError, match=r"no (line|row) 9 with column names"):
        read_text(path, options=FileFormat(header_row=9))
