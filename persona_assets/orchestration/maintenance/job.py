"""The Dagster job `maintenance`.

Belongs here: its one step. Does not belong here: what is done (`home.py`), its schedule
(`orchestration/automation.py`).
"""

import dagster as dg

from persona_assets.orchestration.resources.failures import permanent_failures


@dg.op(name="maintain", required_resource_keys={"lake", "shop"})
def _maintain(context: dg.OpExecutionContext) -> None:
    """Compact the lake, delete old versions, runs, reports and logs."""
    from persona_assets.orchestration.maintenance.home import maintain_home

    settings, store = context.resources.shop.settings, context.resources.lake.store
    with permanent_failures():
        done = maintain_home(settings, store, context.instance)
    for line in done.lines():
        context.log.info(line)


@dg.job(name="maintenance", executor_def=dg.in_process_executor)
def maintenance() -> None:
    """Keep the home small: PERSONA_RETENTION_DAYS and PERSONA_HISTORY_DAYS say how small."""
    _maintain()
