"""An analysis for programs; what `persona experiment analyze --json` prints.

Belongs here: keys and their values. Does not belong here: words for people (`as_text.py`).

Numbers are as they are, `null` where there is none: an interval without a bound, a lift over 0.
"""

import math
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from persona_assets.ab_testing.analysis import Analysis
from persona_assets.ab_testing.comparisons import Compared


def as_json(analysis: Analysis) -> dict[str, Any]:
    """The analysis as JSON's objects, lists, texts and numbers."""
    declaration, timing = analysis.declaration, analysis.timing
    told = {
        "experiment": declaration.name,
        "decision": analysis.verdict.decision,
        "shipped_arm": analysis.verdict.arm,
        "verdict": analysis.verdict.sentence,
        "control": analysis.evidence.control,
        "monitoring": declaration.plan.monitoring,
        "running": timing.running,
        "planned_units": declaration.plan.units,
        "confidence": timing.confidence,
        "assignment": asdict(analysis.assignment),
        "units_in_two_arms": analysis.evidence.units_in_two_arms,
        "comparisons": [_comparison(each) for each in analysis.comparisons],
        "course": [asdict(each) for each in analysis.course],
        "pre_periods": [asdict(each) for each in analysis.pre_periods],
        "segments": [asdict(each) for each in analysis.segments],
        "heterogeneity": [asdict(each) for each in analysis.heterogeneity],
        "quantiles": [asdict(each) for each in analysis.quantiles],
        "novelty": [asdict(each) for each in analysis.novelty],
        "left_out": dict(analysis.evidence.left_out),
        "notes": list(analysis.evidence.notes),
    }
    finite: dict[str, Any] = _finite(told)
    return finite


def _comparison(each: Compared) -> dict[str, Any]:
    told = {
        field.name: getattr(each, field.name)
        for field in fields(each)
        if field.name not in ("comparison", "unit_variance")
    }
    return {**told, **asdict(each.comparison)}


def _finite(value: Any) -> Any:  # noqa: ANN401 - whatever JSON may hold
    if is_dataclass(value) and not isinstance(value, type):
        return _finite(asdict(value))
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
