"""The declaration from options of the command, for files that need no mapping of their own.

Belongs here: `NAME:KIND:ROLE:MARGIN` and the other options. Does not belong here: TOML
(`declaration_file.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from persona_assets.ab_testing.declaration import (
    KINDS,
    MONITORINGS,
    ROLES,
    Declaration,
    Metric,
)
from persona_assets.errors import UserError

METRIC_FORM = "NAME:KIND[:ROLE[:MARGIN]], as in visit:proportion:primary, spend:mean:guardrail:0.1 \
or ctr=clicks/impressions:ratio"


@dataclass(frozen=True)
class Options:
    """What was given beside the file; empty where nothing was."""

    arm: str | None = None
    control: str | None = None
    metrics: Sequence[str] = ()
    unit: str | None = None
    day: str | None = None
    segments: Sequence[str] = ()
    strata: Sequence[str] = ()
    where: Sequence[str] = ()
    monitoring: str | None = None
    units: int | None = None

    @property
    def missing(self) -> list[str]:
        """What a declaration cannot do without and is not given."""
        wanted = (("--arm", self.arm), ("--control", self.control), ("--metric", self.metrics))
        return [name for name, value in wanted if not value]


def declaration_of(options: Options, name: str) -> Declaration:
    """The declaration that options make.

    Raises:
        UserError: an option cannot be meant.
    """
    metrics = [_metric(text) for text in options.metrics]
    if len(metrics) == 1 or not any(each.role == "primary" for each in metrics):
        undecided = [each for each in metrics if each.role != "guardrail"]
        if undecided:
            at = metrics.index(undecided[0])
            metrics[at] = replace(metrics[at], role="primary")
    declaration = Declaration(
        name=name,
        arm=options.arm,
        control=options.control or "",
        metrics=tuple(metrics),
        unit=options.unit,
        day=options.day,
        segments=tuple(options.segments),
        strata=tuple(options.strata),
    )
    return with_options(declaration, replace(options, segments=(), strata=()))


def with_options(declaration: Declaration, options: Options) -> Declaration:
    """The declaration with what options may add to a mapping: rows, looks and size.

    Raises:
        UserError: an option cannot be meant, or belongs into the mapping.
    """
    plan = declaration.plan
    if options.monitoring is not None or options.units is not None:
        monitoring = options.monitoring or plan.monitoring
        if monitoring not in MONITORINGS:
            raise UserError(f"--monitoring {monitoring}: use one of {', '.join(MONITORINGS)}")
        plan = replace(
            plan,
            monitoring=monitoring,
            units=plan.units if options.units is None else options.units,
        )
    conditions = dict(declaration.where)
    for text in options.where:
        column, equals, value = text.partition("=")
        if not equals or not column:
            raise UserError(f"--where {text!r}: give COLUMN=VALUE, as in experiment_id=036afc")
        conditions[column] = (value,)
    return replace(declaration, plan=plan, where=conditions)


def refuse_beside_mapping(options: Options) -> None:
    """Check that nothing is said in two places.

    Raises:
        UserError: an option belongs into the mapping that is given.
    """
    for name, value in (
        ("--arm", options.arm),
        ("--control", options.control),
        ("--metric", options.metrics),
        ("--unit", options.unit),
        ("--day", options.day),
        ("--segment", options.segments),
        ("--stratum", options.strata),
    ):
        if value:
            raise UserError(f"{name} and --mapping are both given; write it in the mapping")


def _metric(text: str) -> Metric:
    said, *rest = text.split(":")
    if not said or not rest or len(rest) > 3 or rest[0] not in KINDS:
        raise UserError(f"--metric {text!r}: give {METRIC_FORM}; kinds are {', '.join(KINDS)}")
    name, equals, column = said.partition("=")
    role = rest[1] if len(rest) > 1 else "secondary"
    if role not in ROLES:
        raise UserError(f"--metric {text!r}: {role!r} is no role; use one of {', '.join(ROLES)}")
    numerator, _, denominator = (column if equals else name).partition("/")
    return Metric(
        name=name,
        kind=rest[0],
        column=numerator,
        denominator=denominator or None,
        role=role,
        margin=_margin(rest[2], text) if len(rest) > 2 else None,
    )


def _margin(text: str, metric: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise UserError(
            f"--metric {metric!r}: {text!r} is no margin; give a share of control's value, as 0.02"
        ) from error
