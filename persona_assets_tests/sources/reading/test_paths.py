"""Paths into nested columns: one notation, the same rows from JSON, Parquet and cells of text."""

import csv
import io
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from persona_assets.errors import UserError
from persona_assets.sources.reading import read_text
from persona_assets.sources.reading.paths import resolved

PATHS = [
    "user",
    "device.os",
    "params[key=session].value.int",
    "items[0].id",
    "items[].id",
    "items[].price",
    "items[].sizes[]",
]
SIZES = pa.list_(pa.string())
SCHEMA = pa.schema(
    {
        "user": pa.string(),
        "device": pa.struct({"os": pa.string(), "id": pa.binary(16)}),
        "params": pa.list_(
            pa.struct({"key": pa.string(), "value": pa.struct({"int": pa.int64()})})
        ),
        "items": pa.list_(pa.struct({"id": pa.string(), "price": pa.float64(), "sizes": SIZES})),
        "nobody maps it": pa.duration("s"),
    }
)

text = st.none() | st.sampled_from(["a", "b", "7"])
params = st.none() | st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(["session", "page"]),
            "value": st.fixed_dictionaries({"int": st.none() | st.integers(0, 2**62)}),
        }
    ),
    max_size=3,
)
item = st.fixed_dictionaries(
    {
        "id": text,
        "price": st.none() | st.sampled_from([2.5, 0.25]),
        "sizes": st.none() | st.lists(text, max_size=2),
    }
)
record = st.fixed_dictionaries(
    {
        "user": text,
        "device": st.none() | st.fixed_dictionaries({"os": text}),
        "params": params,
        "items": st.none() | st.lists(item, max_size=3),
    }
)


def expected_rows(records):
    for number, each in enumerate(records, start=1):
        session = next(
            (p["value"]["int"] for p in each["params"] or [] if p["key"] == "session"), None
        )
        os = each["device"] and each["device"]["os"]
        first = each["items"][0]["id"] if each["items"] else None
        for one in each["items"] or [{"id": None, "price": None, "sizes": None}]:
            for size in one["sizes"] or [None]:
                price = one["price"]
                yield (
                    number,
                    each["user"],
                    os,
                    None if session is None else str(session),
                    first,
                    one["id"],
                    None if price is None else str(price),
                    size,
                )


@settings(max_examples=60)
@given(records=st.lists(record, min_size=1, max_size=5))
def test_paths_find_the_same_in_json_parquet_and_cells(tmp_path_factory, records):
    folder = tmp_path_factory.mktemp("nested")
    (folder / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    pq.write_table(pa.Table.from_pylist(records, SCHEMA), folder / "a.parquet")
    cells = io.StringIO(newline="")
    writer = csv.writer(cells)
    writer.writerow(["user", "device", "params", "items"])
    for each in records:
        nested = ("device", "params", "items")
        writer.writerow(
            [each["user"], *("" if each[n] is None else json.dumps(each[n]) for n in nested)]
        )
    (folder / "a.csv").write_text(cells.getvalue(), newline="")
    rows = list(expected_rows(records))
    expected = pl.DataFrame(
        [row[1:] for row in rows], schema=dict.fromkeys(PATHS, pl.String), orient="row"
    )
    for name in ("a.jsonl", "a.parquet", "a.csv"):
        delivered = read_text(folder / name, columns=PATHS)
        assert_frame_equal(delivered.frame.select(PATHS), expected)
        assert delivered.row.to_list() == [row[0] for row in rows]


def jsonl(folder, *records):
    path = folder / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def test_a_column_whose_name_is_the_text_of_a_path_is_that_column(tmp_path):
    record = {"a.b": "literal", "a": {"b": "nested"}, "x[]": "1", "x": ["2"]}
    assert read_text(jsonl(tmp_path, record), columns=["a.b", "x[]"]).frame.rows() == [
        ("literal", "1")
    ]
    (tmp_path / "a.csv").write_text("a.b,Price [EUR]\n1,2\n")
    assert read_text(tmp_path / "a.csv", columns=["a.b", "Price [EUR]"]).frame.rows() == [
        ("1", "2")
    ]


def test_names_with_dots_are_quoted():
    path = resolved('a."b.c"[].d', {"a"})
    assert str(path) == 'a."b.c"[].d'
    assert str(resolved('"a.b".c', {"a.b"})) == '"a.b".c'


def test_two_lists_are_refused(tmp_path):
    path = jsonl(tmp_path, {"a": [1], "b": [2]})
    with pytest.raises(UserError, match=r"a\[\] and b\[\] are two lists"):
        read_text(path, columns=["a[]", "b[]"])


def test_nested_columns_are_known_with_their_paths(tmp_path):
    record = {"a": {"b": 1, "c.d": [{"e": 2}]}, "t": "x"}
    nested = {"a": ("a.b", 'a."c.d"[].e')}
    assert read_text(jsonl(tmp_path, record), columns=["a", "t"]).nested == nested
    pq.write_table(pa.Table.from_pylist([record]), tmp_path / "a.parquet")
    assert read_text(tmp_path / "a.parquet", columns=["a", "t"]).nested == nested
    (tmp_path / "a.csv").write_text('a,t\n"[{""b"": 1}]",x\n"[]",y\n')
    assert read_text(tmp_path / "a.csv", columns=["a", "t"]).nested == {"a": ("a[].b",)}


def test_a_field_that_no_record_has_is_absent(tmp_path):
    path = jsonl(tmp_path, {"a": {"b": 1}}, {"a": None}, {})
    assert read_text(path, columns=["a.b", "a.x", "y"]).absent == ("a.x", "y")


def test_a_value_that_is_no_list_is_read_as_empty_with_a_note(tmp_path):
    path = jsonl(tmp_path, {"u": 1, "a": [{"b": 5}]}, {"u": 2, "a": "none"}, {"u": 3, "a": "?"})
    delivered = read_text(path, columns=["u", "a[].b"])
    assert delivered.frame.rows() == [("1", "5"), ("2", None), ("3", None)]
    assert delivered.notes == (
        "a.jsonl row 2 and in 1 more: there is no object or list for 'a[].b', which is read as "
        "empty",
    )


def test_json_that_is_nested_too_deeply_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(UserError, match=r"a\.jsonl line 2 is nested too deeply"):
        read_text(path, columns=["a"])


def test_two_fields_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n{"a": 1, "a": 2}\n')
    with pytest.raises(UserError, match=r"a\.jsonl line 2 has an object with two fields 'a'"):
        read_text(path, columns=["a"])
