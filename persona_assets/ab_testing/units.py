"""Files of units: a row per unit, or several, each with its arm and what it did.

Belongs here: units as all methods take them, and as evidence. Does not belong here: how a file's
rows become one row per unit (`unit_rows.py`), rows that are sums over units (`aggregates.py`),
comparisons.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_assets.ab_testing.days import labels
from persona_assets.ab_testing.declaration import Declaration, Metric
from persona_assets.ab_testing.evidence import Evidence, Look, Measured, refuse_undecidable
from persona_assets.ab_testing.reading import chosen
from persona_assets.ab_testing.unit_rows import (
    ARM,
    DAY,
    arms_of,
    before,
    before_denominator,
    by_unit,
    denominator,
    numerator,
    of_one_arm,
    parsed_rows,
    winsorised,
)
from persona_assets.errors import InsufficientDataError
from persona_assets.notation import counted, listed
from persona_assets.statistics.cuped import Observed
from persona_assets.statistics.estimates import mean_estimate, ratio_estimate

MOST_LOOKS = 60
"""Days at which the course of an experiment is shown."""


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
    arms, rows = arms_of(rows, declaration, notes)
    parsed = parsed_rows(rows, declaration)
    parsed, in_two = of_one_arm(parsed, notes)
    frame = by_unit(parsed, declaration)
    frame = winsorised(frame, declaration, notes)
    _refuse_small(frame, arms)
    _note_odd(frame, declaration, notes)
    looks = [_look(frame, None, arms, declaration)]
    left_out = _left_out(frame, arms, declaration)
    if declaration.day is not None:
        looks = _looks(parsed, frame, arms, declaration)
    evidence = Evidence(arms, looks, tuple(notes), left_out, in_two)
    return Units(declaration, arms, frame, parsed, evidence)


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
        until = by_unit(parsed.filter(pl.col(DAY) <= day), declaration).with_columns(
            pl.col(column).clip(upper_bound=cap) for column, cap in caps.items()
        )
        looks.append(_look(until, names(day), arms, declaration))
    return [*looks, _look(frame, names(days[-1]), arms, declaration)]
