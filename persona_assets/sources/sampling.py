"""A sample of a section's rows, for a first look at large files.

Belongs here: which rows are looked at. Does not belong here: reading them (`delivered_rows.py`) or
what is concluded from them (`validation.py`).
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Sample:
    """About `rows` rows of a section, as many of each of its files.

    One half of a file's share are its first rows, where exports differ from what comes later
    (test orders, other formats); the other half is drawn evenly from the rest, by `seed`.
    """

    rows: int
    seed: int

    def of(self, rows: pl.DataFrame, files: int) -> pl.DataFrame:
        """The sample of one of `files` files, in the order of the file."""
        most = max(2, self.rows // files)
        if len(rows) <= most:
            return rows
        first = most // 2
        rest = pl.int_range(first, len(rows), eager=True)
        drawn = rest.sample(most - first, seed=self.seed).sort()
        return pl.concat([rows.head(first), rows[drawn]])
