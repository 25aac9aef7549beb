"""Tables that an earlier version wrote get the columns that came later.

Belongs here: adding columns that may be null, for tables that nobody can make again. Does not
belong here: naming other differences (`earlier_schemas.py`, `schema.py`).
"""

from collections.abc import Mapping

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import Field, PrimitiveType

from persona_assets.errors import InfrastructureError
from persona_assets.lake.history import upkeep
from persona_assets.lake.schema import DELTA_TYPES
from persona_assets.tables import Table


def widen(uri: str, table: Table, storage_options: Mapping[str, str]) -> bool:
    """Add to the stored table the columns of its contract that it lacks; was it any?

    Nothing is added where there is no table, where its log cannot be read, or where it differs in
    more than columns that may be null: whoever opens it names that.

    Raises:
        InfrastructureError: the table cannot be written.
    """
    try:
        delta = DeltaTable(uri, storage_options=dict(storage_options) or None)
        stored = {field.name for field in delta.schema().fields}
    except (TableNotFoundError, DeltaError, OSError, ValueError):
        return False
    missing = [column for column in table.columns if column.name not in stored]
    surplus = stored - {column.name for column in table.columns}
    if not missing or surplus or not all(column.nullable for column in missing):
        return False
    fields = [Field(each.name, PrimitiveType(DELTA_TYPES[each.type])) for each in missing]
    try:
        delta.alter.add_columns(fields, commit_properties=upkeep(delta))
    except (DeltaError, OSError) as error:
        raise InfrastructureError(
            f"{table.path}: cannot add {', '.join(each.name for each in missing)} to the table at "
            f"{uri}; check that it is writable, then run it again"
        ) from error
    return True
