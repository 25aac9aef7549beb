"""Parquet files.

Belongs here: reading the columns that are wanted and nothing else, so that a column that nobody
maps never stops a file, and noticing a file that is not whole. Does not belong here: types as text
(`typed_text.py`) and paths (`nested_arrow.py`).
"""

from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from persona_assets.errors import UserError
from persona_assets.sources.reading.headers import refuse_duplicates
from persona_assets.sources.reading.nested_arrow import followed, suggestions, type_at
from persona_assets.sources.reading.paths import Path as ColumnPath
from persona_assets.sources.reading.paths import resolved
from persona_assets.sources.reading.typed_text import has_text, is_nested, may_hold_json, texts

BATCH = 1 << 17
"""Rows that are read at a time."""


class ParquetTable:
    """A Parquet file that is open.

    Attributes:
        header: the names of its columns.
        nested: columns of objects or lists → paths into them.

    Args:
        source: the bytes of the file.
        path: for error texts.

    Raises:
        UserError: it is truncated or damaged, or two columns have one name.
    """

    def __init__(self, source: bytes, path: Path) -> None:
        self._path = path
        try:
            # Spark's old times of 12 bytes overflow nanoseconds, silently, before 1677.
            self._file = pq.ParquetFile(
                pa.BufferReader(source),
                page_checksum_verification=True,
                coerce_int96_timestamp_unit="us",
            )
            self._schema = self._file.schema_arrow
            self.header = tuple(self._schema.names)
            self.rows = self._file.metadata.num_rows
        except (pa.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
            raise self._damaged() from error
        refuse_duplicates(self.header, path)
        self.nested = {
            name: tuple(suggestions(str(ColumnPath(name)), self._schema.field(name).type))
            for name in self.header
            if is_nested(self._schema.field(name).type)
        }

    @property
    def without_text(self) -> tuple[str, ...]:
        """A sentence on the columns that are left out because their type has no text."""
        left_out = [
            f"{name} ({kind})"
            for name, kind in zip(self.header, self._schema.types, strict=True)
            if name not in self.nested and not has_text(kind)
        ]
        return (
            f"{self._path.name}: columns that cannot be read as text: {', '.join(left_out)}",
        ) * bool(left_out)

    def plan(
        self, columns: Collection[str] | None
    ) -> tuple[dict[str, ColumnPath], dict[str, ColumnPath]]:
        """What to follow by types, and which of its results to follow on as JSON in text.

        Returns:
            Name → path of types; wanted text → one of these names, with the steps that remain.
        """
        if columns is None:
            there = [name for name in self.header if has_text(self._schema.field(name).type)]
            return {name: ColumnPath(name) for name in there}, {
                name: ColumnPath(name) for name in there
            }
        typed, wanted = {}, {}
        for text in columns:
            path = resolved(text, self.header)
            if path is None:
                continue
            kind, rest = type_at(self._schema.field(path.root).type, path.steps)
            if is_nested(kind) or (rest and not may_hold_json(kind)):
                continue
            reached = ColumnPath(path.root, path.steps[: len(path.steps) - len(rest)])
            typed[str(reached)] = reached
            wanted[text] = ColumnPath(str(reached), rest)
        return typed, wanted

    def batches(self, typed: dict[str, ColumnPath]) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """Columns of text by name, and the position in the file of the row each row comes from.

        Raises:
            UserError: the file is truncated or damaged, or a column has no text.
        """
        roots = list(dict.fromkeys(path.root for path in typed.values()))
        count = 0
        try:
            for batch in self._file.iter_batches(BATCH, columns=roots) if roots else ():
                arrays = {root: batch.column(root) for root in roots}
                for values in arrays.values():
                    values.validate(full=True)
                found, positions = followed(arrays, typed)
                frame = pl.DataFrame({name: self._text(name, found[name]) for name in typed})
                yield frame, pl.Series(positions + count)
                count += len(batch)
        except (pa.ArrowException, OSError, MemoryError, pl.exceptions.PolarsError) as error:
            raise self._damaged() from error
        if roots and count != self.rows:
            raise UserError(
                f"{self._path} is damaged: {count} of its {self.rows} rows can be read; deliver it "
                "again"
            )

    def _text(self, name: str, values: pa.Array) -> pl.Series:
        text = texts(values)
        if text is None:
            raise UserError(
                f"{self._path}: column {name!r} has the type {values.type}, whose values cannot be "
                "read as text; convert the column to text, numbers or times"
            )
        return text.alias(name)

    def _damaged(self) -> UserError:
        return UserError(
            f"{self._path} cannot be read as Parquet: it is truncated or damaged; deliver it again"
        )
