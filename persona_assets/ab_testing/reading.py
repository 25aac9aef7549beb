"""The file of an experiment, its rows, and the numbers in its cells.

Belongs here: reading, choosing rows, parsing cells, and what to say where a column is missing or a
cell is no number. Does not belong here: what the columns mean (`units.py`, `aggregates.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from persona_assets.ab_testing.declaration import Declaration
from persona_assets.errors import DataError, UserError
from persona_assets.notation import counted
from persona_assets.statistics.estimates import LARGEST, SMALLEST

EXAMPLE = """\
[units]                      # rows are units: customers, visits
unit = "customer_id"         # leave it out if every row is a unit
arm = "{arm}"

[arms]
control = "{control}"

[metrics.{metric}]
kind = "{kind}"{padding}  # proportion (0 or 1), mean or ratio
role = "primary"
"""
_LIKELY_ARMS = ("arm", "variant", "group", "treatment", "test_group", "segment", "bucket")
_MOST_ARMS = 20
_FEW = 3


def read_rows(path: Path, columns: Iterable[str] | None = None) -> pl.DataFrame:
    """The rows of a CSV, Parquet, Excel or JSON file, packed or not, every column as text.

    Args:
        path: the file.
        columns: the columns to read; those that the file lacks are absent. None: all.

    Raises:
        UserError: there is no such file, or it cannot be read.
        DataError: it has no rows.
    """
    from persona_assets.sources.reading import read_text

    frame = read_text(path, columns=None if columns is None else [*dict.fromkeys(columns)]).frame
    if frame.is_empty():
        raise DataError(f"{path.name} has no rows; give a file with a row per unit or per arm")
    return frame


def columns_of(declaration: Declaration) -> list[str]:
    """Every column that the declaration names."""
    names = [
        declaration.arm, declaration.unit, declaration.day,
        *declaration.segments, *declaration.strata, *declaration.where,
    ]  # fmt: skip
    for metric in declaration.metrics:
        names += metric.where
        if declaration.aggregated:
            for side in metric.sides.values():
                names += [side.units, side.sum, side.sum_squares, side.mean, side.variance]
        else:
            names += [
                metric.column, metric.denominator, metric.before, metric.before_denominator,
            ]  # fmt: skip
    return list(dict.fromkeys(name for name in names if name is not None))


def refuse_missing(rows: pl.DataFrame, declaration: Declaration, path: Path) -> None:
    """Check that the file has every column that the declaration names.

    Raises:
        UserError: it lacks one; the text has those that it has.
    """
    missing = [name for name in columns_of(declaration) if name not in rows.columns]
    if missing:
        there = read_rows(path).columns
        raise UserError(
            f"{path.name} has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(there)}: correct the mapping or the options"
        )


def without_declaration(path: Path, given: str) -> UserError:
    """What is missing to analyse the file, with its columns and an example.

    Args:
        path: the file.
        given: what was given and does not suffice, as a sentence.
    """
    rows = read_rows(path)
    shown = ", ".join(f"{name} ({_looks_like(rows[name])})" for name in rows.columns)
    arm = _likely_arm(rows)
    values = sorted(rows[arm].drop_nulls().unique().to_list())[:_MOST_ARMS] if arm else []
    metric, kind = _likely_metric(rows, arm)
    example = EXAMPLE.format(
        arm=arm or "variant",
        control=_likely_control(values),
        metric=metric,
        kind=kind,
        padding=" " * (12 - len(kind)),
    )
    option = (
        f"persona experiment analyze {path.name} --arm {arm or 'variant'} --control "
        f"'{_likely_control(values)}' --metric {metric}:{kind}:primary"
    )
    return UserError(
        f"{given}. An analysis needs the column with the arm, which arm is control, and one "
        f"primary metric.\n{path.name} has the columns {shown}.\nFor example:\n\n    {option}\n\n"
        f"or the same in a file, --mapping experiment.toml (docs/experiments.md has every key):\n\n"
        + "".join(f"    {line}\n" for line in example.splitlines())
    )


def chosen(rows: pl.DataFrame, conditions: Mapping[str, Sequence[str]], of: str) -> pl.DataFrame:
    """The rows whose columns have one of the given values.

    Raises:
        DataError: no row has.
    """
    for column, values in conditions.items():
        kept = rows.filter(pl.col(column).is_in(list(values)))
        if kept.is_empty():
            there = rows[column].drop_nulls().unique().sort().head(_MOST_ARMS).to_list()
            raise DataError(
                f"{of}: no row has {' or '.join(map(repr, values))} in column {column!r}; it has "
                f"{', '.join(map(repr, there))}"
            )
        rows = kept
    return rows


def numbers(texts: pl.Series, of: str, *, empty_is_zero: bool = False) -> pl.Series:
    """The cells of a column as numbers; true and false are 1 and 0.

    Args:
        texts: cells, null where they are empty or NaN.
        of: what messages call the column.
        empty_is_zero: take 0 for empty cells.

    Raises:
        DataError: a cell is empty, is no finite number, or is larger or nearer to 0 than can be
            computed with; the text has the number of such cells and a few of the texts.
    """
    words = texts.str.strip_chars().str.to_lowercase()
    texts = texts.set(words == "nan", None)
    plain = texts.str.strip_chars()
    parsed = (
        pl.DataFrame({"plain": plain, "words": words})
        .select(
            pl.when(pl.col("words") == "true")
            .then(1.0)
            .when(pl.col("words") == "false")
            .then(0.0)
            .otherwise(pl.col("plain").cast(pl.Float64, strict=False))
        )
        .to_series()
    )
    odd = texts.filter(texts.is_not_null() & ~(parsed.is_finite().fill_null(value=False)))
    if odd.len():
        some = ", ".join(repr(each) for each in odd.unique(maintain_order=True).head(_FEW))
        raise DataError(
            f"{of}: {counted(odd.len(), 'cell')} of {texts.len():,} hold no number, such as "
            f"{some}; write numbers with a point, and nothing else, or correct the mapping"
        )
    size = parsed.abs()
    beyond = parsed.filter((size > LARGEST) | ((size < SMALLEST) & (size > 0)))
    if beyond.len():
        raise DataError(
            f"{of}: {counted(beyond.len(), 'cell')} of {texts.len():,} are of a size that nothing "
            f"can be computed with, such as {beyond[0]:g}; correct them, or give another unit"
        )
    if empty := texts.null_count():
        if not empty_is_zero:
            raise DataError(
                f"{of}: {counted(empty, 'cell')} of {texts.len():,} are empty or NaN. If nothing "
                'happened there, say missing = "zero" in the metric; rows cannot be left out by '
                "what came out, which would undo the assignment by chance"
            )
        parsed = parsed.fill_null(0.0)
    return parsed


def _looks_like(cells: pl.Series) -> str:
    values = cells.drop_nulls()
    kinds = values.n_unique()
    if values.len() and values.cast(pl.Float64, strict=False).null_count() == 0:
        is_flag = set(values.unique().to_list()) <= {"0", "1", "0.0", "1.0"}
        return "0 or 1" if is_flag else "numbers"
    return f"{kinds} texts" if kinds <= _MOST_ARMS else "texts"


def _likely_arm(rows: pl.DataFrame) -> str | None:
    few = [name for name in rows.columns if 2 <= rows[name].n_unique() <= _MOST_ARMS]
    named = [name for likely in _LIKELY_ARMS for name in few if name.lower() == likely]
    texts = [name for name in few if _looks_like(rows[name]).endswith("texts")]
    return next(iter((*named, *texts)), None)


def _likely_control(values: Sequence[str]) -> str:
    for value in values:
        if any(word in value.lower() for word in ("control", "no ", "holdout", "baseline")):
            return value
    return values[0] if values else "control"


def _likely_metric(rows: pl.DataFrame, arm: str | None) -> tuple[str, str]:
    kinds = {name: _looks_like(rows[name]) for name in reversed(rows.columns) if name != arm}
    flags = [name for name, kind in kinds.items() if kind == "0 or 1"]
    if flags:
        return flags[0], "proportion"
    amounts = [name for name, kind in kinds.items() if kind == "numbers"]
    return (amounts[0], "mean") if amounts else ("converted", "proportion")
