"""External assets: the logs that the service writes, and the tables that they are brought into.

Belongs here: their specifications. Does not belong here: when they change (`sensors.py`).
"""

import dagster as dg

from persona_assets.tables import Table
from persona_assets.tables.collected import COLLECTED_EVENTS, IMPRESSIONS, SERVED_LISTS

EVENT_LOG = dg.AssetKey(["serving", "event_log"])
SERVED_LOG = dg.AssetKey(["serving", "served_log"])
COLLECTED = dg.AssetKey([COLLECTED_EVENTS.group, COLLECTED_EVENTS.name])
LISTED = dg.AssetKey([SERVED_LISTS.group, SERVED_LISTS.name])
IMPRESSED = dg.AssetKey([IMPRESSIONS.group, IMPRESSIONS.name])

_OWNERS = ["team:data-platform"]


def _log(key: dg.AssetKey, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key, description=description, group_name="serving", owners=_OWNERS, kinds={"file"}
    )


def _table(table: Table, key: dg.AssetKey, deps: list[dg.AssetKey], how: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=deps,
        description=f"{table.grain[:1].upper()}{table.grain[1:]}. {how} by the job "
        "`event_ingestion` and by `persona run`.",
        group_name=table.group,
        owners=_OWNERS,
        kinds={"deltalake"},
    )


SPECS = (
    _log(EVENT_LOG, "Events as `persona serve` accepted them: durable when they were answered."),
    _log(SERVED_LOG, "Lists as `persona serve` answered with them."),
    _table(COLLECTED_EVENTS, COLLECTED, [EVENT_LOG], "Appended"),
    _table(SERVED_LISTS, LISTED, [SERVED_LOG], "Appended"),
    _table(IMPRESSIONS, IMPRESSED, [LISTED, COLLECTED], "Made"),
)
