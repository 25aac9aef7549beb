"""Lakes that another version of the package wrote: all tables with another schema, in one error.

Belongs here: looking through a whole lake before a command works on it. Does not belong here: the
comparison of one table with its contract (`schema.py`), which every opening makes.
"""

from collections.abc import Iterable

from persona_assets.errors import DataError
from persona_assets.lake.schema import OtherSchemaError
from persona_assets.lake.store import DeltaStore
from persona_assets.tables import TABLES, Table, collected, lifecycle, raw

_ONLY_HERE = frozenset(
    {
        raw.USER_HISTORY.path,
        raw.PRODUCT_HISTORY.path,
        *(table.path for table in (*collected.TABLES, *lifecycle.TABLES)),
    }
)


def widen(store: DeltaStore) -> None:
    """Add the columns that came later to tables that cannot be made again.

    Raises:
        InfrastructureError: the lake cannot be written.
    """
    for table in collected.TABLES:
        store.add_columns(table)


def refuse(store: DeltaStore, tables: Iterable[Table] = tuple(TABLES.values())) -> None:
    """Raise DataError where tables do not have the schema of their contract.

    What is computed from the source is made again when its folder is gone, so moving the folders
    aside is all there is to do; what only the lake knows is told apart.
    """
    others: dict[str, OtherSchemaError] = {}
    for table in tables:
        try:
            store.exists(table)
        except OtherSchemaError as error:
            others[table.path] = error
    if len(others) < 2:
        for only in others.values():
            raise only
        return
    told = "; ".join(f"{path} ({other.difference})" for path, other in others.items())
    lost = sorted(others.keys() & _ONLY_HERE)
    kept = f" ({', '.join(lost)}: what only the lake knows begins anew)" if lost else ""
    raise DataError(
        f"{len(others)} tables of the lake {store.root} do not have the contract's schema: {told}; "
        f"move their folders aside and run `persona run`, which makes them again{kept}, or use the "
        "version of persona_assets that wrote them"
    )
