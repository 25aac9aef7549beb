"""Files of aggregates: a row per arm (and day, and metric), or one with control and treatment.

Belongs here: from sums or moments to evidence, and all that can be wrong with such rows. Does not
belong here: rows of units (`units.py`), comparisons.

Rows of a day hold that day's units, or with `cumulative` all units so far. Where they are of a day,
a unit is counted on one of them, such as the day on which it came into the experiment: sums of
several days are added up as sums of different units.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from persona_assets.ab_testing.days import day_numbers, labels
from persona_assets.ab_testing.declaration import Declaration, Metric, Side
from persona_assets.ab_testing.evidence import Evidence, Look, Measured, refuse_undecidable
from persona_assets.ab_testing.reading import chosen, numbers
from persona_assets.errors import DataError, InsufficientDataError
from persona_assets.notation import counted, listed
from persona_assets.statistics.estimates import sums_estimate

TREATMENT = "treatment"
"""Name of the other arm where rows hold both and no column names it."""
_ONLY = 0.0
"""The day where days are not known."""


@dataclass(frozen=True)
class _Sums:
    """Of some units: how many, Σx and Σx²."""

    units: int
    total: float
    squares: float

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(
            self.units + other.units, self.total + other.total, self.squares + other.squares
        )


_ByDay = dict[float, dict[str, _Sums]]


def read_aggregates(rows: pl.DataFrame, declaration: Declaration) -> Evidence:
    """The evidence in a file's rows.

    Raises:
        DataError: an arm has no rows, a cell is no number, a proportion is not between 0 and 1, or
            several rows are of the same arm, day and metric.
        InsufficientDataError: an arm has fewer than two units.
    """
    rows = chosen(rows, declaration.where, declaration.name)
    notes: list[str] = []
    days = _days(rows, declaration)
    rows = rows.with_columns(days.alias("\0day"))
    by_metric = {
        metric.name: _sums(chosen(rows, metric.where, metric.name), metric, declaration, notes)
        for metric in declaration.metrics
    }
    primary = by_metric[declaration.primary.name]
    arms = declaration.arms_among(sorted({arm for of_day in primary.values() for arm in of_day}))
    known = sorted(primary)
    write = labels(days, declaration.day)
    so_far: dict[str, dict[str, _Sums]] = {}
    looks = []
    for day in known:
        for name, sums in by_metric.items():
            _include(
                so_far.setdefault(name, {}), sums.get(day, {}), cumulative=declaration.cumulative
            )
        looks.append(
            Look(
                None if declaration.day is None else write(day),
                {
                    arm: so_far[declaration.primary.name][arm].units
                    for arm in arms
                    if arm in so_far[declaration.primary.name]
                },
                {
                    metric.name: found
                    for metric in declaration.metrics
                    if (found := _measured(so_far[metric.name], arms, metric)) is not None
                },
            )
        )
    looks = [look for look in looks if declaration.primary.name in look.measured]
    if not looks:
        raise InsufficientDataError(
            "a comparison needs two units in every arm, and on no day the rows have that of "
            f"{listed(arms)}"
        )
    left_out = {
        metric.name: "not every arm has rows of two units or more"
        for metric in declaration.metrics
        if metric.name not in looks[-1].measured
    }
    refuse_undecidable(left_out, declaration)
    return Evidence(arms, looks, tuple(dict.fromkeys(notes)), left_out)


def _days(rows: pl.DataFrame, declaration: Declaration) -> pl.Series:
    if declaration.day is None:
        return pl.repeat(_ONLY, rows.height, eager=True)
    return day_numbers(rows[declaration.day], f"column {declaration.day!r}")


def _sums(rows: pl.DataFrame, metric: Metric, declaration: Declaration, notes: list[str]) -> _ByDay:
    """Day → arm → sums."""
    if "arm" in metric.sides:
        named = rows[str(declaration.arm)]
        return _of_side(rows.with_columns(named.alias("\0arm")), metric, "arm", notes, once=True)
    arm = pl.lit(TREATMENT) if declaration.arm is None else pl.col(declaration.arm)
    treatment = _of_side(
        rows.with_columns(arm.alias("\0arm")), metric, "treatment", notes, once=True
    )
    # Control is the same in the rows of all challengers of a day.
    control = _of_side(
        rows.with_columns(pl.lit(declaration.control).alias("\0arm")),
        metric,
        "control",
        notes,
        once=False,
    )
    return {
        day: control.get(day, {}) | treatment.get(day, {})
        for day in control.keys() | treatment.keys()
    }


def _of_side(
    rows: pl.DataFrame, metric: Metric, name: str, notes: list[str], *, once: bool
) -> _ByDay:
    side = metric.sides[name]
    needed = [column for column in _columns(side) if column is not None]
    whole = rows.filter(pl.all_horizontal(pl.col(each).is_not_null() for each in needed))
    if whole.height < rows.height:
        notes.append(
            f"{metric.name}: {counted(rows.height - whole.height, 'row')} without numbers left out"
        )
    found: _ByDay = {}
    columns = [
        numbers(whole[each], f"metric {metric.name}, column {each!r}").alias(f"\0{place}")
        for place, each in enumerate(needed)
    ]
    table = pl.DataFrame([whole["\0day"], whole["\0arm"], *columns])
    for day, arm, *cells in table.unique(maintain_order=True).iter_rows():
        of_day = found.setdefault(day, {})
        if arm in of_day:
            if once:
                raise DataError(
                    f"metric {metric.name}: several rows are of arm {arm!r} on the same day; name "
                    "the column of the day, or choose the rows of one experiment and metric by "
                    "where"
                )
            continue
        of_day[arm] = _one(dict(zip(needed, cells, strict=True)), side, metric, arm)
    return found


def _columns(side: Side) -> tuple[str | None, ...]:
    value = (side.sum, side.sum_squares) if side.sum is not None else (side.mean, side.variance)
    return (side.units, *value)


def _one(cells: Mapping[str, float], side: Side, metric: Metric, arm: str) -> _Sums:
    units = round(cells[side.units])
    if units < 0:
        raise DataError(f"metric {metric.name}: arm {arm!r} has {units} units; correct the file")
    if side.sum is not None:
        total = cells[side.sum]
        squares = total if side.sum_squares is None else cells[side.sum_squares]
    else:
        mean = cells[str(side.mean)]
        total = units * mean
        if side.variance is None:
            squares = total
        else:
            squares = max(0, units - 1) * cells[side.variance] + units * mean * mean
    if metric.kind == "proportion":
        if not -1e-9 <= total <= units * (1 + 1e-9):
            raise DataError(
                f"metric {metric.name}: arm {arm!r} has {total:g} of {units:,} units; a proportion "
                "lies between 0 and 1, amounts are of kind mean"
            )
        total = squares = float(round(total))
    return _Sums(units, total, squares)


def _include(so_far: dict[str, _Sums], of_day: Mapping[str, _Sums], *, cumulative: bool) -> None:
    for arm, sums in of_day.items():
        so_far[arm] = sums if cumulative or arm not in so_far else so_far[arm] + sums


def _measured(
    sums: Mapping[str, _Sums], arms: tuple[str, ...], metric: Metric
) -> dict[str, Measured] | None:
    if any(arm not in sums or sums[arm].units < 2 for arm in arms):
        return None
    return {
        arm: Measured(
            sums_estimate(sums[arm].total, sums[arm].squares, sums[arm].units),
            round(sums[arm].total) if metric.kind == "proportion" else None,
        )
        for arm in arms
    }
