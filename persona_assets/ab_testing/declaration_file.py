"""The declaration as TOML (`--mapping`) or as options of the command.

Belongs here: keys, their types, and messages that name the place. Does not belong here: what a
declaration may not contradict (`declaration.py`), what is missing in a file (`reading.py`).

`docs/experiments.md` has every key.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from persona_assets import regular_files
from persona_assets.ab_testing.declaration import (
    DIRECTIONS,
    KINDS,
    MISSING,
    MONITORINGS,
    ROLES,
    Declaration,
    Metric,
    Plan,
    Side,
)
from persona_assets.errors import UserError
from persona_assets.sources.toml_values import refuse_unknown, table_of, text_of, texts_of

_Choice = TypeVar("_Choice", bound=str)
SECTIONS = ("name", "units", "aggregates", "arms", "metrics", "plan")
_UNITS = ("unit", "arm", "day", "segments", "strata", "where")
_AGGREGATES = ("arm", "day", "cumulative", "where")
_ARMS = ("control", "challengers", "shares")
_METRIC = (
    "kind", "column", "numerator", "denominator", "role", "direction", "margin", "before",
    "before_numerator", "before_denominator", "winsorise", "missing", "quantiles", "where",
    "units", "sum", "sum_squares", "mean", "variance", "control", "treatment",
)  # fmt: skip
_SIDE = ("units", "sum", "sum_squares", "mean", "variance")
_PLAN = ("monitoring", "units", "smallest_gain", "primary_weight", "prior_deviation")


def read_declaration(path: Path) -> Declaration:
    """The declaration in a TOML file.

    Raises:
        UserError: the file cannot be read, is no TOML, or says something that cannot be meant.
    """
    try:
        document = tomllib.loads(regular_files.text(path))
    except OSError as error:
        raise UserError(
            f"cannot read mapping {path}: {error.strerror}; correct the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"mapping {path} is not TOML ({error}); correct that line") from error
    return declared(document, where=f"mapping {path.name}", name=path.stem)


def declared(document: Mapping[str, Any], *, where: str, name: str) -> Declaration:
    """The declaration in a parsed document.

    Args:
        document: sections and their keys.
        where: what messages call it.
        name: of the experiment, if the document gives none.

    Raises:
        UserError: something in it cannot be meant.
    """
    refuse_unknown(document, SECTIONS, where, "section")
    if ("units" in document) == ("aggregates" in document):
        raise UserError(
            f"{where}: give [units], where rows are units, or [aggregates], where rows are sums "
            "over units, and not both"
        )
    aggregated = "aggregates" in document
    section = "aggregates" if aggregated else "units"
    rows = _section(document, section, _AGGREGATES if aggregated else _UNITS, where)
    arms = _section(document, "arms", _ARMS, where)
    both_in_a_row = aggregated and any(
        "treatment" in each
        for each in table_of(document.get("metrics", {}), f"{where} [metrics]").values()
        if isinstance(each, dict)
    )
    arm_column = rows.get("arm")
    inside = f"{where} [{section}]"
    return Declaration(
        name=text_of(document.get("name", name), "name", "the experiment's name", where),
        arm=None
        if arm_column is None and both_in_a_row
        else text_of(arm_column, "arm", "the column with the arm", inside),
        control=text_of(
            arms.get("control", "control" if both_in_a_row else None),
            "control",
            "the control arm as the column names it",
            f"{where} [arms]",
        ),
        metrics=tuple(
            _metric(key, table_of(body, f"{where} [metrics.{key}]"), where, aggregated)
            for key, body in table_of(document.get("metrics", {}), f"{where} [metrics]").items()
        ),
        unit=_optional_text(rows, "unit", inside),
        day=_optional_text(rows, "day", inside),
        challengers=_texts(arms, "challengers", f"{where} [arms]"),
        shares=_numbers(arms.get("shares", {}), f"{where} [arms.shares]"),
        segments=_texts(rows, "segments", inside),
        strata=_texts(rows, "strata", inside),
        where=_conditions(rows.get("where", {}), inside),
        aggregated=aggregated,
        cumulative=_flag(rows, "cumulative", inside),
        plan=_plan(_section(document, "plan", _PLAN, where), f"{where} [plan]"),
    )


def _section(
    document: Mapping[str, Any], key: str, known: tuple[str, ...], where: str
) -> dict[str, Any]:
    found = table_of(document.get(key, {}), f"{where} [{key}]")
    refuse_unknown(found, known, f"{where} [{key}]", "key")
    return found


def _metric(name: str, body: dict[str, Any], where: str, aggregated: bool) -> Metric:
    inside = f"{where} [metrics.{name}]"
    refuse_unknown(body, _METRIC, inside, "key")
    kind = _one_of(body.get("kind"), "kind", KINDS, inside)
    ratio = kind == "ratio"
    if ratio and aggregated:
        raise UserError(
            f"{inside}: a ratio needs rows of units, since its variance needs how numerator and "
            "denominator go together; give [units], or a mean"
        )
    return Metric(
        name=name,
        kind=kind,
        column=text_of(body.get("numerator"), "numerator", "a column", inside)
        if ratio
        else text_of(body.get("column", name), "column", "a column", inside),
        denominator=_optional_text(body, "denominator", inside),
        role=_one_of(body.get("role", "secondary"), "role", ROLES, inside),
        direction=_one_of(body.get("direction", "increase"), "direction", DIRECTIONS, inside),
        margin=_optional_number(body, "margin", inside),
        before=_optional_text(body, "before_numerator" if ratio else "before", inside),
        before_denominator=_optional_text(body, "before_denominator", inside),
        winsorise=_optional_number(body, "winsorise", inside),
        missing=_one_of(body.get("missing", "error"), "missing", MISSING, inside),
        quantiles=_quantiles(body.get("quantiles", []), inside),
        where=_conditions(body.get("where", {}), inside),
        sides=_sides(body, kind, inside) if aggregated else {},
    )


def _sides(body: dict[str, Any], kind: str, inside: str) -> dict[str, Side]:
    if "treatment" in body or "control" in body:
        return {
            side: _side(table_of(body.get(side), f"{inside[:-1]}.{side}]"), kind, inside)
            for side in ("control", "treatment")
        }
    return {"arm": _side({key: body[key] for key in _SIDE if key in body}, kind, inside)}


def _side(body: dict[str, Any], kind: str, inside: str) -> Side:
    refuse_unknown(body, _SIDE, inside, "key")
    side = Side(
        units=text_of(body.get("units"), "units", "the column with the number of units", inside),
        **{key: _optional_text(body, key, inside) for key in _SIDE[1:]},
    )
    if side.sum is None and side.mean is None:
        raise UserError(f"{inside}: neither 'sum' nor 'mean' is given; name the column of one")
    spread = side.sum_squares if side.sum is not None else side.variance
    if kind == "mean" and spread is None:
        raise UserError(
            f"{inside}: a mean needs to know how units vary; give 'sum_squares' with 'sum', or "
            "'variance' with 'mean'"
        )
    return side


def _plan(body: dict[str, Any], inside: str) -> Plan:
    default = Plan()
    units = body.get("units")
    if units is not None and (isinstance(units, bool) or not isinstance(units, int)):
        raise UserError(f"{inside}: units is {units!r}; give a whole number")
    return Plan(
        monitoring=_one_of(
            body.get("monitoring", default.monitoring), "monitoring", MONITORINGS, inside
        ),
        units=units,
        smallest_gain=_number(
            body.get("smallest_gain", default.smallest_gain), "smallest_gain", inside
        ),
        primary_weight=_optional_number(body, "primary_weight", inside),
        prior_deviation=_number(
            body.get("prior_deviation", default.prior_deviation), "prior_deviation", inside
        ),
    )


def _one_of(value: object, key: str, known: Sequence[_Choice], inside: str) -> _Choice:
    if value not in known:
        found = "is missing" if value is None else f"is {value!r}"
        raise UserError(f"{inside}: {key!r} {found}; use one of {', '.join(known)}")
    return known[known.index(value)]


def _optional_text(body: Mapping[str, Any], key: str, inside: str) -> str | None:
    return None if key not in body else text_of(body[key], key, "the name of a column", inside)


def _texts(body: Mapping[str, Any], key: str, inside: str) -> tuple[str, ...]:
    return () if key not in body else texts_of(body[key], key, "a list of texts", inside)


def _flag(body: Mapping[str, Any], key: str, inside: str) -> bool:
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise UserError(f"{inside}: {key!r} is {value!r}; give true or false")
    return value


def _number(value: object, key: str, inside: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{inside}: {key!r} is {value!r}; give a number")
    return float(value)


def _optional_number(body: Mapping[str, Any], key: str, inside: str) -> float | None:
    return None if key not in body else _number(body[key], key, inside)


def _quantiles(value: object, inside: str) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise UserError(f"{inside}: 'quantiles' is {value!r}; give a list, as [0.5, 0.9]")
    return tuple(_number(each, "quantiles", inside) for each in value)


def _numbers(value: object, inside: str) -> dict[str, float]:
    return {key: _number(each, key, inside) for key, each in table_of(value, inside).items()}


def _conditions(value: object, inside: str) -> dict[str, tuple[str, ...]]:
    found = table_of(value, f"{inside} where")
    return {
        column: tuple(str(each) for each in (given if isinstance(given, list) else [given]))
        for column, given in found.items()
    }
