"""From a folder of files to the rows of a section: several files, formats, partitions, fields."""

import gzip
import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter

from persona_assets.errors import UserError
from persona_assets.sources.delivered_rows import delivered_rows
from persona_assets.sources.mapping import parsed
from persona_assets.sources.reading import FileFormat, parquet, read_text

SHOP = {
    "file": "*",
    "user_id": "user",
    "product_id": "item",
    "event_type": "event",
    "timestamp": "time",
    "constants": {"consent": True},
}
HEADER = "user,item,event,time\n"
ROW = "u1,p1,view,2024-01-01T10:00:00\n"


def rows_of(folder, **settings):
    mapping = parsed({"events": SHOP | settings}, "shop.toml").tables["events"]
    return delivered_rows(folder, mapping)


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def workbook(path, **sheets):
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


def test_files_of_several_formats_and_orders_are_one_section(tmp_path):
    put(tmp_path, "a.csv", HEADER + ROW)
    put(tmp_path, "b.csv", "time;event;item;user;more\n2024-01-01T10:00:00;view;p2;u2;x\n")
    put(tmp_path, "c.json.gz", gzip.compress(json.dumps([{"user": "u3", "item": "p3"}]).encode()))
    pl.DataFrame({"item": ["p4"], "event": ["view"], "user": [4], "time": ["2024"]}).write_parquet(
        tmp_path / "d.parquet"
    )
    put(tmp_path, "e.csv", HEADER)
    put(tmp_path, "f.csv", "")
    read = rows_of(tmp_path, file=["a.csv", "*.csv", "c*", "d.parquet"])
    assert read.rows["user_id"].to_list() == ["u1", "u2", "u3", "4"]
    assert read.rows["place"].to_list() == [
        "a.csv row 1",
        "b.csv row 1",
        "c.json.gz row 1",
        "d.parquet row 1",
    ]
    assert read.notes == (
        "f.csv was not read, having no content",
        "b.csv: fields are separated by semicolon",
    )


def test_a_file_without_a_mapped_column_is_named(tmp_path):
    put(tmp_path, "a.csv", HEADER + ROW)
    put(tmp_path, "b.csv", "user,item,event\nu1,p1,view\n")
    with pytest.raises(UserError, match=r"b\.csv has no column 'time', to which \[events\] maps"):
        rows_of(tmp_path)


def test_a_field_may_lack_in_one_json_file_but_not_in_all(tmp_path):
    whole = {"user": "u", "item": "p", "event": "view", "time": "2024-01-01"}
    put(tmp_path, "a.jsonl", json.dumps(whole))
    put(tmp_path, "b.jsonl", json.dumps({"user": "u", "item": "p", "time": "2024-01-02"}))
    assert rows_of(tmp_path).rows["event_type"].to_list() == ["view", None]
    with pytest.raises(UserError, match=r"no column 'kind' in any row, to which \[events\] maps"):
        rows_of(tmp_path, event_type="kind")


def test_nothing_but_empty_files_is_an_error(tmp_path):
    put(tmp_path, "a.csv", "")
    put(tmp_path, "b.csv", "\ufeff\n")
    with pytest.raises(UserError, match=r"a\.csv, b\.csv .* are empty"):
        rows_of(tmp_path)


def test_a_list_that_is_mapped_without_a_path_names_the_path_to_write(tmp_path):
    record = {"user": "u", "item": [{"id": "p1"}], "event": "view", "time": "2024-01-01"}
    put(tmp_path, "a.jsonl", json.dumps(record))
    with pytest.raises(UserError, match=r"product_id to 'item', .* product_id = \"item\[\]\.id\""):
        rows_of(tmp_path)
    assert rows_of(tmp_path, product_id="item[].id").rows["product_id"].to_list() == ["p1"]


def test_an_event_with_an_empty_list_keeps_one_row(tmp_path):
    lines = [
        {"user": "u", "items": items, "event": "view", "time": "2024-01-01"}
        for items in ([{"id": "p1"}, {"id": "p2"}], [], None)
    ]
    put(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines)))
    rows = rows_of(tmp_path, product_id="items[].id").rows
    assert rows.select("product_id", "place").rows() == [
        ("p1", "a.jsonl row 1"),
        ("p2", "a.jsonl row 1"),
        (None, "a.jsonl row 2"),
        (None, "a.jsonl row 3"),
    ]


def test_folder_names_are_columns_and_may_not_contradict_the_file(tmp_path):
    put(tmp_path, "event=view/a.csv", "user,item,time\nu1,p1,2024-01-01\n")
    put(tmp_path, "event=cart/b.csv", "user,item,time,event\nu1,p1,2024-01-01,cart\n")
    assert rows_of(tmp_path, file="**/*.csv").rows["event_type"].to_list() == ["cart", "view"]
    put(tmp_path, "event=view/c.csv", "user,item,time,event\nu1,p1,2024-01-01,cart\n")
    with pytest.raises(UserError, match=r"has a column 'event', and so has its folder"):
        rows_of(tmp_path, file="**/*.csv")


def test_json_in_a_folder_that_states_a_column(tmp_path):
    put(tmp_path, "event=view/a.json", json.dumps({"user": "u", "item": "p", "time": "2024"}))
    assert rows_of(tmp_path, file="**/*").rows["event_type"].to_list() == ["view"]


def test_the_sheets_that_have_the_columns_are_read(tmp_path):
    header, row = HEADER.strip().split(","), ROW.strip().split(",")
    path = tmp_path / "a.xlsx"
    workbook(path, notes=[["about"]], jan=[header, row], feb=[[*header, "more"], [*row, 1]])
    read = rows_of(tmp_path)
    assert read.rows["user_id"].to_list() == ["u1", "u1"]
    assert read.notes == ("a.xlsx: sheet 'notes' was not read, its columns are ['about']",)
    assert rows_of(tmp_path, format={"sheet": "feb"}).rows.height == 1
    with pytest.raises(UserError, match=r"has no sheet 'mar'; its sheets are \['notes', 'jan'"):
        rows_of(tmp_path, format={"sheet": "mar"})


def test_a_header_below_other_rows_of_a_sheet_is_named(tmp_path):
    header, row = HEADER.strip().split(","), ROW.strip().split(",")
    workbook(tmp_path / "a.xlsx", Sheet1=[["Export of May"], [], header, row])
    with pytest.raises(UserError, match=r"sheet 'Sheet1': the column names seem .* in row 3"):
        rows_of(tmp_path)
    assert rows_of(tmp_path, format={"header_row": 3}).rows["user_id"].to_list() == ["u1"]


def test_two_columns_of_one_name_in_a_sheet_are_named(tmp_path):
    workbook(tmp_path / "a.xlsx", Sheet1=[["a", "b", "a"], [1, 2, 3]])
    with pytest.raises(UserError, match=r"sheet 'Sheet1' has two columns 'a', the 1st and the 3rd"):
        read_text(tmp_path / "a.xlsx", columns=["b"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"separator": ";;"}, r"format\.separator is ';;'; give one character"),
        ({"encoding": "utf9"}, r"format\.encoding is 'utf9', which is not a text encoding"),
        ({"sheets": "a"}, r"unknown key 'sheets'; did you mean 'sheet'"),
    ],
)
def test_a_format_that_cannot_be_is_refused(settings, message):
    with pytest.raises(UserError, match=message):
        parsed({"events": SHOP | {"format": settings}}, "shop.toml")


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv"])
def test_a_truncated_archive_is_named(tmp_path, name):
    path = put(tmp_path, name, gzip.compress((HEADER + ROW * 50).encode())[:-9])
    with pytest.raises(
        UserError, match=r"truncated or damaged: its \d+ bytes are not a complete gz"
    ):
        read_text(path)


@pytest.mark.parametrize("outer", ["gzip", "zstd"])
@pytest.mark.parametrize("inner", ["gzip", "zstd"])
def test_an_archive_within_an_archive_is_named(tmp_path, outer, inner):
    pack = {
        "gzip": gzip.compress,
        "zstd": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
    }
    path = put(tmp_path, "a.csv.gz", pack[outer](pack[inner]((HEADER + ROW * 50).encode())))
    with pytest.raises(UserError, match=f"compressed twice, {inner} within {outer}; unpack it"):
        read_text(path)


def test_types_that_nobody_maps_never_stop_a_parquet_file_and_mapped_ones_are_named(tmp_path):
    frame = pd.DataFrame({"user": ["u1"], "took": pd.to_timedelta([5], unit="s")})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_text(tmp_path / "a.parquet", columns=["user"]).frame.rows() == [("u1",)]
    with pytest.raises(UserError, match=r"a\.parquet: column 'took' has the type duration\[ns\]"):
        read_text(tmp_path / "a.parquet", columns=["took"])
    whole = read_text(tmp_path / "a.parquet")
    assert whole.notes == ("a.parquet: columns that cannot be read as text: took (duration[ns])",)


def test_rows_of_a_parquet_file_are_numbered_over_all_its_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "BATCH", 2)
    lists = [["a", "b"], [], ["c"], None, ["d"]]
    pl.DataFrame({"n": range(5), "x": lists}).write_parquet(tmp_path / "a.parquet")
    delivered = read_text(tmp_path / "a.parquet", columns=["n", "x[]"])
    assert delivered.row.to_list() == [1, 1, 2, 3, 4, 5]
    assert delivered.frame["n"].to_list() == ["0", "0", "1", "2", "3", "4"]


def test_json_in_cells_of_a_parquet_file_is_numbered_over_all_its_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "BATCH", 2)
    pl.DataFrame({"x": ["[1, 2]", "[]", "[3]", None]}).write_parquet(tmp_path / "a.parquet")
    delivered = read_text(tmp_path / "a.parquet", columns=["x[]"])
    assert delivered.row.to_list() == [1, 1, 2, 3, 4]
    assert delivered.frame["x[]"].to_list() == ["1", "2", None, "3", None]


def test_a_latin1_file_is_refused_with_the_setting_and_read_with_it(tmp_path):
    path = put(tmp_path, "a.csv", "a\nCafé\n".encode("latin-1"))
    with pytest.raises(UserError, match=r'offset 5, in line 2.* encoding = "cp1252" in \[orders'):
        read_text(path, options=FileFormat(section="orders"))
    assert read_text(path, options=FileFormat(encoding="latin-1")).frame.rows() == [("Café",)]
