"""Numbers of a metric, and sentences on an analysis, for people: terminal and page say the same.

Belongs here: how values, effects and intervals are written. Does not belong here: tables of the
terminal (`as_text.py`) or the page (`report/experiment_page.py`).
"""

import math

from persona_assets.ab_testing.analysis import Analysis
from persona_assets.ab_testing.comparisons import Compared
from persona_assets.ab_testing.declaration import Metric
from persona_assets.ab_testing.over_time import Novelty
from persona_assets.ab_testing.pre_period import PrePeriod
from persona_assets.ab_testing.segments import Heterogeneity, OfQuantile
from persona_assets.notation import NOTHING, p_value

UNBOUNDED = "∞"


def value_of(metric: Metric, value: float) -> str:
    """`14.25 %` of a proportion, else four digits."""
    return f"{100 * value:.2f} %" if metric.kind == "proportion" else f"{value:.4g}"


def effect_of(metric: Metric, effect: float) -> str:
    """`+1.20 pp` of a proportion, else four digits with their sign."""
    return f"{100 * effect:+.2f} pp" if metric.kind == "proportion" else f"{effect:+.4g}"


def interval_of(metric: Metric, low: float, high: float) -> str:
    """`[0.31, 2.09]`, in percentage points of a proportion."""
    times, digits = (100, ".2f") if metric.kind == "proportion" else (1, ".4g")
    return f"[{_bound(times * low, digits)}, {_bound(times * high, digits)}]"


def lift_of(row: Compared) -> str:
    """`+8.3 % [1.2, 15.4]`, or why there is none."""
    if row.relative is None:
        return NOTHING
    lift = row.relative
    mark = "" if lift.method == "delta method" else " (Fieller)"
    return (
        f"{100 * lift.lift:+.1f} % [{_bound(100 * lift.low, '.1f')}, "
        f"{_bound(100 * lift.high, '.1f')}]{mark}"
    )


def p_of(row: Compared) -> str:
    """The corrected p-value; of a guardrail there is none."""
    return NOTHING if row.adjusted_p_value is None else p_value(row.adjusted_p_value)


def finding_of(metric: Metric, row: Compared) -> str:
    """What the comparison shows, with the margin of a guardrail."""
    if row.margin is None or metric.margin is None:
        return row.finding
    return f"{row.finding} (margin {100 * metric.margin:g} %)"


def looks_of(analysis: Analysis) -> str:
    """How the intervals are to be read."""
    plan, timing = analysis.declaration.plan, analysis.timing
    units = sum(analysis.assignment.units.values())
    of = f" of {plan.units:,} planned" if plan.units else ""
    level = f"{100 * timing.confidence:.3g} %"
    if timing.sequential:
        said = f"intervals hold at {level} however often they are looked at"
        if plan.units is None:
            said += (
                f", narrowest at {timing.tuned_for:,} units; with a planned size (--planned-units) "
                "they are narrowest there"
            )
    elif plan.monitoring == "hybrid":
        said = f"the end is reached: intervals are fixed ones of {level}"
    else:
        said = f"intervals are of {level}, for one look"
    return f"{units:,} units{of}; monitoring {plan.monitoring}: {said}."


def assignment_of(analysis: Analysis) -> str:
    """Whether arms have the sizes that their shares lead to."""
    check = analysis.assignment
    sizes = ", ".join(
        f"{arm} {size:,} ({check.expected[arm]:,.0f} expected)" for arm, size in check.units.items()
    )
    return (
        f"Sizes of arms: {sizes}; p = {p_value(check.p_value)} by χ²"
        f", {p_value(check.sequential_p_value)} at any time."
    ).replace("p = <", "p <")


def adjustment_of(period: PrePeriod) -> str:
    """Whether a metric is adjusted by what was before, and what that saves."""
    used = "adjusted (CUPED)" if period.used else "not adjusted, since a check failed"
    return (
        f"{period.metric} is {used}; correlation {period.correlation:.2f}, which takes "
        f"{100 * period.variance_saved:.0f} % of the variance away"
    )


def pre_period_of(period: PrePeriod) -> str:
    """The same with its checks."""
    checks = "; ".join(f"{each.name} {each.outcome}: {each.text}" for each in period.checks)
    return f"{adjustment_of(period)}. Checks: {checks}."


def mismatches_of(analysis: Analysis) -> list[str]:
    """Segments whose arms do not have their planned sizes."""
    return [
        f"Sizes of arms within {each.column} = {each.value} are not as planned (p "
        f"{_said(each.p_value)} after Bonferroni): "
        f"{', '.join(f'{arm} {size:,}' for arm, size in each.units.items())}."
        for each in analysis.assignment.segments
    ]


def heterogeneity_of(row: Heterogeneity) -> str:
    """Whether effects differ between a segment's values."""
    return (
        f"{row.column}, {row.arm}: effects of {row.values} values differ with p "
        f"{_said(row.p_value)} (Cochran's Q)."
    )


def novelty_of(metric: Metric, row: Novelty) -> str:
    """The effect of early and of late days."""
    shown = row.comparison
    return (
        f"{row.arm}: effect per day {effect_of(metric, row.early)} in the first half of the days, "
        f"{effect_of(metric, row.late)} in the second; change {effect_of(metric, shown.effect)} "
        f"{interval_of(metric, shown.low, shown.high)}, p {_said(shown.p_value)}."
    )


def quantile_of(row: OfQuantile) -> tuple[str, str, str]:
    """Control's value, the arm's, and the effect with its interval; or that units are too few."""
    if row.effect is None:
        return (NOTHING, NOTHING, "too few units")
    shown = row.effect
    return (
        f"{shown.control_value:.4g}",
        f"{shown.value:.4g}",
        f"{shown.effect:+.4g} [{shown.low:.4g}, {shown.high:.4g}]",
    )


def posterior_of(metric: Metric, row: Compared) -> tuple[str, str, str, str]:
    """Probability of a gain, credible interval, expected loss if shipped, and if kept."""
    if row.posterior is None:
        return (NOTHING, NOTHING, NOTHING, NOTHING)
    found = row.posterior
    less = metric.direction == "decrease"
    losses = (found.loss_if_shipped, found.loss_if_kept)
    shipped, kept = losses[::-1] if less else losses
    return (
        f"{100 * (1 - found.better if less else found.better):.1f} %",
        interval_of(metric, found.low, found.high),
        effect_of(metric, -shipped),
        effect_of(metric, -kept),
    )


def detectable_of(metric: Metric, row: Compared) -> str:
    """The true effect that the experiment finds in 4 of 5 cases."""
    if row.minimum_detectable is None:
        return NOTHING
    return effect_of(metric, row.minimum_detectable).replace("+", "±")


def _said(value: float) -> str:
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def _bound(value: float, digits: str) -> str:
    if math.isinf(value):
        return f"{'−' if value < 0 else ''}{UNBOUNDED}"
    return f"{value:{digits}}"
