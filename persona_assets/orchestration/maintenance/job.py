"""The Dagster job `maintenance`.

Belongs here: its one step. Does not belong here: what is done (`home.py`), its schedule
(`orchestration/automation.py`).
"""

import dagster as dg

from persona_assets.orchestration.resources.failures import permanent_failures
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.source import Shop


@dg.op(name="maintain")
def _maintain(context: dg.OpExecutionContext, lake: Lake, shop: Shop) -> None:
    """Compact the lake, delete old versions, runs, reports and logs."""
    from persona_assets.orchestration.maintenance.home import maintain_home

    with permanent_failures():
        done = maintain_home(shop.settings, lake.store, context.instance)
    for line in done.lines():
        context.log.info(line)


@dg.job(name="maintenance", executor_def=dg.in_process_executor)
def maintenance() -> None:
    """Keep the home small: PERSONA_RETENTION_DAYS and PERSONA_HISTORY_DAYS say how small."""
    _maintain()
