"""What is packed comes back to the last bit, and what is damaged never as a value."""

from datetime import UTC, date, datetime
from typing import get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.errors import DataError
from persona_assets.serving.online.packing import TIMES, Layout
from persona_assets.serving.online.views import OnlineView
from persona_assets.tables.contract import Type

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = {
    "string": st.text(st.characters(exclude_categories=["Cs"])),
    "int64": INT64,
    "float64": st.floats(),
    "bool": st.booleans(),
    "date": st.dates(),
    "timestamp": st.datetimes(timezones=st.just(UTC)),
    "vector": st.lists(st.floats(width=32), max_size=4),
}
TYPES = get_args(Type)


def view(types: list[Type]) -> OnlineView:
    return OnlineView("v", 3, "user_id", tuple((f"f{n}", t) for n, t in enumerate(types)), 60)


@st.composite
def frames(draw: st.DrawFn) -> tuple[Layout, pl.DataFrame]:
    types = draw(st.lists(st.sampled_from(TYPES), max_size=20))
    layout = Layout(view(types))
    rows = st.tuples(VALUES["string"], INT64, INT64, *(st.none() | VALUES[t] for t in types))
    found = draw(st.lists(rows, max_size=4))
    return layout, pl.DataFrame(found, schema=layout.schema, orient="row")


def bits(value: object) -> object:
    """Equal only for equal bits: NaN equals itself, 0.0 is not −0.0."""
    if isinstance(value, float):
        return np.float64(value).tobytes()
    if isinstance(value, np.ndarray | list | pl.Series):
        return np.asarray(value, "<f4").tobytes(), len(value)
    return type(value), value


def test_every_type_of_a_contract_can_be_packed() -> None:
    assert set(VALUES) == set(TYPES)


@given(frames())
def test_rows_come_back_to_the_last_bit(made: tuple[Layout, pl.DataFrame]) -> None:
    layout, frame = made
    records = layout.pack(frame)
    rows = list(frame.iter_rows(named=True))
    for record, expected in zip(records, rows, strict=True):
        row = layout.unpack(record)
        assert (row.event_us, row.arrival_us) == (expected["event_us"], expected["arrival_us"])
        assert list(row.values) == list(layout.names)
        assert {n: bits(v) for n, v in row.values.items()} == {
            name: bits(expected[name]) for name in layout.names
        }
    again = layout.frame(frame["user_id"].to_list(), records)
    assert again.schema == layout.schema
    assert [[*map(bits, row)] for row in again.iter_rows()] == [
        [*map(bits, row)] for row in frame.iter_rows()
    ]


@given(st.tuples(INT64, INT64), st.tuples(INT64, INT64))
def test_bytes_of_times_sort_as_times(one: tuple[int, int], other: tuple[int, int]) -> None:
    layout = Layout(view(["bool"]))
    rows = [("a", *times, True) for times in (one, other)]
    first, second = layout.pack(pl.DataFrame(rows, schema=layout.schema, orient="row"))
    assert (first[TIMES] < second[TIMES]) == (one < other)


def record(*types: Type) -> tuple[Layout, bytes]:
    layout = Layout(view(list(types)))
    examples = {"string": "text", "int64": 7, "vector": [1.0, 2.0], "bool": True}
    row = ("a", 1, 2, *(examples[t] for t in types))
    return layout, layout.pack(pl.DataFrame([row], schema=layout.schema, orient="row"))[0]


def test_any_changed_or_missing_byte_is_noticed() -> None:
    layout, packed = record("string", "int64", "vector")
    for place in range(len(packed)):
        spoiled = packed[:place] + bytes([packed[place] ^ 0x10]) + packed[place + 1 :]
        for damaged in (spoiled, packed[:place]):
            with pytest.raises(DataError, match=r"row of the online view v is .*again$"):
                layout.unpack(damaged)
            with pytest.raises(DataError, match=r"row of the online view v is .*again$"):
                layout.frame(["a"], [damaged])


def test_a_row_of_another_definition_is_not_read() -> None:
    _, packed = record("string", "int64")
    changed = OnlineView("v", 4, "user_id", (("f0", "string"), ("f1", "int64")), 60)
    with pytest.raises(DataError, match="of another definition"):
        Layout(changed).unpack(packed)


def test_what_follows_a_row_is_its_trailer() -> None:
    layout = Layout(view(["string", "int64", "vector", "bool"]))
    frame = pl.DataFrame([("a", 1, 2, "ü", 1, [0.5], None)], schema=layout.schema, orient="row")
    (packed,) = layout.pack(frame, [b"its name"])
    assert layout.trailer(packed) == b"its name"
    assert layout.unpack(packed).values["f0"] == "ü"


@pytest.mark.parametrize(
    ("type_", "series", "said"),
    [
        ("int64", pl.Series("f0", [1], pl.Int32), "f0 is Int32 and not Int64"),
        ("vector", pl.Series("f0", [[1.0, None]], pl.List(pl.Float32)), "holds a null"),
        ("date", pl.Series("f0", [2**30], pl.Int32).cast(pl.Date), "outside of the years"),
    ],
)
def test_what_could_not_be_read_back_is_refused(type_: Type, series: pl.Series, said: str) -> None:
    layout = Layout(view([type_]))
    head = pl.DataFrame({"user_id": ["a"], "event_us": [1], "arrival_us": [1]})
    with pytest.raises(DataError, match=said):
        layout.pack(head.with_columns(series))


def test_a_golden_row() -> None:
    layout = Layout(view(["int64", "date", "string"]))
    at = int(datetime(2025, 3, 2, tzinfo=UTC).timestamp()) * 10**6
    frame = pl.DataFrame(
        [("a", at, at, 258, date(1970, 1, 2), None)], schema=layout.schema, orient="row"
    )
    (packed,) = layout.pack(frame)
    # Checksum and fingerprint aside: version 3, times, third value null, 258, day 1, a place.
    assert packed[12:16].hex() == "00000003"
    assert packed[16:24].hex() == f"{at + 2**63:016x}"
    assert packed[32:].hex() == "04" + "0000000000000102" + "00000001" + "0000003500000000"
