"""Files of units: a row per unit, or several, each with its arm and what it did.

Belongs here: from rows to one row per unit, and all that can be wrong with them. Does not belong
here: rows that are sums over units (`aggregates.py`), comparisons.

What is assigned to arms is the unit, so it is what counts as independent. Several rows of one unit
are added up, a proportion is 1 if any of them is, and a ratio may be one per row. Units that are in
more than one arm are in no number: nobody knows what they would have done.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_assets.ab_testing.days import day_numbers, labels
from persona_assets.ab_testing.declaration import Declaration, Metric
from persona_assets.ab_testing.evidence import Evidence, Look, Measured, refuse_undecidable
from persona_assets.ab_testing.reading import chosen, numbers
from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.notation import counted, listed
from persona_assets.statistics.cuped import Observed
from persona_assets.statistics.estimates import mean_estimate, ratio_estimate

ARM, UNIT, DAY = "arm", "unit", "day"
MOST_LOOKS = 60
"""Days at which the course of an experiment is shown."""


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


@dataclass(frozen=True)
class Units:
    """One row per unit.

    Attributes:
        declaration: what the columns mean.
        arms: control first.
        frame: `arm`, `day` (of the first row, a number; null where not known), and per metric the
            columns that are named above; winsorised.
        rows: the file's rows with the same columns, `unit` and `day`; of each day by itself.
        evidence: the same in the common form.
    """

    declaration: Declaration
    arms: tuple[str, ...]
    frame: pl.DataFrame
    rows: pl.DataFrame
    evidence: Evidence

    def values(self, metric: Metric, arm: str) -> tuple[np.ndarray, np.ndarray | None]:
        """A metric's values of an arm's units, and of a ratio its denominators."""
        return _values(self.frame.filter(pl.col(ARM) == arm), metric)

    def observed(self, metric: Metric, arm: str, fill: Mapping[str, float]) -> Observed:
        """A metric with its pre-period, whose gaps are filled with `fill` (by column)."""
        rows = self.frame.filter(pl.col(ARM) == arm)
        values, of = _values(rows, metric)
        column = before(metric)
        earlier = rows[column].fill_null(fill[column]).to_numpy()
        ones = np.ones(len(values))
        if metric.before_denominator is None:
            return Observed(values, ones if of is None else of, earlier, ones)
        of_before = before_denominator(metric)
        return Observed(
            values,
            ones if of is None else of,
            earlier,
            rows[of_before].fill_null(fill[of_before]).to_numpy(),
        )


def read_units(rows: pl.DataFrame, declaration: Declaration) -> Units:
    """One row per unit of a file's rows, and their evidence.

    Raises:
        DataError: control or a declared arm has no rows, a metric's cell is no number, a
            proportion's is neither 0 nor 1, or a pre-period differs within a unit.
        InsufficientDataError: an arm has fewer than two units, or the primary metric cannot be
            computed.
    """
    rows = chosen(rows, declaration.where, declaration.name)
    notes: list[str] = []
    arms, rows = _arms(rows, declaration, notes)
    parsed = _parsed(rows, declaration)
    parsed, in_two = _of_one_arm(parsed, notes)
    frame = _by_unit(parsed, declaration)
    frame = _winsorised(frame, declaration, notes)
    _refuse_small(frame, arms)
    _note_odd(frame, declaration, notes)
    looks = [_look(frame, None, arms, declaration)]
    left_out = _left_out(frame, arms, declaration)
    if declaration.day is not None:
        looks = _looks(parsed, frame, arms, declaration)
    evidence = Evidence(arms, looks, tuple(notes), left_out, in_two)
    return Units(declaration, arms, frame, parsed, evidence)


def _arms(
    rows: pl.DataFrame, declaration: Declaration, notes: list[str]
) -> tuple[tuple[str, ...], pl.DataFrame]:
    assert declaration.arm is not None  # noqa: S101 - of units it is required
    column = pl.col(declaration.arm)
    if empty := rows[declaration.arm].null_count():
        notes.append(f"{counted(empty, 'row')} without an arm left out")
        rows = rows.filter(column.is_not_null())
    there = rows[declaration.arm].unique().sort().to_list()
    wanted = declaration.challengers or tuple(
        name for name in (declaration.shares or there) if name != declaration.control
    )
    arms = (declaration.control, *wanted)
    absent = [name for name in arms if name not in there]
    if absent or len(arms) < 2:
        said = f"arm {absent[0]!r} has no units" if absent else "there is no arm beside control"
        raise DataError(
            f"{said}: column {declaration.arm!r} holds {', '.join(map(repr, there)) or 'nothing'}; "
            "correct the arms' names, or leave the empty arm out"
        )
    others = rows.filter(~column.is_in(list(arms)))
    if others.height:
        names = others[declaration.arm].unique().sort().to_list()
        notes.append(f"{counted(others.height, 'row')} of other arms ({listed(names)}) left out")
        rows = rows.filter(column.is_in(list(arms)))
    return arms, rows


def _parsed(rows: pl.DataFrame, declaration: Declaration) -> pl.DataFrame:
    """Typed columns under our names; a row of the file stays a row."""
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


def _of_one_arm(parsed: pl.DataFrame, notes: list[str]) -> tuple[pl.DataFrame, int]:
    mixed = parsed.group_by(UNIT).agg(pl.col(ARM).n_unique()).filter(pl.col(ARM) > 1)
    if mixed.is_empty():
        return parsed, 0
    units = parsed[UNIT].n_unique()
    notes.append(
        f"{counted(mixed.height, 'unit')} of {units:,} are in more than one arm and in no number"
    )
    return parsed.join(mixed.select(UNIT), on=UNIT, how="anti"), mixed.height


def _by_unit(parsed: pl.DataFrame, declaration: Declaration) -> pl.DataFrame:
    """Rows of a unit added up; its pre-period and segments are those of its first row."""
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


def _winsorised(frame: pl.DataFrame, declaration: Declaration, notes: list[str]) -> pl.DataFrame:
    """Values above a quantile of all arms together cut to it; the pre-period's by its own."""
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


def _refuse_small(frame: pl.DataFrame, arms: tuple[str, ...]) -> None:
    sizes = {arm: frame.filter(pl.col(ARM) == arm).height for arm in arms}
    small = [f"{size} in {arm}" for arm, size in sizes.items() if size < 2]
    if small:
        raise InsufficientDataError(
            f"a comparison needs two units in every arm, and there are {listed(small)}"
        )


def _note_odd(frame: pl.DataFrame, declaration: Declaration, notes: list[str]) -> None:
    for metric in declaration.metrics:
        below = int((frame[numerator(metric)] < 0).sum())
        if below:
            notes.append(
                f"{metric.name}: {counted(below, 'unit')} below 0, as refunds are; they count as "
                "they are"
            )
        if metric.kind == "ratio":
            nothing = frame.filter(
                (pl.col(denominator(metric)) == 0) & (pl.col(numerator(metric)) != 0)
            ).height
            if nothing:
                notes.append(
                    f"{metric.name}: {counted(nothing, 'unit')} have a numerator and a denominator "
                    "of 0; they count in the ratio of sums"
                )


def _left_out(
    frame: pl.DataFrame, arms: tuple[str, ...], declaration: Declaration
) -> dict[str, str]:
    reasons = {}
    for metric in declaration.metrics:
        if metric.kind != "ratio":
            continue
        zero = [
            arm for arm in arms
            if float(frame.filter(pl.col(ARM) == arm)[denominator(metric)].sum()) <= 0
        ]  # fmt: skip
        if zero:
            of = metric.denominator or "rows"
            reasons[metric.name] = f"its denominator ({of}) sums to 0 in arm {listed(zero)}"
    refuse_undecidable(reasons, declaration)
    return reasons


def _values(rows: pl.DataFrame, metric: Metric) -> tuple[np.ndarray, np.ndarray | None]:
    values = rows[numerator(metric)].to_numpy()
    of = rows[denominator(metric)].to_numpy() if metric.kind == "ratio" else None
    return values, of


def measured(rows: pl.DataFrame, metric: Metric) -> Measured | None:
    """The value of one arm's units; None of fewer than two, or of a denominator of 0."""
    values, of = _values(rows, metric)
    if len(values) < 2 or (of is not None and of.sum() <= 0):
        return None
    if of is not None:
        return Measured(ratio_estimate(values, of))
    return Measured(
        mean_estimate(values), int(values.sum()) if metric.kind == "proportion" else None
    )


def _look(
    frame: pl.DataFrame, day: str | None, arms: tuple[str, ...], declaration: Declaration
) -> Look:
    by_arm = {arm: frame.filter(pl.col(ARM) == arm) for arm in arms}
    found = {}
    for metric in declaration.metrics:
        values = {arm: measured(rows, metric) for arm, rows in by_arm.items()}
        if all(each is not None for each in values.values()):
            found[metric.name] = {arm: each for arm, each in values.items() if each is not None}
    return Look(day, {arm: rows.height for arm, rows in by_arm.items()}, found)


def _looks(
    parsed: pl.DataFrame, frame: pl.DataFrame, arms: tuple[str, ...], declaration: Declaration
) -> list[Look]:
    """What was known at the end of each day: rows up to it, added up by unit."""
    days = parsed[DAY].unique().sort().to_list()
    if len(days) > MOST_LOOKS:
        places = np.linspace(0, len(days) - 1, MOST_LOOKS).round().astype(int)
        days = [days[place] for place in places]
    names = labels(parsed[DAY], declaration.day)
    caps = {
        numerator(metric): float(frame[numerator(metric)].max())  # type: ignore[arg-type]
        for metric in declaration.metrics
        if metric.winsorise is not None
    }
    looks = []
    for day in days[:-1]:
        until = _by_unit(parsed.filter(pl.col(DAY) <= day), declaration).with_columns(
            pl.col(column).clip(upper_bound=cap) for column, cap in caps.items()
        )
        looks.append(_look(until, names(day), arms, declaration))
    return [*looks, _look(frame, names(days[-1]), arms, declaration)]
