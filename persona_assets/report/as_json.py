"""`persona report --json`: the report for programs; an interface, kept stable.

Belongs here: the shape of that document. Does not belong here: sentences and formats for people.

Every key of the first level is always there; a part that does not exist yet is empty (`{}`, `[]`,
0) or null. Values are plain JSON: dates as `YYYY-MM-DD`, no NaN (null instead). A cut-off is the
Monday on which the evaluated week begins. `<metric>` is a name with its k, such as `ndcg@10`.

| key | value |
|---|---|
| `home`, `engine` | text: where the home lies; `polars` or `spark` |
| `source` | `name`, `start`, `end` (exclusive; null: open-ended) |
| `tables` | `group/name` → `rows`, `version` (of the Delta table), `partitions` (number of those \
with rows; 1 for an unpartitioned table), `content_hash` (null if not collected) |
| `conservation` | `raw_rows`, `mart_rows`, `quarantine_rows`, `pending_rows` (of days not cleaned \
yet), `by_reason`: reason → quarantined rows. The first is the sum of the next three |
| `models` | model → `cutoff` and `<metric>` → `value`, `low`, `high` (95 %), `lift`, `lift_low`, \
`lift_high` (over popularity), `against_popularity` (`better`, `worse`, `not distinguishable`, \
`baseline`, `ceiling`); at the newest evaluated cut-off |
| `beyond_accuracy` | model → `cutoff` and `<metric>` → number or null; at the same cut-off |
| `pairs` | list of `model`, `other`, `metric` (with its k), `difference`, `low`, `high`, \
`p_value`, `adjusted_p_value`, `minimum_detectable` (number or null), `verdict` (`better`, \
`worse`, `not distinguishable`); at the same cut-off |
| `segments` | model → kind → segment → `<metric>` → `value`, `low`, `high`, `users`; at the same \
cut-off |
| `cold_start` | cut-off → `touches`, `touches_by_cold_users`, `touches_of_cold_products`, \
`users`, `cold_users`, `products`, `cold_products`, `cold_user_share`, `cold_product_share` \
(or null) |
| `staleness` | model → cut-off → age in weeks → `<metric>` → `value`, `low`, `high`, `change`, \
`change_low`, `change_high` (against age 1) |
| `replay` | model → cut-off → `<metric>` → `value`, `low`, `high` |
| `drift` | cut-off → `drift_share` and `columns`: name → `score`, `threshold`, `method`, \
`drifted` |
| `champion` | `model`, `parameters`, `action`, `since` (or null), `evidence`, `cutoff` (or null), \
`artefact_hash` (or null); null: there is none |
| `ab_test` | `experiment`, `cutoff`, `responses` (`planted`, `fitted`), `arms`: arm → `model`, \
`users`; `verdict`, `decision` (`ship`, `keep`, `go_on`, `invalid`), `shipped_arm` (or null), \
`srm_p_value`, `effects`: list of `arm`, `against`, `metric`, `value`, `control_value`, \
`effect`, `low`, `high` (both null: nothing varied), `p_value`, `adjusted_p_value`, `true_effect`, \
`minimum_detectable`, `margin` (each of these four or null), `finding` |
| `live_experiments` | list of experiments on customers, as in experiments/verdict, with \
`results`: list of what experiments/results has of it |
| `customers` | segments at the newest cut-off: `cutoff`; of the chosen clusters \
`method`, `k`, `silhouette`, `calinski_harabasz`, `davies_bouldin`, `stability`, `stability_low`, \
`stability_high` (95 %), each or null; `segments`: list of `segment` (number), `name`, \
`description`, `action` (null where the segments are not stable), `customers`, `customer_share`, \
`outliers`, `revenue`, `revenue_share` (both null where no purchase has a price), \
`countries` (name → share), the most revenue first; \
`cleaning`: list of `step`, `rows`, \
`rows_left`, `customers_left`, `amount_left`, `removes` (false: only marks), in their order; \
`churn`: `since` (the cut-off before), `customers` (of then), `moved`, `left`, `joined`, all null \
where there is none; `migration`: list of `from_segment`, `to_segment` (0: none), `customers`, \
`share` |
| `skipped` | what the data were insufficient for: list of `table`, `partition` (empty: none), \
`part` (model, metric or column; empty: all of it), `reason` |
| `checks` | of the last run: `passed`, `failed`, `warned` (numbers), `problems`: list of `asset`, \
`check`, `partition` (empty: none), `outcome`, `description` of those that did not pass |
| `seconds` | of the last run: asset path → seconds, `framework` (outside of assets), `total`; \
null where there was no run |
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import polars as pl

from persona_assets.report.checks import with_outcome
from persona_assets.report.collect import Report
from persona_assets.report.customers import Churn, Customers
from persona_assets.run_record import Outcome
from persona_assets.segmentation.choice import is_stable

_VALUES = ("value", "low", "high")
_LIFT = ("lift", "lift_low", "lift_high", "against_popularity")
_EFFECTS = (
    "arm", "against", "metric", "value", "control_value", "effect", "low", "high", "p_value",
    "adjusted_p_value", "true_effect", "minimum_detectable", "margin", "finding",
)  # fmt: skip
_CHANGES = ("change", "change_low", "change_high")
_TESTED = (
    "difference", "low", "high", "p_value", "adjusted_p_value", "minimum_detectable", "verdict",
)  # fmt: skip
_SHARED = (
    "experiment", "cutoff", "responses", "verdict", "decision", "shipped_arm", "srm_p_value",
)  # fmt: skip
_CLUSTERS = (
    "method", "k", "silhouette", "calinski_harabasz", "davies_bouldin", "stability",
    "stability_low", "stability_high",
)  # fmt: skip
_SEGMENT = (
    "segment", "name", "description", "action", "customers", "customer_share", "outliers",
    "revenue", "revenue_share",
)  # fmt: skip
_STEP = ("step", "rows", "rows_left", "customers_left", "amount_left", "removes")
_MIGRATION = ("from_segment", "to_segment", "customers", "share")
_TABLE = ("rows", "version", "partitions", "content_hash")


def as_json(report: Report) -> str:
    """The report as one JSON object; see this module's charter for its shape."""
    source = report.source
    document = {
        "home": str(report.home),
        "engine": report.engine,
        "source": {"name": source.name, "start": source.start, "end": source.end},
        "tables": {
            path: {name: getattr(state, name) for name in _TABLE}
            for path, state in report.tables.items()
        },
        "conservation": asdict(report.conservation),
        "models": _models(report.comparison),
        "beyond_accuracy": _beyond_accuracy(report.analysis),
        "pairs": _pairs(report.pairs),
        "segments": _nested(report.segments, ("model", "kind", "segment"), (*_VALUES, "users")),
        "cold_start": {str(row.pop("cutoff")): row for row in report.cold.iter_rows(named=True)},
        "staleness": _nested(report.ages, ("model", "cutoff", "age_weeks"), (*_VALUES, *_CHANGES)),
        "replay": _replay(report.replay),
        "drift": _drift(report.drift),
        "champion": next(report.champion.iter_rows(named=True), None),
        "ab_test": _ab_test(report),
        "live_experiments": [
            row | {"results": report.live_results.filter(experiment=row["experiment"]).to_dicts()}
            for row in report.live_verdicts.iter_rows(named=True)
        ],
        "customers": _customers(report.customers),
        "skipped": report.skipped.to_dicts(),
        "checks": _checks(report),
        "seconds": _seconds(report),
    }
    return json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False)


def _models(comparison: pl.DataFrame) -> dict[str, dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    for row in comparison.iter_rows(named=True):
        model = models.setdefault(row["model"], {"cutoff": row["cutoff"]})
        model[_metric(row)] = {name: row[name] for name in (*_VALUES, *_LIFT)}
    return models


def _beyond_accuracy(analysis: pl.DataFrame) -> dict[str, dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    for row in analysis.iter_rows(named=True):
        model = models.setdefault(row["model"], {"cutoff": row["cutoff"]})
        model[_metric(row)] = row["value"]
    return models


def _replay(replay: pl.DataFrame) -> dict[str, dict[str, Any]]:
    models: dict[str, dict[str, Any]] = {}
    for row in replay.sort("model", "cutoff", maintain_order=True).iter_rows(named=True):
        metrics = models.setdefault(row["model"], {}).setdefault(str(row["cutoff"]), {})
        metrics[_metric(row)] = {name: row[name] for name in _VALUES}
    return models


def _pairs(pairs: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: row[name] for name in ("model", "other")}
        | {"metric": _metric(row)}
        | {name: row[name] for name in _TESTED}
        for row in pairs.iter_rows(named=True)
    ]


def _nested(rows: pl.DataFrame, by: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Objects within objects, one level per column of `by`, then one per metric."""
    top: dict[str, Any] = {}
    for row in rows.iter_rows(named=True):
        level = top
        for column in by:
            level = level.setdefault(str(row[column]), {})
        level[_metric(row)] = {name: row[name] for name in names}
    return top


def _drift(drift: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(cutoff): {
            "drift_share": rows["drifted"].mean(),
            "columns": {
                row["column"]: {
                    name: row[name] for name in ("score", "threshold", "method", "drifted")
                }
                for row in rows.iter_rows(named=True)
            },
        }
        for (cutoff,), rows in drift.group_by("cutoff", maintain_order=True)
    }


def _ab_test(report: Report) -> dict[str, Any]:
    rows = report.ab_test.to_dicts()
    return {
        **{name: rows[0][name] if rows else None for name in _SHARED},
        "arms": {
            row["arm"]: {"model": row["model"], "users": row["users"]}
            for row in report.arms.iter_rows(named=True)
        },
        "effects": [{name: row[name] for name in _EFFECTS} for row in rows],
    }


def _customers(found: Customers) -> dict[str, Any]:
    chosen = found.chosen or {}
    ranked = found.profiles.sort("revenue", "segment", descending=[True, False])
    return {
        "cutoff": found.cutoff,
        **{name: chosen.get(name) for name in _CLUSTERS},
        "segments": [
            {
                **{name: row[name] for name in _SEGMENT},
                "action": row["action"] if is_stable(found.chosen) else None,
                "countries": json.loads(row["countries"]),
            }
            for row in ranked.iter_rows(named=True)
        ],
        "cleaning": [{name: row[name] for name in _STEP} for row in found.steps.to_dicts()],
        "churn": found.churn._asdict() if found.churn else dict.fromkeys(Churn._fields),
        "migration": found.migration.select(_MIGRATION).to_dicts(),
    }


def _checks(report: Report) -> dict[str, Any]:
    outcomes: tuple[Outcome, ...] = ("passed", "failed", "warned")
    passed, failed, warned = (with_outcome(report, outcome) for outcome in outcomes)
    return {
        "passed": len(passed),
        "failed": len(failed),
        "warned": len(warned),
        "problems": [asdict(check) for check in failed + warned],
    }


def _seconds(report: Report) -> dict[str, float | None]:
    if report.run is None:
        return {"framework": None, "total": None}
    by_asset = dict(sorted(report.run.seconds.items()))
    return {**by_asset, "framework": report.run.framework, "total": report.run.total}


def _metric(row: Mapping[str, Any]) -> str:
    return f"{row['metric']}@{row['k']}"


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
