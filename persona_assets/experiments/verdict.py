"""One verdict on an experiment: ship, keep, go on, or invalid, and why.

The rule, fixed before any number is seen:

1. Arms whose sizes their shares do not explain (sample-ratio mismatch, p < 0.001): **invalid**.
2. A challenger *wins* if its gain in the primary metric is significant: p < 0.05 after Holm's
   correction over all comparisons of that metric, of every challenger with control and of the
   challengers with each other.
3. A winner may be shipped if every guardrail is kept: its 95 % interval lies above minus its
   margin. Guardrails need no correction, since all of them must hold (an intersection-union test:
   Berger 1982, "Multiparameter hypothesis testing and acceptance sampling").
4. Of several such winners those that another one beats significantly fall out. Are more than one
   left, the data cannot tell them apart, and the one that is best by offline evidence is
   **shipped**: the larger of two estimates within noise is no reason.
5. Winners, but none that may be shipped: **keep** control where the best of them harms a guardrail,
   else **go on**.
6. No winner: **keep** control if every challenger's interval excludes the smallest gain that is
   worth a change, else **go on**; the verdict then says what could have been seen.

The same rule serves simulated experiments and anybody's own (`ab_testing/`).

Belongs here: that rule and its sentence. Does not belong here: comparisons (`analysis.py`,
`ab_testing/comparisons.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from persona_assets.statistics.power import users_needed

Decision = Literal["ship", "keep", "go_on", "invalid"]
Finding = Literal[
    "gain", "loss", "not told apart", "kept", "harmed", "not shown to be kept", "unknown"
]

SIGNIFICANT = 0.05
MISMATCHED = 0.001
"""Usual for sample-ratio checks: they are made on every experiment, and a false alarm discards
one."""

OFFLINE = "nDCG@10"
"""What arms are ordered by before the experiment."""


@dataclass(frozen=True)
class Compared:
    """One arm beside another on one metric, as far as the verdict needs it.

    `effect` and its interval are gains: of a metric of which less is better they are control's
    value less the arm's. `margin` and `minimum_detectable` are in units of the metric, the latter
    None where nothing varied. `model` is empty where arms are known by their names alone;
    `unit_variance` is that of one unit's value, None of a proportion.
    """

    arm: str
    model: str
    against: str
    metric: str
    users: int
    control_value: float
    effect: float
    low: float
    high: float
    adjusted_p_value: float
    minimum_detectable: float | None
    margin: float
    finding: Finding
    scale: Literal["share", "amount"] = "share"
    less_is_better: bool = False
    unit_variance: float | None = None

    @property
    def label(self) -> str:
        """The arm, and the model that it shows."""
        return f"{self.arm} ({self.model})" if self.model else self.arm


@dataclass(frozen=True)
class Verdict:
    """`arm` is the one to ship; None: control stays. `sentence` says it with its reason."""

    decision: Decision
    arm: str | None
    sentence: str


def primary_finding(effect: float, adjusted_p_value: float) -> Finding:
    """What a comparison of the primary metric shows."""
    if adjusted_p_value >= SIGNIFICANT or not effect:
        return "not told apart"
    return "gain" if effect > 0 else "loss"


def guardrail_finding(low: float, high: float, margin: float, standard_error: float) -> Finding:
    """What a comparison of a guardrail shows; a guardrail that did not vary shows nothing."""
    if not standard_error:
        return "unknown"
    if low > -margin:
        return "kept"
    return "harmed" if high < 0 else "not shown to be kept"


def decide(
    primary: Sequence[Compared],
    pairs: Sequence[Compared],
    guardrails: Sequence[Compared],
    *,
    control_model: str,
    smallest_gain: float,
    srm_p_value: float,
    preference: str = f"by offline evidence ({OFFLINE})",
) -> Verdict:
    """Apply the rule of this module's charter.

    Args:
        primary: every challenger against control on the primary metric, the preferred first.
        pairs: challengers against each other on it.
        guardrails: every challenger against control on the others.
        control_model: what serves.
        smallest_gain: of the primary metric, as a share of control's value.
        srm_p_value: of the sample-ratio check.
        preference: what the order of `primary` is by.
    """
    if srm_p_value < MISMATCHED:
        return Verdict(
            "invalid",
            None,
            f"Do not trust this experiment: sample-ratio mismatch (p = {srm_p_value:.2g}); find "
            "out why the arms differ in size before reading anything else.",
        )
    winners = [each for each in primary if each.finding == "gain"]
    if not winners:
        return _without_winner(primary, control_model, smallest_gain)
    broken = {
        each.arm: [row for row in guardrails if row.arm == each.arm and row.finding != "kept"]
        for each in winners
    }
    safe = [each for each in winners if not broken[each.arm]]
    if safe:
        return _best_of(safe, pairs, preference)
    best = max(winners, key=lambda each: each.effect)
    worst = [row for row in broken[best.arm] if row.finding == "harmed"]
    if worst:
        return Verdict(
            "keep", None, f"Keep {control_model}: {_gain(best)}, but harms {_named(worst[0])}."
        )
    unseen = broken[best.arm][0]
    return Verdict(
        "go_on",
        None,
        f"Go on: {_gain(best)}; that {_named(unseen)} does not "
        f"{'rise' if unseen.less_is_better else 'fall'} by more than "
        f"{_amount(unseen, unseen.margin)} is not shown yet{_visible(unseen, 'margin')}. "
        f"{control_model} serves meanwhile.",
    )


def _best_of(safe: Sequence[Compared], pairs: Sequence[Compared], preference: str) -> Verdict:
    """Of several winners the one that beats the others, or else the preferred one."""
    names = {each.arm for each in safe}
    beaten = {
        row.against if row.finding == "gain" else row.arm
        for row in pairs
        if {row.arm, row.against} <= names and row.finding in ("gain", "loss")
    }
    left = [each for each in safe if each.arm not in beaten]
    best = left[0]
    if len(left) == 1:
        others = [each.label for each in safe if each.arm != best.arm]
        more = f"; and better than {_listed(others)}, which beats control too" if others else ""
        return Verdict("ship", best.arm, f"Ship {_gain(best)}{more}.")
    rivals = [each.label for each in left]
    between = [
        row.minimum_detectable
        for row in pairs
        if {row.arm, row.against} <= {each.arm for each in left} and row.minimum_detectable
    ]
    seen = (
        f" (a difference of {_size(best, max(between))} would be seen in 4 of 5 such experiments)"
        if between
        else ""
    )
    both = "both beat" if len(left) == 2 else "all beat"
    return Verdict(
        "ship",
        best.arm,
        f"{_listed(rivals)} {both} control and cannot be told apart{seen}; {preference} take "
        f"{best.model or best.arm}. Ship {_gain(best)}.",
    )


def _without_winner(
    primary: Sequence[Compared], control_model: str, smallest_gain: float
) -> Verdict:
    losses = [each for each in primary if each.finding == "loss"]
    if len(losses) == len(primary):
        worst = min(losses, key=lambda each: each.effect)
        return Verdict(
            "keep",
            None,
            f"Keep {control_model}: every arm {_does(worst, 'worse')}; {_gain(worst)}.",
        )
    first = primary[0]
    control_value = abs(first.control_value)
    wanted = smallest_gain * control_value
    worth = f"{_size(first, wanted)} ({100 * smallest_gain:.3g} % of control's value)"
    if wanted > 0 and all(each.high < wanted for each in primary):
        most = max(primary, key=lambda each: each.high)
        return Verdict(
            "keep",
            None,
            f"Keep {control_model}: no arm gains {worth}, the least that is worth a change; "
            f"{_gain(most)}.",
        )
    detectable = [each.minimum_detectable for each in primary if each.minimum_detectable]
    users = min(each.users for each in primary)
    said = f"Go on: no arm {_does(first, 'distinguishably better')} than control"
    if detectable:
        said += f"; arms of {users:,} would show a difference of {_size(first, max(detectable))}"
        if control_value:
            said += f" ({100 * max(detectable) / control_value:.0f} % of control's value)"
        said += " in 4 of 5 such experiments"
    if wanted > 0:
        needed = users_needed(
            wanted,
            variance=control_value * (1 - control_value)
            if first.unit_variance is None
            else first.unit_variance,
            significant=SIGNIFICANT / max(1, len(primary) * (len(primary) + 1) // 2),
        )
        said += f", and {worth} needs arms of {needed:,}" if needed > users else ""
    return Verdict("go_on", None, f"{said}. {control_model} serves meanwhile.")


def _gain(row: Compared) -> str:
    p_value = row.adjusted_p_value
    measured = (row.effect, row.low, row.high)
    if row.less_is_better:
        measured = (-row.effect, -row.high, -row.low)
    effect, low, high = measured
    times, digits = (100, ".2f") if row.scale == "share" else (1, ".4g")
    unit = " pp" if row.scale == "share" else ""
    return (
        f"{row.label}: {row.metric} {times * effect:+{digits}}{unit} [{times * low:{digits}}, "
        f"{times * high:{digits}}] over control, adjusted p "
        f"{'< 0.001' if p_value < 0.001 else f'= {p_value:.3f}'}"
    )


def _does(row: Compared, how: str) -> str:
    """`converts better`, `is better in revenue`."""
    return f"converts {how}" if row.metric == "conversion" else f"is {how} in {_named(row)}"


def _named(row: Compared) -> str:
    return row.metric.replace("_", " ")


def _amount(row: Compared, value: float) -> str:
    base = abs(row.control_value)
    return f"{100 * value / base:.3g} %" if base else f"{value:.3g}"


def _visible(row: Compared, what: str) -> str:
    """What the experiment could have shown."""
    if row.minimum_detectable is None:
        return ""
    return f" (arms of {row.users:,} show a {what} of {_amount(row, row.minimum_detectable)})"


def _size(row: Compared, value: float) -> str:
    """A difference in the metric's own units."""
    return f"{100 * value:.2f} pp" if row.scale == "share" else f"{value:.4g}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
