"""Writing CSV files that a spreadsheet may open.

Belongs here: what every CSV file that leaves the package goes through. Does not belong here: what
is written, or reading the shop's files (`sources/`).

A spreadsheet takes a text that begins with `=`, `+`, `-` or `@` for a formula and computes it, and
what people typed or shops named can be such a text: `=HYPERLINK("http://…"&A1)`. After OWASP's "CSV
Injection" such texts get an apostrophe in front, which spreadsheets do not show.
"""

from pathlib import Path

import polars as pl

# A tab or a line's end in front is skipped by spreadsheets; the wide forms are taken as the others.
_BEGINS_A_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
_NUMBER = r"^[+-]?(\d+([.,]\d+)*|\.\d+)([eE][+-]?\d+)?$"


def without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with an apostrophe before each text that a spreadsheet would compute.

    Numbers keep their sign, in columns of numbers and in texts; names of columns are texts too.
    """
    escaped = frame.with_columns(
        pl.when(
            pl.col(pl.String).str.contains(_BEGINS_A_FORMULA)
            & ~pl.col(pl.String).str.contains(_NUMBER)
        )
        .then("'" + pl.col(pl.String))
        .otherwise(pl.col(pl.String))
        .name.keep()
    )
    names = pl.Series(escaped.columns, dtype=pl.String)
    formulas = names.filter(names.str.contains(_BEGINS_A_FORMULA))
    return escaped.rename({name: f"'{name}" for name in formulas})


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write `frame` to the CSV file `path`, formulas escaped.

    Raises:
        OSError: the file cannot be written.
    """
    without_formulas(frame).write_csv(path)
