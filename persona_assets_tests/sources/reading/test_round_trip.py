"""A table reads back as the same text, however it was written; damage never passes unnoticed."""

import csv
import gzip
import io
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.sources.finding import find_files
from persona_assets.sources.reading import FileFormat, read_text

SECRET = "Zq7"
"""Part of every cell of the damaged files; no error may show it."""

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=6)
words = st.text("abcXYZ019_é", min_size=1, max_size=5).map(lambda text: "c" + text)


@st.composite
def tables(draw, cells=cells):
    names = draw(st.lists(words, min_size=2, max_size=4, unique=True))
    rows = draw(st.lists(st.tuples(*(cells for _ in names)), min_size=1, max_size=8))
    return names, [list(row) for row in rows]


def as_read(names, rows):
    return pl.DataFrame(
        [[cell or None for cell in row] for row in rows],
        schema=dict.fromkeys(names, pl.String),
        orient="row",
    )


def delimited(names, rows, separator, line_end, quoting):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def packed(data, how):
    if how == "gzip":
        half = len(data) // 2  # of two members, as log rotation writes it
        return gzip.compress(data[:half]) + gzip.compress(data[half:])
    return pa.Codec("zstd").compress(data, asbytes=True) if how == "zstd" else data


def parquet(names, rows, kind):
    columns = [pa.array([row[n] for row in rows], pa.string()) for n in range(len(names))]
    if kind == "dictionary":
        columns = [column.dictionary_encode() for column in columns]
    elif kind is not None:
        columns = [column.cast(kind) for column in columns]
    sink = io.BytesIO()
    unmapped = [pa.array([bytes(16)] * len(rows), pa.uuid()), pa.nulls(len(rows))]
    table = pa.table([*columns, *unmapped], names=[*names, "unmapped id", "unmapped null"])
    pq.write_table(table, sink, row_group_size=3)
    return sink.getvalue()


@settings(max_examples=150)
@given(
    table=tables(),
    separator=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    packing=st.sampled_from([None, "gzip", "zstd"]),
    ending=st.sampled_from([".csv", ".tsv", ".txt", ".csv.gz", ""]),
)
def test_delimited_text_reads_back(
    tmp_path_factory, table, separator, line_end, quoting, encoding, packing, ending
):
    names, rows = table
    path = tmp_path_factory.mktemp("text") / f"events{ending}"
    text = delimited(names, rows, separator, line_end, quoting)
    path.write_bytes(packed(text.encode(encoding), packing))
    delivered = read_text(path, columns=names)
    assert_frame_equal(delivered.frame, as_read(names, rows))
    assert delivered.row.to_list() == list(range(1, len(rows) + 1))
    assert (delivered.compression, delivered.separator) == (packing, separator)


@settings(max_examples=60)
@given(
    table=tables(st.text(st.characters(codec="utf-8"), max_size=6)),
    form=st.sampled_from(["lines", "array", "pretty array", "pretty objects"]),
    packing=st.sampled_from([None, "gzip", "zstd"]),
)
def test_json_reads_back(tmp_path_factory, table, form, packing):
    names, rows = table
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if form == "lines":
        text = "\n".join(map(json.dumps, records))
    elif form == "pretty objects":
        text = "\n".join(json.dumps(record, indent=2) for record in records)
    else:
        text = json.dumps(records, indent=1 if form == "pretty array" else None)
    path = tmp_path_factory.mktemp("json") / "events.json"
    path.write_bytes(packed(text.encode(), packing))
    assert_frame_equal(read_text(path).frame, as_read(names, rows))
    assert_frame_equal(read_text(path, columns=names).frame, as_read(names, rows))


@settings(max_examples=60)
@given(
    table=tables(),
    kind=st.sampled_from(
        [None, "dictionary", pa.large_string(), pa.binary(), pa.large_binary(), pa.string_view()]
    ),
)
def test_parquet_reads_back(tmp_path_factory, table, kind):
    names, rows = table
    path = tmp_path_factory.mktemp("parquet") / "events.parquet"
    path.write_bytes(parquet(names, rows, kind))
    assert_frame_equal(read_text(path, columns=names).frame, as_read(names, rows))


@settings(max_examples=15)
@given(table=tables(st.text("abc 019,;é", max_size=5)))
def test_workbook_reads_back(tmp_path_factory, table):
    names, rows = table
    path = tmp_path_factory.mktemp("excel") / "events.xlsx"
    with xlsxwriter.Workbook(path, {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([names, *rows]):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    filled = [row for row in rows if any(row)]
    assert_frame_equal(read_text(path, columns=names).frame, as_read(names, filled))


@settings(max_examples=25)
@given(table=tables(), data=st.data())
def test_files_of_any_formats_in_hive_folders_read_back(tmp_path_factory, table, data):
    names, rows = table
    folder = tmp_path_factory.mktemp("hive")
    expected = []
    for number, row in enumerate(rows):
        value = data.draw(cells.filter(lambda text: text not in (".", "..")))
        below = folder / "events" / f"part_by={_quoted(value)}"
        below.mkdir(parents=True, exist_ok=True)
        if data.draw(st.booleans()):
            (below / f"{number}.parquet").write_bytes(parquet(names[::-1], [row[::-1]], None))
        else:
            text = delimited(names, [row], ";", "\n", csv.QUOTE_ALL)
            (below / f"{number}.csv").write_text(text, newline="")
        expected.append([*row, value])
        (below / "_SUCCESS").touch()
    found = find_files(folder, ["events"])
    wanted = [*names, "part_by"]
    read = pl.concat(
        read_text(file.path, columns=wanted, partitions=file.partitions).frame.select(wanted)
        for file in found.files
    )
    assert_frame_equal(read, as_read(wanted, expected), check_row_order=False)


def _quoted(value):
    from urllib.parse import quote

    return quote(value, safe=" ")


def damaged_files():
    names = ["user", "item", "note"]
    rows = [[f"{SECRET}{n}", f"{SECRET}\u00e9{n}", f'{SECRET} "{n}",\n'] for n in range(40)]
    text = delimited(names, rows, ",", "\n", csv.QUOTE_MINIMAL).encode()
    lines = "\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows).encode()
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate([names, *rows]):
            sheet.write_row(number, 0, row)
    return {
        "a.csv": text,
        "a.csv.gz": gzip.compress(text),
        "a.zst": pa.Codec("zstd").compress(text, asbytes=True),
        "utf16.csv": text.decode().encode("utf-16"),
        "a.jsonl": lines,
        "a.json": b"[" + lines.replace(b"\n", b",\n") + b"]",
        "a.parquet": parquet(names, rows, None),
        "a.xlsx": book.getvalue(),
    }


DAMAGED = damaged_files()


def read_or_refused(path, **arguments):
    try:
        read_text(path, **arguments)
    except UserError as error:
        assert str(path) in str(error)
        assert SECRET not in str(error)


@settings(max_examples=250)
@given(
    name=st.sampled_from(sorted(DAMAGED)),
    cut=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
)
def test_damage_is_read_or_refused_and_never_shown(tmp_path_factory, name, cut, changes):
    data = bytearray(DAMAGED[name][: round(cut * len(DAMAGED[name]))])
    for place, byte in changes:
        if data:
            data[min(int(place * len(data)), len(data) - 1)] = byte
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(data)
    read_or_refused(path, columns=["user", "item", "note[0].x"])
    read_or_refused(path)


@settings(max_examples=150)
@given(
    data=st.binary(max_size=60) | st.text('",;\t|\r\n\\{}[]:ab', max_size=60).map(str.encode),
    ending=st.sampled_from([".csv", ".json", ".parquet", ".xlsx", ".tsv", ""]),
    encoding=st.sampled_from([None, "cp1252", "utf-16", "gb18030", "utf-7"]),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, data, ending, encoding):
    path = tmp_path_factory.mktemp("bytes") / f"a{ending}"
    path.write_bytes(data)
    read_or_refused(path, options=FileFormat(encoding=encoding))
    read_or_refused(path, columns=["a", "b[].c"])


@pytest.mark.parametrize("left", [0, 1, 4, 11, 0.25, 0.5, 0.9, -1])
def test_a_truncated_parquet_file_is_refused(tmp_path, left):
    data = DAMAGED["a.parquet"]
    size = int(left * len(data)) if isinstance(left, float) else left % len(data)
    path = tmp_path / "a.parquet"
    path.write_bytes(data[:size])
    with pytest.raises(UserError, match=r"a\.parquet (is empty|cannot be read as Parquet)"):
        read_text(path, columns=["user"])
