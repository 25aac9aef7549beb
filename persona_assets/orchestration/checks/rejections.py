"""How much of a day is in quarantine, and for which reasons?

Belongs here: checks of shares of rejected rows. Does not belong here: which reasons are alarming
(`monitoring/rejections.py`), how many rows there are (`delivery.py`).
"""

from collections.abc import Mapping
from functools import partial

import dagster as dg
import polars as pl

from persona_assets.monitoring.rejections import (
    DEFECTS,
    MOST_UNKNOWN_NAMES,
    is_above,
    unknown_names,
)
from persona_assets.operation import QUARANTINE
from persona_assets.orchestration.checks.partitioned import CheckedPartitions, asset_check
from persona_assets.orchestration.partitions import days_of
from persona_assets.tables import mart

Counts = Mapping[str, int]
"""Rule → rows that it rejected."""
_UNKNOWN = "unknown_event_type"


def rejection_checks(
    limit: float, daily: dg.PartitionsDefinition
) -> list[dg.AssetChecksDefinition]:
    """A blocking check of defective rows, and one of event names that nobody knows.

    `limit` is the share of a day's rows above which nothing may follow from the day.
    """
    return [
        asset_check(
            # Not of the quarantine, whose readers would be stopped and not those of the mart.
            mart.USER_ITEM_INTERACTIONS,
            daily,
            partial(_quarantine_shares, limit=limit),
            name="quarantine_share",
            description=f"At most {limit:.0%} of the day's rows are in quarantine for a defect of "
            f"the delivery ({', '.join(DEFECTS)}), chance aside.",
            blocking=True,
        ),
        asset_check(
            mart.QUARANTINE,
            daily,
            _event_names,
            name="event_names",
            description=f"At most {MOST_UNKNOWN_NAMES:.0%} of the day's rows have event names that "
            "the mapping does not know, chance aside.",
            blocking=False,
        ),
    ]


def _counts(checked: CheckedPartitions) -> dict[str, tuple[int, Counts]]:
    """Per day: rows in all, and those in quarantine by their rule."""
    days = days_of(checked.keys)
    accepted = checked.store.partition_rows(mart.USER_ITEM_INTERACTIONS)
    rejected = checked.store.read(mart.QUARANTINE, days, columns=["event_date", "rule"])
    found: dict[str, tuple[int, Counts]] = {}
    for day in days:
        rules = rejected.filter(pl.col("event_date") == day)["rule"].value_counts()
        counts = dict(rules.iter_rows())
        found[str(day)] = (accepted.get(str(day), 0) + sum(counts.values()), counts)
    return found


def _quarantine_shares(checked: CheckedPartitions, limit: float) -> dict[str, dg.AssetCheckResult]:
    return {
        day: _share(day, rows, counts, limit) for day, (rows, counts) in _counts(checked).items()
    }


def _share(day: str, rows: int, counts: Counts, limit: float) -> dg.AssetCheckResult:
    defects = {rule: counts[rule] for rule in DEFECTS if rule in counts}
    bad = sum(defects.values())
    passed = not is_above(bad, rows, limit)
    told = ", ".join(f"{rule} {number:,}" for rule, number in defects.items())
    return dg.AssetCheckResult(
        passed=passed,
        metadata={"rows": rows, "in_quarantine": sum(counts.values()), "defective": bad},
        description=None
        if passed
        else f"{bad:,} of {rows:,} rows of {day} are defective ({told}); correct the mapping or "
        f"have the day delivered again, or set {QUARANTINE} above {bad / rows:.2f}",
    )


def _event_names(checked: CheckedPartitions) -> dict[str, dg.AssetCheckResult]:
    results = {}
    columns = ["event_date", "rule", "value"]
    rejected = checked.store.read(mart.QUARANTINE, days_of(checked.keys), columns=columns)
    values = rejected.filter(pl.col("rule") == _UNKNOWN)
    for day, (rows, counts) in _counts(checked).items():
        unknown = counts.get(_UNKNOWN, 0)
        passed = not is_above(unknown, rows, MOST_UNKNOWN_NAMES)
        named = unknown_names(values.filter(pl.col("event_date").cast(pl.String) == day)["value"])
        results[day] = dg.AssetCheckResult(
            passed=passed,
            metadata={"rows": rows, "unknown": unknown},
            description=None
            if passed
            else f"{unknown:,} of {rows:,} rows of {day} have an unknown event type{named}; name "
            "them in [events.values.event_type] of the mapping (`persona check` lists them), or "
            "have the day delivered again",
        )
    return results
