"""All asset checks of a graph, made from its assets and their contracts."""

from collections.abc import Sequence

import dagster as dg

from persona_assets.orchestration.checks.conservation import conservation_check
from persona_assets.orchestration.checks.contract import contract_check
from persona_assets.orchestration.checks.delivery import delivery_check, volume_check
from persona_assets.orchestration.checks.freshness import freshness_check
from persona_assets.orchestration.checks.online_parity import parity
from persona_assets.orchestration.checks.rejections import rejection_checks
from persona_assets.orchestration.checks.skipped import skipped_check
from persona_assets.orchestration.checks.table_checks import quality_checks
from persona_assets.orchestration.checks.window import window_checks
from persona_assets.orchestration.event_log.checks import served_checks
from persona_assets.orchestration.partitions import Calendar
from persona_assets.tables import TABLES, mart, raw


def build_checks(
    assets: Sequence[dg.AssetsDefinition], calendar: Calendar, quarantine_limit: float
) -> list[dg.AssetChecksDefinition]:
    """A `contract` check per table, and what else its kind of table needs.

    Args:
        assets: of the graph.
        calendar: of the home.
        quarantine_limit: share of a day's rows in quarantine above which nothing follows.
    """
    daily = calendar.daily
    divided = {"/".join(key.path): asset.partitions_def for asset in assets for key in asset.keys}
    checks = [
        contract_check(table, divided[path]) for path, table in TABLES.items() if path in divided
    ]
    checks += [check for asset in assets for check in window_checks(asset, divided)]
    checks += [
        skipped_check(table, divided[path])
        for path, table in TABLES.items()
        if path in divided and table.group != "raw" and divided[path] is not daily
    ]
    interactions = mart.USER_ITEM_INTERACTIONS
    checks.append(conservation_check(interactions, daily))
    checks += [freshness_check(raw.EVENTS, daily), freshness_check(interactions, daily)]
    checks += [delivery_check(raw.EVENTS, daily), volume_check(raw.EVENTS, daily)]
    checks.append(volume_check(interactions, daily))
    checks += rejection_checks(quarantine_limit, daily)
    return [*checks, *quality_checks(calendar.evaluated), *served_checks(), parity]
