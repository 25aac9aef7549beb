"""The one rule that every artefact obeys when it is read back: it is one training, and not empty.

Belongs here: checks on an artefact as a whole. Does not belong here: how a kind of model lays out
its rows (`factors.py`, `popularity.py`).
"""

import polars as pl

from persona_assets.errors import DataError
from persona_assets.tables import Table


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
