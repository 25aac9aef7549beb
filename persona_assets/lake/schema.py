"""Comparing frames and stored tables with their contract's schema.

Belongs here: names and types. Does not belong here: rules about values (`orchestration/checks/`).
"""

import narwhals as nw
from deltalake import DeltaTable
from deltalake.schema import ArrayType, PrimitiveType

from persona_assets.errors import DataError
from persona_assets.tables import Table
from persona_assets.tables.contract import Type

NARWHALS_TYPES: dict[Type, nw.dtypes.DType] = {
    "string": nw.String(),
    "int64": nw.Int64(),
    "float64": nw.Float64(),
    "bool": nw.Boolean(),
    "date": nw.Date(),
    "timestamp": nw.Datetime("us", "UTC"),
    "vector": nw.List(nw.Float32()),
}
DELTA_TYPES: dict[Type, str] = {
    "string": "string",
    "int64": "long",
    "float64": "double",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "vector": "array<float>",
}


class OtherSchemaError(DataError):
    """A stored table is not as its contract says; `difference` is in what."""

    def __init__(self, text: str, difference: str) -> None:
        super().__init__(text)
        self.difference = difference

    def __reduce__(self) -> tuple[type["OtherSchemaError"], tuple[str, str]]:
        """It comes out of other processes whole."""
        return type(self), (str(self), self.difference)


def conform(frame: nw.LazyFrame, table: Table) -> nw.LazyFrame:
    """`frame` with exactly the contract's columns, in its order and types.

    Only smaller integers and floats, other time units and wider vectors are cast: nothing is lost
    beyond the contract's own precision (microseconds, float64, float32 in vectors).

    Raises:
        DataError: a column is missing, unexpected, or of a type that cannot become the contract's.
    """
    schema = frame.collect_schema()
    wanted = {column.name: NARWHALS_TYPES[column.type] for column in table.columns}
    missing = [name for name in wanted if name not in schema]
    surplus = [name for name in schema if name not in wanted]
    if missing or surplus:
        raise DataError(
            f"{table.path}: the frame to be written lacks columns {missing} and has unexpected "
            f"columns {surplus}; make the transform and the contract in tables/{table.group}.py "
            "agree"
        )
    expressions = []
    for name, type_ in wanted.items():
        if schema[name] == type_:
            expressions.append(nw.col(name))
        elif _widens(schema[name], type_):
            expressions.append(nw.col(name).cast(type_))
        else:
            raise DataError(
                f"{table.path}: column {name!r} is {schema[name]}, the contract says {type_}; "
                f"make the transform and the contract in tables/{table.group}.py agree"
            )
    return frame.select(expressions)


def _widens(given: nw.dtypes.DType, wanted: nw.dtypes.DType) -> bool:
    if isinstance(given, nw.Unknown):  # a column of nothing but nulls
        return True
    if isinstance(wanted, nw.Int64):
        return given.is_integer() and not isinstance(given, nw.UInt64 | nw.Int128 | nw.UInt128)
    if isinstance(wanted, nw.Float64):
        return given.is_integer() or given.is_float()
    if isinstance(wanted, nw.String):
        return isinstance(given, nw.Categorical | nw.Enum)
    if isinstance(wanted, nw.Datetime):
        return isinstance(given, nw.Datetime) and given.time_zone == "UTC"
    if isinstance(wanted, nw.List):
        inner = given.inner if isinstance(given, nw.List | nw.Array) else None
        return inner in (nw.Float32(), nw.Float64(), nw.Float32, nw.Float64)
    return False


def verify_stored(delta: DeltaTable, table: Table, uri: str) -> None:
    """Raise OtherSchemaError unless the stored columns, types and partitions are the contract's."""
    partitions = delta.metadata().partition_columns
    if partitions != [table.partition] * (table.partition is not None):
        difference = (
            f"partitioned by {partitions or 'nothing'}, the contract says "
            f"{table.partition or 'nothing'}"
        )
        raise OtherSchemaError(
            f"{table.path}: the table at {uri} is {difference}; move that folder aside and "
            "materialize the asset again",
            difference,
        )
    stored = {field.name: _delta_type(field.type) for field in delta.schema().fields}
    wanted = {column.name: DELTA_TYPES[column.type] for column in table.columns}
    if stored == wanted:
        return
    differences = [
        f"{name}: stored {stored.get(name, 'nothing')}, contract {wanted.get(name, 'nothing')}"
        for name in sorted(stored.keys() | wanted.keys())
        if stored.get(name) != wanted.get(name)
    ]
    difference = "; ".join(differences)
    raise OtherSchemaError(
        f"{table.path}: the table at {uri} does not have the contract's schema ({difference}); "
        "move that folder aside and materialize the asset again, or use the version of "
        "persona_assets that wrote it",
        difference,
    )


def _delta_type(type_: object) -> str:
    if isinstance(type_, PrimitiveType):
        return type_.type
    if isinstance(type_, ArrayType):
        return f"array<{_delta_type(type_.element_type)}>"
    return str(type_)
