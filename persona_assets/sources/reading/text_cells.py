"""JSON inside the cells of a column of text.

Belongs here: paths into such cells, whatever the file's format, and noticing that a column holds
objects or lists. Does not belong here: following a path (`nested_json.py`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.reading.nested_json import (
    DECODER,
    DuplicateKeyError,
    Walker,
    suggestions,
)
from persona_assets.sources.reading.paths import Path as ColumnPath


@dataclass(frozen=True)
class Cells:
    """What paths find in a frame of text.

    Attributes:
        frame: a column per wanted text.
        position: for each row the position of the row that it comes from; None: one each, in order.
        walker: what was noticed on the way; None where no path has steps.
    """

    frame: pl.DataFrame
    position: pl.Series | None = None
    walker: Walker | None = None


def walked(text: pl.DataFrame, paths: Mapping[str, ColumnPath], file: Path) -> Cells:
    """The columns that wanted texts mean, rows exploded where a path says so.

    Args:
        text: columns of text.
        paths: wanted text → column of `text` and the steps into its cells.
        file: for error texts.

    Raises:
        UserError: an object in a cell has two fields of one name.
    """
    # By the columns themselves: as an expression, a name such as `*` would mean them all.
    plain = [text[path.root].alias(name) for name, path in paths.items() if not path.steps]
    inside = {name: path for name, path in paths.items() if path.steps}
    if not inside:
        return Cells(text.select(plain))
    walker = Walker(inside)
    roots = list(dict.fromkeys(path.root for path in inside.values()))
    for number, cells in enumerate(text[roots].iter_rows()):
        try:
            walker.add(dict(zip(roots, cells, strict=True)), number)
        except DuplicateKeyError as error:
            raise UserError(
                f"{file} row {number + 1} has an object with two fields {error.key!r}; rename "
                "or remove one"
            ) from error
    values, rows = walker.taken()
    position = pl.Series("position", rows, dtype=pl.Int64)
    found = pl.DataFrame(values, schema=dict.fromkeys(values, pl.String))
    frame = text.select(plain)[position].hstack(found) if plain else found
    return Cells(frame[list(paths)], position, walker)


def json_inside(text: pl.DataFrame) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Columns all of whose values are objects or lists, and the paths into the first value."""
    for column in text.iter_columns():
        values = column.drop_nulls()
        if values.is_empty() or not values[0].lstrip().startswith(("{", "[")):
            continue
        if not values.str.contains(r"^\s*[\[{]").all():
            continue
        first = _decoded(values[0])
        if isinstance(first, dict | list):
            yield column.name, tuple(suggestions(str(ColumnPath(column.name)), first))


def _decoded(cell: str) -> object:
    try:
        return DECODER.decode(cell)
    except (ValueError, RecursionError):  # no JSON, or not for certain
        return None
