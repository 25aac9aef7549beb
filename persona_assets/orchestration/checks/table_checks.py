"""Checks particular to one table: floors for models, drift, sample ratio.

They never block: a worse model or a drifted column wants a person's eye, not a stop.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from persona_assets.evaluation.comparison import SIGNIFICANT, with_adjusted_p_values
from persona_assets.evaluation.metrics import PRIMARY, PRIMARY_K
from persona_assets.experiments.verdict import MISMATCHED
from persona_assets.merchandising.consistency import mistakes
from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.orchestration.partitions import days_of
from persona_assets.tables import (
    evaluation,
    experiments,
    monitoring,
    raw,
)

# A third of the columns at once is a changed shop, not a changed column.
MAX_DRIFT_SHARE = 1 / 3


def _warning(passed: bool, description: str, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=None if passed else description,
        metadata=metadata,
    )


def _drift(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
    rows = checked.store.read(monitoring.DATA_DRIFT, days_of(checked.keys))
    results = {}
    for key, day in zip(checked.keys, days_of(checked.keys), strict=True):
        week = rows.filter(pl.col("cutoff") == day)
        drifted = week.filter(pl.col("drifted"))["column"].sort().to_list()
        share = len(drifted) / max(week.height, 1)
        results[key] = _warning(
            share <= MAX_DRIFT_SHARE,
            f"{len(drifted)} of {week.height} columns drifted in the week of {key}: "
            f"{', '.join(drifted)}; look at its report before trusting this week's models",
            {"drift_share": share, "drifted": drifted},
        )
    return results


def _beats_popularity(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
    rows = checked.store.read(evaluation.OFFLINE_METRICS, days_of(checked.keys)).filter(
        (pl.col("metric") == PRIMARY)
        & (pl.col("k") == PRIMARY_K)
        & ~pl.col("model").is_in(["popularity", "planted_optimum"])
    )
    results = {}
    for key, day in zip(checked.keys, days_of(checked.keys), strict=True):
        evaluated = with_adjusted_p_values(rows.filter(pl.col("cutoff") == day))
        beats = (pl.col("lift") > 0) & (pl.col("adjusted") < SIGNIFICANT)
        better = evaluated.filter(beats)["model"]
        results[key] = _warning(
            # Where nothing was evaluated, `nothing_skipped` says why.
            evaluated.is_empty() or not better.is_empty(),
            f"no model beats popularity in nDCG@10 at {key}; serve popularity, and look at the "
            "comparison",
            {"better": better.sort().to_list()},
        )
    return results


def _sample_ratio(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
    results = checked.store.read(experiments.AB_TEST_RESULTS)
    p_value = float(results["srm_p_value"][0]) if results.height else 1.0
    return {
        "": _warning(
            p_value >= MISMATCHED,
            f"sample-ratio mismatch (p = {p_value:.2g}): the arms are not the size they should be; "
            "do not trust the effects, look for what drops users from an arm",
            {"srm_p_value": p_value},
        )
    }


def _promises(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
    rows = checked.store.read(experiments.CALIBRATION)
    broken = rows.filter(~pl.col("kept")).iter_rows(named=True)
    told = [
        f"{row['measure']} of {row['method']}: {row['value']:.3f} [{row['low']:.3f}, "
        f"{row['high']:.3f}], promised {row['promised_low']:g} to {row['promised_high']:g}"
        for row in broken
    ]
    return {
        "": dg.AssetCheckResult(
            passed=not told,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{'; '.join(told)}: do not trust verdicts before this is found"
            if told
            else None,
            metadata={"promises": rows["kept"].count(), "broken": len(told)},
        )
    }


def _rules(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
    products = checked.store.read(raw.PRODUCTS, columns=["product_id", "category"])
    found = mistakes(
        checked.store.read(raw.MERCHANDISING_RULES),
        products["product_id"].to_list(),
        products["category"].drop_nulls().to_list(),
        datetime.now(UTC),
    )
    told = "; ".join(f"{what}: {', '.join(ids[:3])}" for what, ids in found.items())
    return {
        "": _warning(
            not found,
            f"rules of the shop are of {told}; correct the file that PERSONA_RULES names",
            {what: len(ids) for what, ids in found.items()},
        )
    }


def quality_checks(evaluated: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """Every check of this module."""
    return [
        asset_check(
            raw.MERCHANDISING_RULES,
            None,
            _rules,
            name="rules_make_sense",
            description="Rules are about products and categories of the catalogue, do not "
            "contradict each other, and are not over.",
            blocking=False,
        ),
        asset_check(
            monitoring.DATA_DRIFT,
            evaluated,
            _drift,
            name="drift_share",
            description="At most a third of the columns drifted.",
            blocking=False,
        ),
        asset_check(
            evaluation.OFFLINE_METRICS,
            evaluated,
            _beats_popularity,
            name="beats_popularity",
            description="At least one model beats popularity in nDCG@10, beyond chance.",
            blocking=False,
        ),
        asset_check(
            experiments.AB_TEST_RESULTS,
            None,
            _sample_ratio,
            name="sample_ratio",
            description="The arms' sizes agree with the planned shares.",
            blocking=False,
        ),
        asset_check(
            experiments.CALIBRATION,
            None,
            _promises,
            name="promises_are_kept",
            description="Where the truth is known, methods find it as often as they promise.",
            blocking=False,
        ),
    ]
