"""Files whose first row holds values where the names of columns are expected.

Belongs here: noticing it, and what is said. Does not belong here: names that are values one by one
(`column_names.py`), or reading the file.

A first row of values would lose a row and make names of it, perhaps somebody's. It is told by what
it shares with the rows below: a day above days, a number above numbers, an event above events.
"""

from collections.abc import Sequence

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.inspection.column_names import looks_like_data, role_of
from persona_assets.sources.inspection.event_names import event_type_of

LOOKED_AT = 200
MOSTLY = 0.8
"""Share of a column's values that must be of the kind of its name."""


def refuse_missing_header(file: str, rows: pl.DataFrame, names: Sequence[str]) -> None:
    """Check that the first row of a file names its columns.

    Args:
        file: what messages call it.
        rows: text columns, of which `names` are some.
        names: the first row.

    Raises:
        UserError: it does not; the text says what to write above it, and shows none of its values.
    """
    if not names or not _is_missing(rows, names):
        return
    raise UserError(
        f"{file}: its first row holds values, not column names; add a first row with "
        f"{len(names)} names, such as user_id, product_id, event_type, timestamp, and inspect it "
        "again"
    )


def _is_missing(rows: pl.DataFrame, names: Sequence[str]) -> bool:
    if sum(map(looks_like_data, names)) > len(names) / 2:
        return True
    values = {name: rows[name].drop_nulls().head(LOOKED_AT) for name in names if name in rows}
    if not any(_is_one_of(name, below) for name, below in values.items()):
        return False
    return not any(role_of(name)[1] > 0 and name not in values.get(name, ()) for name in names)


def _is_one_of(name: str, values: pl.Series) -> bool:
    """Whether a name is of the kind that the values of its column are."""
    if values.is_empty():
        return False
    if looks_like_data(name):
        like = sum(map(looks_like_data, values))
    elif event_type_of(name) is not None:
        like = sum(event_type_of(value) is not None for value in values)
    else:
        return False
    return like >= MOSTLY * len(values)
