"""From a file's rows to one row per unit.

Belongs here: typed columns and their names, and all that can be wrong with rows. Does not belong
here: what is made of units (`units.py`), reading files (`reading.py`).

What is assigned to arms is the unit, so it is what counts as independent. Several rows of one unit
are added up, a proportion is 1 if any of them is, and a ratio may be one per row. Units that are in
more than one arm are in no number: nobody knows what they would have done.
"""

import polars as pl

from persona_assets.ab_testing.days import day_numbers
from persona_assets.ab_testing.declaration import Declaration, Metric
from persona_assets.ab_testing.reading import numbers
from persona_assets.errors import DataError
from persona_assets.notation import counted, listed

ARM, UNIT, DAY = "arm", "unit", "day"


def numerator(metric: Metric) -> str:
    """Column of the units' values."""
    return f"{metric.name}\0numerator"


def denominator(metric: Metric) -> str:
    """Column of the units' denominators."""
    return f"{metric.name}\0denominator"


def before(metric: Metric) -> str:
    """Column of the values before the experiment."""
    return f"{metric.name}\0before"


def before_denominator(metric: Metric) -> str:
    """Column of the denominators before the experiment."""
    return f"{metric.name}\0before denominator"


def segment(name: str) -> str:
    """Column of a segment or stratum."""
    return f"segment\0{name}"


def arms_of(
    rows: pl.DataFrame, declaration: Declaration, notes: list[str]
) -> tuple[tuple[str, ...], pl.DataFrame]:
    """The arms, control first, and the rows that are of one of them.

    Raises:
        DataError: control or a declared arm has no rows.
    """
    assert declaration.arm is not None  # noqa: S101 - of units it is required
    column = pl.col(declaration.arm)
    if empty := rows[declaration.arm].null_count():
        notes.append(f"{counted(empty, 'row')} without an arm left out")
        rows = rows.filter(column.is_not_null())
    there = rows[declaration.arm].unique().sort().to_list()
    arms = declaration.arms_among(there)
    others = rows.filter(~column.is_in(list(arms)))
    if others.height:
        names = others[declaration.arm].unique().sort().to_list()
        notes.append(f"{counted(others.height, 'row')} of other arms ({listed(names)}) left out")
        rows = rows.filter(column.is_in(list(arms)))
    return arms, rows


def parsed_rows(rows: pl.DataFrame, declaration: Declaration) -> pl.DataFrame:
    """Typed columns under the names above; a row of the file stays a row.

    Raises:
        DataError: a row has no unit, a cell is no number, or a proportion's is neither 0 nor 1.
    """
    columns: dict[str, pl.Series] = {ARM: rows[str(declaration.arm)]}
    if declaration.unit is None:
        columns[UNIT] = pl.int_range(rows.height, eager=True).cast(pl.String)
    else:
        columns[UNIT] = rows[declaration.unit]
        if empty := columns[UNIT].null_count():
            raise DataError(
                f"column {declaration.unit!r}: {counted(empty, 'row')} have no unit; leave them "
                "out of the file, or leave unit out if every row is one"
            )
    if declaration.day is not None:
        columns[DAY] = day_numbers(rows[declaration.day], f"column {declaration.day!r}")
    for name in dict.fromkeys((*declaration.segments, *declaration.strata)):
        columns[segment(name)] = rows[name].fill_null("(none)")
    for metric in declaration.metrics:
        zero = metric.missing == "zero"
        column = numbers(rows[metric.column], _named(metric, metric.column), empty_is_zero=zero)
        columns[numerator(metric)] = column
        if metric.kind == "proportion":
            _refuse_no_flag(column, metric)
        if metric.kind == "ratio":
            columns[denominator(metric)] = (
                pl.repeat(1.0, rows.height, eager=True)
                if metric.denominator is None
                else numbers(
                    rows[metric.denominator], _named(metric, metric.denominator), empty_is_zero=zero
                )
            )
        for theirs, ours in (
            (metric.before, before(metric)),
            (metric.before_denominator, before_denominator(metric)),
        ):
            if theirs is not None:
                there = rows[theirs].is_not_null()
                known = numbers(rows[theirs], _named(metric, theirs), empty_is_zero=True)
                columns[ours] = pl.select(pl.when(there).then(known)).to_series()
    return pl.DataFrame(columns)


def _named(metric: Metric, column: str) -> str:
    return f"metric {metric.name}, column {column!r}"


def _refuse_no_flag(column: pl.Series, metric: Metric) -> None:
    odd = column.filter(~column.is_in([0.0, 1.0]))
    if odd.len():
        raise DataError(
            f"{_named(metric, metric.column)}: {counted(odd.len(), 'cell')} are neither 0 nor 1, "
            f"such as {odd[0]:g}; a proportion is 0 or 1 of every row, amounts are of kind mean"
        )


def of_one_arm(parsed: pl.DataFrame, notes: list[str]) -> tuple[pl.DataFrame, int]:
    """The rows of units that are in one arm alone, and how many units are in several."""
    mixed = parsed.group_by(UNIT).agg(pl.col(ARM).n_unique()).filter(pl.col(ARM) > 1)
    if mixed.is_empty():
        return parsed, 0
    units = parsed[UNIT].n_unique()
    notes.append(
        f"{counted(mixed.height, 'unit')} of {units:,} are in more than one arm and in no number"
    )
    return parsed.join(mixed.select(UNIT), on=UNIT, how="anti"), mixed.height


def by_unit(parsed: pl.DataFrame, declaration: Declaration) -> pl.DataFrame:
    """Rows of a unit added up; its pre-period and segments are those of its first row.

    Raises:
        DataError: a pre-period differs within a unit.
    """
    if declaration.unit is None:
        return parsed.drop(UNIT).with_columns(
            [] if DAY in parsed.columns else [pl.lit(None, pl.Float64).alias(DAY)]
        )
    if DAY in parsed.columns:
        parsed = parsed.sort(DAY, maintain_order=True)
    asked = [pl.col(ARM).first()]
    asked.append(
        pl.col(DAY).min() if DAY in parsed.columns else pl.lit(None, pl.Float64).alias(DAY)
    )
    asked += [
        pl.col(segment(name)).first()
        for name in dict.fromkeys((*declaration.segments, *declaration.strata))
    ]
    for metric in declaration.metrics:
        asked += _summed(metric)
        for theirs, column in (
            (metric.before, before(metric)),
            (metric.before_denominator, before_denominator(metric)),
        ):
            if theirs is None:
                continue
            varies = parsed.group_by(UNIT).agg(pl.col(column).drop_nulls().n_unique())
            if (several := varies.filter(pl.col(column) > 1).height) > 0:
                raise DataError(
                    f"{_named(metric, theirs)}: {counted(several, 'unit')} have rows with "
                    "different values; what was before the experiment is one number per unit: "
                    "repeat it in every row of the unit"
                )
            asked.append(pl.col(column).drop_nulls().first())
    return parsed.group_by(UNIT, maintain_order=True).agg(asked).drop(UNIT)


def _summed(metric: Metric) -> list[pl.Expr]:
    of = pl.col(numerator(metric))
    asked = [of.max() if metric.kind == "proportion" else of.sum()]
    return [*asked, pl.col(denominator(metric)).sum()] if metric.kind == "ratio" else asked


def winsorised(frame: pl.DataFrame, declaration: Declaration, notes: list[str]) -> pl.DataFrame:
    """Values above a quantile of all arms together cut to it; the pre-period's by its own.

    Raises:
        DataError: the quantile is 0 or below, so that nothing would be left.
    """
    for metric in declaration.metrics:
        if metric.winsorise is None:
            continue
        for column in (numerator(metric), before(metric)):
            if column not in frame.columns:
                continue
            values = frame[column]
            cap = values.quantile(metric.winsorise, "higher")
            if cap is None:
                continue
            if column == numerator(metric) and cap <= 0 < float(values.max() or 0):  # type: ignore[arg-type]
                raise DataError(
                    f"metric {metric.name}: its {metric.winsorise:g} quantile is {cap:g}, so that "
                    "winsorising would leave nothing; take a higher quantile, such as "
                    f"{1 - (1 - metric.winsorise) / 10:g}"
                )
            above = int((values > cap).sum())
            frame = frame.with_columns(pl.col(column).clip(upper_bound=cap))
            if column == numerator(metric):
                notes.append(
                    f"{metric.name}: {counted(above, 'unit')} above its {metric.winsorise:g} "
                    f"quantile, {cap:g}, are cut to it"
                )
    return frame
