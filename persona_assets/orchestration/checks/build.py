"""All asset checks of a graph, made from its assets and their contracts."""

from collections.abc import Sequence

import dagster as dg

from persona_assets import settings
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
from persona_assets.orchestration.partitions import DAILY
from persona_assets.tables import TABLES, mart, raw


def build_checks(assets: Sequence[dg.AssetsDefinition]) -> list[dg.AssetChecksDefinition]:
    """A `contract` check per table, and what else its kind of table needs."""
    calendar = {"/".join(key.path): asset.partitions_def for asset in assets for key in asset.keys}
    checks = [
        contract_check(table, calendar[path]) for path, table in TABLES.items() if path in calendar
    ]
    checks += [check for asset in assets for check in window_checks(asset, calendar)]
    checks += [
        skipped_check(table, calendar[path])
        for path, table in TABLES.items()
        if path in calendar and table.group != "raw" and calendar[path] is not DAILY
    ]
    checks.append(conservation_check(mart.USER_ITEM_INTERACTIONS))
    checks += [freshness_check(raw.EVENTS), freshness_check(mart.USER_ITEM_INTERACTIONS)]
    checks += [delivery_check(raw.EVENTS), volume_check(raw.EVENTS)]
    checks.append(volume_check(mart.USER_ITEM_INTERACTIONS))
    checks += rejection_checks(settings.load().operation.quarantine_limit)
    return [*checks, *quality_checks(), *served_checks(), parity]
