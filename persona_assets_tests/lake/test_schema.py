import re
from datetime import date, datetime, timedelta

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from persona_assets.errors import DataError
from persona_assets.lake.schema import conform
from persona_assets.tables import Column, Table

WIDE = Table(
    "tests",
    "wide",
    grain="a column of each type",
    key=("day",),
    columns=(
        Column("day", "date", "day"),
        Column("number", "int64", "number"),
        Column("share", "float64", "share"),
        Column("name", "string", "name"),
        Column("flag", "bool", "flag"),
        Column("at", "timestamp", "moment"),
        Column("vector", "vector", "vector"),
    ),
)
MOMENT = datetime(2025, 3, 1, 12, 30, 15, 123_456)


def exact() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "day": date(2025, 3, 1),
                "number": 7,
                "share": 2.0,
                "name": "a",
                "flag": True,
                "at": MOMENT,
                "vector": [1.0, 2.0],
            }
        ],
        schema_overrides={"vector": pl.List(pl.Float32)},
    ).with_columns(pl.col("at").dt.replace_time_zone("UTC"))


def conformed(frame: pl.DataFrame) -> pl.DataFrame:
    return conform(nw.from_native(frame.lazy()), WIDE).collect().to_native()


def test_columns_come_out_in_the_contracts_order():
    frame = exact()
    assert conformed(frame.select(reversed(frame.columns))).schema == WIDE.polars_schema


@pytest.mark.parametrize(
    ("column", "given"),
    [
        ("number", pl.Int8),
        ("number", pl.Int32),
        ("number", pl.UInt32),
        ("share", pl.Float32),
        ("share", pl.Int64),
        ("name", pl.Categorical),
        ("name", pl.Enum(["a"])),
        ("at", pl.Datetime("ns", "UTC")),
        ("vector", pl.List(pl.Float64)),
        ("vector", pl.Array(pl.Float32, 2)),
    ],
)
def test_safe_widenings_are_made_and_keep_the_values(column, given):
    frame = exact().with_columns(pl.col(column).cast(given))
    assert_frame_equal(conformed(frame), exact())


def test_milliseconds_become_microseconds():
    frame = exact().with_columns(pl.col("at").cast(pl.Datetime("ms", "UTC")))
    found = conformed(frame)["at"].dt.replace_time_zone(None).item()
    assert found == MOMENT - timedelta(microseconds=456)


@pytest.mark.parametrize("column", WIDE.polars_schema.names())
def test_a_column_of_nothing_but_nulls_takes_the_contracts_type(column):
    frame = exact().with_columns(pl.lit(None).alias(column))
    assert conformed(frame).schema == WIDE.polars_schema


@pytest.mark.parametrize(
    ("column", "given"),
    [
        ("number", pl.Float64),
        ("number", pl.UInt64),
        ("number", pl.Int128),
        ("number", pl.String),
        ("share", pl.String),
        ("name", pl.Int64),
        ("flag", pl.Int64),
        ("day", pl.Datetime("us")),
        ("at", pl.Datetime("us")),
        ("at", pl.Datetime("us", "Europe/Berlin")),
        ("at", pl.Date),
        ("vector", pl.List(pl.Int64)),
        ("vector", pl.Float32),
    ],
)
def test_any_other_type_is_refused_by_name(column, given):
    value = {pl.String: "1"}.get(given)
    series = pl.Series(column, [value], dtype=given)
    with pytest.raises(DataError, match=rf"tests/wide: column '{column}' is .*tables/tests.py"):
        conformed(exact().with_columns(series))


def test_missing_and_surplus_columns_are_named_together():
    said = "tests/wide: .* lacks columns ['share'] and has unexpected columns ['shore']"
    with pytest.raises(DataError, match=re.escape(said).replace(r"\.\*", ".*")):
        conformed(exact().rename({"share": "shore"}))


def test_a_wrong_schema_reaches_no_table(store, facts, rows):
    frame = rows({date(2025, 3, 1): [1]})
    for wrong in (
        frame.drop("name"),
        frame.with_columns(more=1),
        frame.cast({"number": pl.Float64}),
    ):
        with pytest.raises(DataError, match="tests/facts"):
            store.overwrite(facts, wrong, partitions=[date(2025, 3, 1)])
    assert not store.exists(facts)


def test_nothing_that_is_stored_differs_from_what_was_given(store, facts):
    frame = pl.DataFrame(
        {
            "event_date": [date(2025, 3, 1)] * 4,
            "number": [2**63 - 1, -(2**63), 0, 1],
            "name": ["", None, "ü\n\0", "x"],
            "share": [np.nan, np.inf, None, 5e-324],
            "vector": [[], None, [float("nan"), 1.0], [0.0]],
        },
        schema=facts.polars_schema,
    )
    store.overwrite(facts, frame, partitions=[date(2025, 3, 1)])
    assert_frame_equal(store.read(facts).sort("number"), frame.sort("number"))


def contracts(table: Table) -> dict[str, Table]:
    key, rest = ("event_date", "number"), table.columns
    text = Column("number", "string", "now text")
    return {
        "number: stored long, contract string": Table(
            "tests", "facts", "", key, (rest[0], text, *rest[2:]), "event_date"
        ),
        "share: stored double, contract nothing": Table(
            "tests", "facts", "", key, (*rest[:3], rest[4]), "event_date"
        ),
        "more: stored nothing, contract bool": Table(
            "tests", "facts", "", key, (*rest, Column("more", "bool", "more")), "event_date"
        ),
        r"partitioned by \['event_date'\], the contract says nothing": Table(
            "tests", "facts", "", key, rest
        ),
    }


@pytest.mark.parametrize("case", range(4))
def test_a_stored_table_of_another_contract_is_neither_read_nor_written(store, facts, rows, case):
    day = date(2025, 3, 1)
    before = store.overwrite(facts, rows({day: [1]}), partitions=[day]).version
    said, other = list(contracts(facts).items())[case]
    for attempt in (
        lambda: store.read(other),
        lambda: store.read(other, at=before),
        lambda: store.partition_rows(other),
        lambda: store.overwrite(
            other, other.empty(), partitions=[day] if other.partition else None
        ),
    ):
        with pytest.raises(DataError, match=f"tests/facts: .*{said}.*move that folder aside"):
            attempt()
    assert store.version(facts) == before


def test_an_old_version_of_another_contract_is_refused(store, facts, rows):
    """The newest version may have been corrected by hand; the past was not."""
    from deltalake import write_deltalake

    day = date(2025, 3, 1)
    store.overwrite(facts, rows({day: [1]}), partitions=[day])
    old = rows({day: [1]}).rename({"share": "shore"})
    write_deltalake(store.uri(facts), old, mode="overwrite", schema_mode="overwrite")
    write_deltalake(store.uri(facts), rows({day: [1]}), mode="overwrite", schema_mode="overwrite")
    assert store.read(facts).height == 1
    with pytest.raises(
        DataError, match=r"at 2 does not have the contract's schema \(.*shore: stored double"
    ):
        store.read(facts, at=2)
