import importlib
import pkgutil
from dataclasses import FrozenInstanceError

import polars as pl
import pyarrow as pa
import pytest

from persona_assets.tables import TABLES, Column, Table
from persona_assets.tables.contract import ARROW_TYPES, POLARS_TYPES

DAY = Column("day", "date", "day")
NUMBER = Column("number", "int64", "number")


def test_an_unknown_type_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"column 'price' has type 'money'; use one of .*float64"):
        Column("price", "money", "price")


def test_a_column_declared_twice_is_refused():
    with pytest.raises(ValueError, match="table raw/things declares a column twice"):
        Table("raw", "things", "g", ("day",), (DAY, NUMBER, DAY))


def test_key_and_partition_must_be_declared_columns():
    with pytest.raises(ValueError, match=r"raw/things: .*\['size'\] is not declared"):
        Table("raw", "things", "g", ("day", "size"), (DAY,))
    with pytest.raises(ValueError, match=r"\['month'\] is not declared"):
        Table("raw", "things", "g", ("day",), (DAY,), partition="month")


def test_a_table_is_partitioned_by_a_date():
    with pytest.raises(ValueError, match="partition column 'number' must be a date"):
        Table("raw", "things", "g", ("day",), (DAY, NUMBER), partition="number")


def test_contracts_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        TABLES["raw/users"].name = "people"


def test_an_unknown_column_is_named_with_its_table():
    with pytest.raises(KeyError, match="table raw/users has no column 'age'"):
        TABLES["raw/users"].column("age")


def test_schemas_keep_order_types_and_nullability():
    table = Table("g", "n", "g", ("day",), (NUMBER, DAY, Column("x", "vector", "x", nullable=True)))
    assert list(table.polars_schema.items()) == [
        ("number", pl.Int64),
        ("day", pl.Date),
        ("x", pl.List(pl.Float32)),
    ]
    assert table.arrow_schema == pa.schema(
        [
            pa.field("number", pa.int64(), nullable=False),
            pa.field("day", pa.date32(), nullable=False),
            pa.field("x", pa.list_(pa.float32())),
        ]
    )
    assert table.empty().is_empty()
    assert table.empty().schema == table.polars_schema


@pytest.mark.parametrize("type_", POLARS_TYPES)
def test_polars_and_arrow_agree_on_each_type(type_):
    empty = pl.Series("x", [], dtype=POLARS_TYPES[type_])
    assert pl.Series("x", pa.array([], ARROW_TYPES[type_])).dtype == empty.dtype


def test_a_description_is_meaning_and_unit():
    assert Column("x", "float64", "price of one", "EUR").description == "price of one [EUR]"
    assert NUMBER.description == "number"


# What follows holds for every table of the platform.

EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def test_no_table_hides_another():
    import persona_assets.tables as package

    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    groups = [m.TABLES for m in modules if isinstance(getattr(m, "TABLES", None), tuple)]
    declared = [table.path for tables in groups for table in tables]
    assert sorted(declared) == sorted(TABLES)
    assert all(path == table.path for path, table in TABLES.items())


@EVERY_TABLE
def test_every_table_says_what_a_row_is_and_what_identifies_it(table):
    assert table.grain.strip().startswith("one row per")
    assert table.key
    assert len(set(table.key)) == len(table.key)
    for name in (*table.key, *([table.partition] if table.partition else [])):
        assert not table.column(name).nullable, f"{name} identifies rows and may be absent"
        assert table.column(name).type in ("string", "int64", "date", "timestamp")


@EVERY_TABLE
def test_tables_are_partitioned_by_the_three_agreed_dates_only(table):
    assert table.partition in (None, "event_date", "cutoff", "as_of")


@EVERY_TABLE
def test_names_work_as_folders_and_in_sql(table):
    for name in (table.group, table.name, *table.polars_schema.names()):
        assert name.isidentifier()
        assert name == name.lower()
        assert not name.startswith("_"), "leading underscores are for marks within a transform"


@EVERY_TABLE
def test_every_column_has_a_meaning_and_rules_that_fit_its_type(table):
    for column in table.columns:
        assert len(column.meaning) > 2
        assert column.unit is None or column.unit.strip()
        if column.allowed is not None:
            assert column.type == "string"
            assert len(set(column.allowed)) == len(column.allowed) > 0
        if column.minimum is not None or column.maximum is not None:
            assert column.type in ("int64", "float64")
        if column.minimum is not None and column.maximum is not None:
            assert column.minimum < column.maximum


@EVERY_TABLE
def test_references_lead_to_an_identifier_of_the_same_type(table):
    for column in table.columns:
        if column.references is None:
            continue
        path, _, name = column.references.rpartition(".")
        # Of a history, whose rows have the dates in their key, to whatever was ever in it.
        assert TABLES[path].key[0] == name
        assert TABLES[path].column(name).type == column.type
        assert table.group != "raw", "raw rows may be dirty: they promise no references"


@EVERY_TABLE
def test_personal_data_stays_in_raw_and_users_are_hashes_after_it(table):
    for column in table.columns:
        assert not column.pii or table.group == "raw"
        if column.name == "user_id" and table.group == "raw":
            assert column.pii
        elif column.name == "user_id":
            assert "keyed hash" in column.meaning
