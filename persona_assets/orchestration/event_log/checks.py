"""Checks of what the service logged: served lists, and what followed from them.

Belongs here: the checks, and their results for the job that brings rows in. Does not belong here:
the rules (`serving/served/consistency.py`, contracts).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

import dagster as dg

from persona_assets.lake import DeltaStore
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.serving.served.consistency import (
    contract_broken,
    impressions_broken,
    lists_broken,
)
from persona_assets.tables import Table
from persona_assets.tables.collected import IMPRESSIONS, SERVED_LISTS

NEWEST = 8
"""So many of the newest days are looked at where no days are named: events may still come for
them."""

_Rule = Callable[[DeltaStore, Sequence[date]], Mapping[str, int]]
_RULES: Mapping[tuple[Table, str], tuple[_Rule, str]] = {
    (SERVED_LISTS, "contract"): (
        lambda store, days: contract_broken(store, SERVED_LISTS, days),
        "Rows keep the contract, and no place of a list is there twice.",
    ),
    (SERVED_LISTS, "places"): (
        lists_broken,
        "Places of each list are 1, 2, 3 … and no product is in a list twice.",
    ),
    (IMPRESSIONS, "contract"): (
        lambda store, days: contract_broken(store, IMPRESSIONS, days),
        "Rows keep the contract, and no place of a list is there twice.",
    ),
    (IMPRESSIONS, "follows_from_lists"): (
        impressions_broken,
        "Each served product is there once, and nothing was done from what was not viewed: of no "
        "list are there more clicks than impressions.",
    ),
}


def evaluations(store: DeltaStore, days: Sequence[str]) -> Iterator[dg.AssetCheckEvaluation]:
    """Every check of this module for the days."""
    for (table, name), (rule, _) in _RULES.items():
        result = _result(rule(store, [date.fromisoformat(day) for day in days]))
        yield dg.AssetCheckEvaluation(
            asset_key=_key(table),
            check_name=name,
            passed=result.passed,
            severity=result.severity,
            metadata=result.metadata,
            description=result.description,
            blocking=False,
        )


def served_checks() -> list[dg.AssetChecksDefinition]:
    """The checks, as they are executed in the UI: over the newest days."""
    return [
        _check(table, name, rule, description)
        for (table, name), (rule, description) in _RULES.items()
    ]


def _check(table: Table, name: str, rule: _Rule, description: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=_key(table),
        name=name,
        description=f"{description} The newest {NEWEST} days.",
    )
    def check(lake: Lake) -> dg.AssetCheckResult:
        store = lake.store
        days = sorted(store.partition_rows(table))[-NEWEST:] if store.exists(table) else []
        return _result(rule(store, [date.fromisoformat(day) for day in days]))

    return check


def _key(table: Table) -> dg.AssetKey:
    return dg.AssetKey([table.group, table.name])


def _result(broken: Mapping[str, int]) -> dg.AssetCheckResult:
    rules = ", ".join(f"{rule} ({rows} rows)" for rule, rows in broken.items())
    return dg.AssetCheckResult(
        passed=not broken,
        metadata=dict(broken),
        description=f"broken: {rules}" if broken else None,
    )
