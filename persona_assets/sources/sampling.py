"""A sample of a section's rows, for a first look at large files.

Belongs here: which rows are looked at. Does not belong here: reading them (`delivered_rows.py`) or
what is concluded from them (`validation.py`).
"""

from collections.abc import Sequence
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

    def of(self, rows: pl.DataFrame, heights: Sequence[int]) -> pl.DataFrame:
        """The sample of rows that are of files of so many rows each, in their order."""
        most = max(2, self.rows // max(1, len(heights)))
        if all(height <= most for height in heights):
            return rows
        drawn, begin = [], 0
        for height in heights:
            drawn.append(self._places(height, most) + begin)
            begin += height
        return rows[pl.concat(drawn)]

    def _places(self, height: int, most: int) -> pl.Series:
        """The rows that are looked at of a file of `height` rows."""
        if height <= most:
            return pl.int_range(height, eager=True)
        first = most // 2
        rest = pl.int_range(first, height, eager=True)
        return pl.concat(
            [
                pl.int_range(first, eager=True),
                rest.sample(most - first, seed=self.seed).sort(),
            ]
        )
