"""The online feature store: the newest snapshot by key, in a file that any process can read.

Belongs here: an embedded key-value store (SQLite, values as JSON) that is replaced whole. Does not
belong here: computing features (`transforms/snapshots.py`).
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path

import narwhals as nw
import polars as pl

from persona_assets.errors import DataError, InfrastructureError

_SCHEMA = """
CREATE TABLE features (
    entity TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (entity, id)
) WITHOUT ROWID
"""


def newest(frame: nw.LazyFrame, column: str) -> nw.LazyFrame:
    """The rows of the largest value of `column`: the newest snapshot or cut-off."""
    latest = frame.select(nw.col(column).max().alias("__latest"))
    return (
        frame.join(latest, how="cross")
        .filter(nw.col(column) == nw.col("__latest"))
        .drop("__latest")
    )


class OnlineStore:
    """Features of users and products, found by `(entity, id)`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def replace(self, snapshots: Mapping[str, tuple[str, pl.DataFrame]]) -> int:
        """Put `snapshots` (entity → id column and frame) in place of everything; rows written.

        A new file is written beside the old one and renamed over it: readers see the old or the
        new content, never a mixture.
        """
        fresh = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.unlink(missing_ok=True)
            with closing(sqlite3.connect(fresh)) as connection, connection:
                connection.execute("PRAGMA journal_mode=OFF")  # the rename is what commits
                connection.execute(_SCHEMA)
                connection.executemany("INSERT INTO features VALUES (?, ?, ?)", _rows(snapshots))
            fresh.replace(self.path)
        except sqlite3.IntegrityError as error:
            raise DataError(
                "online features: an identifier is missing or occurs twice in the snapshot "
                f"({error}); materialize feature_store/user_features and item_features again"
            ) from error
        except (sqlite3.OperationalError, OSError) as error:
            raise InfrastructureError(
                f"cannot write the online store {self.path}: {error}; check the folder and its room"
            ) from error
        return sum(frame.height for _, frame in snapshots.values())

    def get(self, entity: str, identifier: str) -> dict[str, object] | None:
        """Features of one entity, or None when the snapshot does not know it."""
        found = self._query(
            "SELECT payload FROM features WHERE entity = ? AND id = ?", entity, identifier
        )
        return json.loads(found[0][0]) if found else None

    def snapshot(self, entity: str, id_column: str, schema: pl.Schema) -> pl.DataFrame:
        """Everything stored for `entity`, in the columns and types of `schema`."""
        found = self._query("SELECT id, payload FROM features WHERE entity = ? ORDER BY id", entity)
        rows = [{id_column: identifier, **json.loads(payload)} for identifier, payload in found]
        text = {name: pl.String if type_ == pl.Date else type_ for name, type_ in schema.items()}
        frame = pl.DataFrame(rows, schema=text)
        dates = [name for name, type_ in schema.items() if type_ == pl.Date]
        return frame.with_columns(pl.col(dates).str.to_date("%Y-%m-%d"))

    def _query(self, statement: str, *values: str) -> list[tuple[str, ...]]:
        if not self.path.exists():
            raise DataError(
                f"there is no online store at {self.path}; materialize "
                "feature_store/online_features first"
            )
        try:
            address = f"{self.path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True)) as connection:
                return connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"the online store {self.path} cannot be read: {error}; materialize "
                "feature_store/online_features again"
            ) from error


def _rows(
    snapshots: Mapping[str, tuple[str, pl.DataFrame]],
) -> Iterator[tuple[str, str, str]]:
    for entity, (id_column, frame) in snapshots.items():
        for row in frame.iter_rows(named=True):
            identifier = row.pop(id_column)
            yield entity, identifier, json.dumps(row, default=date.isoformat)
