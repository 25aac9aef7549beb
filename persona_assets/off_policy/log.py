"""A log of exposures and a target policy, as the arrays that estimators need.

Belongs here: the columns of both frames, what is wrong with them, and their join. Does not belong
here: estimators (`estimators.py`) or whether the log suffices (`support.py`).
"""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoDataFrame
from numpy.typing import NDArray

from persona_assets.errors import DataError, InsufficientDataError, UserError
from persona_assets.statistics.estimates import LARGEST, SMALLEST

Floats = NDArray[np.float64]

SUMS_TO = 1e-3
"""How far probabilities of a context may sum from 1: what rounding to four digits does."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns of the log and of the target policy.

    Both frames:
        action: what was, or would be, shown.
        context: what the policies look at: a request, a person, a kind of visit. None: the target
            policy is the same for everybody.
        position: where on the page; None: there is one position. A target policy without the column
            is the same at all positions.

    The log, one row per exposure:
        reward: of the exposure, a number or true/false; nothing is assumed of its range.
        propensity: probability with which the logging policy showed this action in this context,
            at this position; above 0.
        unit: what is independent of each other, usually the person; intervals are clustered by it.
            None: rows are.

    The target policy, one row per context, position and action; actions that are left out have a
    probability of 0:
        probability: with which the target policy shows the action; they sum to 1.
        prediction: a model's expected reward, not learned from these rows of the log (cross-fitted
            otherwise); needed by the estimators that use a model. None: there is no model.
    """

    action: str = "action"
    context: str | None = None
    position: str | None = None
    reward: str = "reward"
    propensity: str = "propensity"
    unit: str | None = None
    probability: str = "probability"
    prediction: str | None = None

    @property
    def keys(self) -> list[str]:
        """Columns that an exposure's distribution over actions depends on."""
        return [name for name in (self.context, self.position) if name is not None]


@dataclass(frozen=True)
class Exposures:
    """The log beside the target policy, one number per exposure.

    Attributes:
        reward: observed.
        propensity: of the logging policy for the logged action.
        target: probability of the logged action under the target policy.
        unit: 0, 1, …: which independent unit the exposure belongs to.
        predicted: model's expected reward of the logged action, 0 where `target` is 0 (where it
            has no weight); None without a model.
        expected: model's expected reward under the target policy; None without a model.
        deterministic: the target policy shows one action per context and position.
        unlogged: share of the target's probability, over the exposures, on actions that the log
            never shows at that position, in any context.
    """

    reward: Floats
    propensity: Floats
    target: Floats
    unit: NDArray[np.int64]
    predicted: Floats | None
    expected: Floats | None
    deterministic: bool
    unlogged: float

    @property
    def weight(self) -> Floats:
        """How much likelier the target policy is to show what was shown."""
        weight: Floats = self.target / self.propensity
        return weight


def read_exposures(
    log: IntoDataFrame, policy: IntoDataFrame, columns: Columns | None = None
) -> Exposures:
    """Check both frames and join them.

    Args:
        log: one row per exposure; any eager frame that Narwhals reads (Polars, pandas, PyArrow).
        policy: the target policy; see `Columns`.
        columns: their names.

    Raises:
        UserError: a frame lacks a column that `columns` names.
        DataError: a column holds what it cannot, or the target policy is not one distribution for
            each context and position of the log.
        InsufficientDataError: there are fewer than two independent units.
    """
    columns = columns or Columns()
    logged = _selected(
        log,
        "log",
        [*columns.keys, columns.action, columns.reward, columns.propensity],
        optional=columns.unit,
    )
    target = _selected(
        policy,
        "target policy",
        [*_keys_of(policy, columns), columns.action, columns.probability],
        optional=columns.prediction,
    )
    _check_numbers(logged, "log", columns.reward)
    _check_numbers(logged, "log", columns.propensity, above=0.0, up_to=1.0)
    _check_numbers(target, "target policy", columns.probability, at_least=0.0, up_to=1.0)
    target = target.filter(pl.col(columns.probability) > 0)
    if columns.prediction is not None:
        _check_numbers(target, "target policy", columns.prediction)
    keys = [name for name in columns.keys if name in target.columns]
    _check_types(logged, target, [*keys, columns.action])
    target = _one_distribution_each(target, keys, columns)
    return _joined(logged, target, keys, columns)


def _keys_of(policy: IntoDataFrame, columns: Columns) -> list[str]:
    """A target policy without positions is the same at all of them."""
    held = nw.from_native(policy, eager_only=True).columns
    return [name for name in columns.keys if name != columns.position or name in held]


def _selected(
    frame: IntoDataFrame, what: str, names: list[str], *, optional: str | None
) -> pl.DataFrame:
    """The columns that are named, without nulls."""
    wanted = [*names, *([optional] if optional is not None else [])]
    read = nw.from_native(frame, eager_only=True)
    if missing := [name for name in wanted if name not in read.columns]:
        raise UserError(
            f"the {what} has no column {missing[0]!r}; it has {', '.join(read.columns)}: name its "
            "columns (`Columns`, or the options of the command)"
        )
    if len(set(wanted)) < len(wanted):
        raise UserError(f"the {what}: one column is named twice among {', '.join(wanted)}")
    held = read.select(*wanted).to_polars()
    categories = [name for name, kind in held.schema.items() if kind in (pl.Categorical, pl.Enum)]
    held = held.with_columns(pl.col(categories).cast(pl.String))
    for name in wanted:
        if nulls := held[name].null_count():
            raise DataError(
                f"the {what}: column {name!r} is empty in {nulls} of {held.height} rows; fill it "
                "or leave those rows out"
            )
    return held


def _check_numbers(
    frame: pl.DataFrame,
    what: str,
    name: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    up_to: float | None = None,
) -> None:
    kind = frame.schema[name]
    if not (kind.is_numeric() or kind == pl.Boolean):
        raise DataError(f"the {what}: column {name!r} is of type {kind}; give numbers")
    values = frame[name].cast(pl.Float64)
    size = values.abs()
    wrong = ~(size.is_finite() & ((size == 0) | size.is_between(SMALLEST, LARGEST)))
    said = "finite, and 0 or of a size that can be computed with"
    if above is not None:
        wrong |= values <= above
        said = f"above {above:g}"
    if at_least is not None:
        wrong |= values < at_least
        said = f"at least {at_least:g}"
    if up_to is not None:
        wrong |= values > up_to + SUMS_TO
        said += f" and at most {up_to:g}"
    if count := int(wrong.sum()):
        raise DataError(
            f"the {what}: column {name!r} must be {said}, and {count} of {frame.height} rows are "
            f"not, the first with {values.filter(wrong)[0]:g}"
        )


def _check_types(logged: pl.DataFrame, target: pl.DataFrame, names: list[str]) -> None:
    for name in names:
        kinds = logged.schema[name], target.schema[name]
        if kinds[0] != kinds[1] and not all(kind.is_integer() for kind in kinds):
            raise DataError(
                f"column {name!r} is of type {kinds[0]} in the log and {kinds[1]} in the target "
                "policy; make them the same"
            )


def _one_distribution_each(target: pl.DataFrame, keys: list[str], columns: Columns) -> pl.DataFrame:
    if repeated := target.height - target.select(*keys, columns.action).n_unique():
        raise DataError(
            f"the target policy names {repeated} actions more than once for the same "
            f"{' and '.join(keys) or 'page'}; give one probability each, or name the column of the "
            "context that they depend on"
        )
    sums = target.group_by(keys or pl.lit(0).alias("all")).agg(
        total=pl.col(columns.probability).sum()
    )
    off = sums.filter((pl.col("total") - 1).abs() > SUMS_TO)
    if off.height:
        raise DataError(
            f"the target policy: column {columns.probability!r} sums to 1 for each "
            f"{' and '.join(keys) or 'page'}, but not for {off.height} of {sums.height}, the first "
            f"with {off['total'][0]:g}"
        )
    return target


def _joined(
    logged: pl.DataFrame, target: pl.DataFrame, keys: list[str], columns: Columns
) -> Exposures:
    probability, prediction = columns.probability, columns.prediction
    shown_at = [columns.action, *([columns.position] if columns.position else [])]
    seen = logged.select(shown_at).unique()
    at = shown_at if columns.position in target.columns else [columns.action]
    of_keys = (
        target.join(seen.select(at).unique().with_columns(_seen=True), on=at, how="left")
        .group_by(keys or pl.lit(0).alias("_all"))
        .agg(
            _unlogged=pl.col(probability).filter(pl.col("_seen").is_null()).sum(),
            _actions=pl.len(),
            _expected=(pl.col(probability) * pl.col(prediction)).sum()
            if prediction
            else pl.lit(None, pl.Float64),
        )
    )
    chosen = target.select(
        *keys,
        columns.action,
        _target=pl.col(probability).cast(pl.Float64),
        _predicted=pl.col(prediction).cast(pl.Float64) if prediction else pl.lit(None, pl.Float64),
    )
    rows = logged.join(chosen, on=[*keys, columns.action], how="left", maintain_order="left")
    if keys:
        rows = rows.join(of_keys, on=keys, how="left", maintain_order="left")
    else:
        rows = rows.join(of_keys.drop("_all"), how="cross", maintain_order="left")
    if lost := rows["_actions"].null_count():
        raise DataError(
            f"the target policy has no action for {lost} of {rows.height} rows of the log, by "
            f"{' and '.join(keys)}; give its probabilities for every {' and '.join(keys)} of the "
            "log"
        )
    units = rows[columns.unit].rank("dense") - 1 if columns.unit else pl.int_range(
        rows.height, eager=True
    )  # fmt: skip
    if rows.is_empty() or units.max() == 0:
        raise InsufficientDataError(
            f"the log has {rows.height} rows of {0 if rows.is_empty() else 1} independent units, "
            "and an interval needs two"
        )
    return Exposures(
        reward=rows[columns.reward].cast(pl.Float64).to_numpy(),
        propensity=rows[columns.propensity].cast(pl.Float64).to_numpy(),
        target=rows["_target"].fill_null(0.0).to_numpy(),
        unit=units.cast(pl.Int64).to_numpy(),
        predicted=rows["_predicted"].fill_null(0.0).to_numpy() if prediction else None,
        expected=rows["_expected"].cast(pl.Float64).to_numpy() if prediction else None,
        deterministic=bool((rows["_actions"] == 1).all()),
        unlogged=float(rows["_unlogged"].mean() or 0.0),  # type: ignore[arg-type]
    )
