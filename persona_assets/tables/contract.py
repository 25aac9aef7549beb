"""What a table promises: its grain, key, partition column and columns.

Belongs here: the vocabulary (`Column`, `Table`) and its translation into Polars and Arrow schemas.
Does not belong here: the tables themselves (one module per group of the graph beside this one),
reading or writing them (`lake/`), or checking rows against them (`orchestration/checks/`).
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import polars as pl
import pyarrow as pa

Type = Literal["string", "int64", "float64", "bool", "date", "timestamp", "vector"]
"""`timestamp` is microseconds in UTC; `vector` is a list of float32."""

POLARS_TYPES: dict[Type, pl.DataType] = {
    "string": pl.String(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "vector": pl.List(pl.Float32()),
}
ARROW_TYPES: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "vector": pa.list_(pa.float32()),
}

_MEASURES = ("int64", "float64", "date", "timestamp")


@dataclass(frozen=True)
class Column:
    """One column: its type, meaning, unit and the values it may take.

    `minimum` and `maximum` are inclusive. `references` names the table and column
    (`"raw/products.product_id"`) in which every non-null value must occur.
    """

    name: str
    type: Type
    meaning: str
    unit: str | None = None
    nullable: bool = False
    pii: bool = False
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    references: str | None = None

    def __post_init__(self) -> None:
        if self.type not in get_args(Type):
            raise ValueError(
                f"column {self.name!r} has type {self.type!r}; use one of {get_args(Type)}"
            )

    @property
    def description(self) -> str:
        """Meaning and unit in one line, as the UI and the reference page show it."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


@dataclass(frozen=True)
class Table:
    """The contract of one Delta table, found at `<home>/lake/<group>/<name>`.

    `key` columns together identify a row. `partition` names the date column by which runs
    overwrite (None: the table is overwritten whole).
    """

    group: str
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...] = field(repr=False)
    partition: str | None = None

    def __post_init__(self) -> None:
        known = {column.name for column in self.columns}
        if len(known) != len(self.columns):
            raise ValueError(f"table {self.path} declares a column twice")
        wanted = {*self.key, *([self.partition] if self.partition else [])}
        if missing := sorted(wanted - known):
            raise ValueError(
                f"table {self.path}: key or partition column {missing} is not declared"
            )
        if self.partition and self.column(self.partition).type != "date":
            raise ValueError(
                f"table {self.path}: partition column {self.partition!r} must be a date"
            )

    @property
    def path(self) -> str:
        """`group/name`: the table's name in reports, messages and the lake's folders."""
        return f"{self.group}/{self.name}"

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError if the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.path} has no column {name!r}")

    @cached_property
    def polars_schema(self) -> pl.Schema:
        """Column names and Polars types in the declared order."""
        return pl.Schema({column.name: POLARS_TYPES[column.type] for column in self.columns})

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """Column names, Arrow types and nullability in the declared order."""
        return pa.schema(
            [pa.field(c.name, ARROW_TYPES[c.type], nullable=c.nullable) for c in self.columns]
        )

    @cached_property
    def statistics_columns(self) -> tuple[str, ...]:
        """Columns whose smallest and largest values may stand in the Delta log.

        A log outlives the rows it describes, so no person may be in it: texts only where the
        contract lists the values, nothing personal. Named one by one, because a column that is
        added without a thought must stay out. Delta keeps no statistics of partition columns, nor
        of truth values and vectors.
        """
        return tuple(
            column.name
            for column in self.columns
            if column.name != self.partition
            and not column.pii
            and (column.type in _MEASURES or (column.type == "string" and column.allowed))
        )

    @property
    def private(self) -> bool:
        """Is it for the lake's owner only: the shop's own rows, or personal columns?"""
        return self.group == "raw" or any(column.pii for column in self.columns)

    def empty(self) -> pl.DataFrame:
        """A frame with this table's columns and no rows."""
        return pl.DataFrame(schema=self.polars_schema)
