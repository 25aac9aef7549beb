"""External assets: the event log, which the service writes, and the table that it is brought into.

Belongs here: their specifications. Does not belong here: when they change (`sensors.py`).
"""

import dagster as dg

from persona_assets.tables.collected import COLLECTED_EVENTS

EVENT_LOG = dg.AssetKey(["serving", "event_log"])
COLLECTED = dg.AssetKey([COLLECTED_EVENTS.group, COLLECTED_EVENTS.name])

SPECS = (
    dg.AssetSpec(
        EVENT_LOG,
        description="Events as `persona serve` accepted them: durable when they were answered.",
        group_name="serving",
        owners=["team:data-platform"],
        kinds={"file"},
    ),
    dg.AssetSpec(
        COLLECTED,
        deps=[EVENT_LOG],
        description=f"{COLLECTED_EVENTS.grain[:1].upper()}{COLLECTED_EVENTS.grain[1:]}. "
        "Appended by the job `event_ingestion` and by `persona run`.",
        group_name=COLLECTED_EVENTS.group,
        owners=["team:data-platform"],
        kinds={"deltalake"},
    ),
)
