"""What every artefact has in common: rows of one training, some of which concern one user only.

Belongs here: checks on an artefact as a whole, and its division by users. Does not belong here: how
a kind of model lays out its rows (`factors.py`, `popularity.py`).
"""

from datetime import date

import narwhals as nw
import polars as pl

from persona_assets.errors import DataError
from persona_assets.tables import Table
from persona_assets.tables.models import FALLBACK_USER


def of_training(learned: pl.DataFrame, table: Table, cutoff: date) -> pl.DataFrame:
    """What a model learned at a cut-off, as rows of its artefact's table, sorted by its key.

    Args:
        learned: the columns of `table` but the cut-off; others are left out.
        table: contract of the artefact.
        cutoff: of the training.

    Raises:
        TypeError: a column is missing.
    """
    dated = learned.with_columns(pl.lit(cutoff, dtype=pl.Date()).alias("cutoff"))
    columns = table.polars_schema
    if missing := [name for name in columns if name not in dated.columns]:
        raise TypeError(
            f"the model returned no column {missing[0]!r}, which {table.path} has; return all of "
            "its columns but the cut-off from `_learn`"
        )
    return dated.select(pl.col(name).cast(kind) for name, kind in columns.items()).sort(table.key)


def one_training(artefact: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The artefact itself, if it holds the rows of exactly one cut-off.

    Raises:
        DataError: no rows, or rows of several cut-offs, whose factors must never be mixed.
    """
    cutoffs = artefact["cutoff"].unique().sort().to_list()
    if not cutoffs:
        raise DataError(f"{table.path} holds no rows; materialize it for the cut-off first")
    if len(cutoffs) > 1:
        raise DataError(
            f"{table.path}: recommendations need the rows of one cut-off, got those of "
            f"{', '.join(map(str, cutoffs))}; pass a single partition"
        )
    return artefact


def by_user(artefact: nw.LazyFrame) -> tuple[nw.LazyFrame, nw.LazyFrame | None]:
    """An artefact's rows that every list needs, and those that only one user's list needs.

    Together with the first, a user's rows of the second are an artefact from which that user's list
    is the same as from the whole.

    Args:
        artefact: rows of any model's artefact, of either engine.

    Returns:
        Rows that every list needs; rows that only the list of user `id` needs, or None for a
        model that knows no users.
    """
    if "entity" not in artefact.collect_schema():
        return artefact, None
    own = (nw.col("entity") == "user") & (nw.col("id") != FALLBACK_USER)
    return artefact.filter(~own), artefact.filter(own)
