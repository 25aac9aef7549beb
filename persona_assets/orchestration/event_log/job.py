"""The Dagster job `event_ingestion`.

Belongs here: its one step. Does not belong here: what is done (`serving/collector/ingest.py`), when
(`sensors.py`).
"""

import dagster as dg

from persona_assets.orchestration.event_log.assets import COLLECTED
from persona_assets.orchestration.resources.failures import permanent_failures
from persona_assets.serving.collector.ingest import FOLDER, ingest

POOL = "event_ingestion"
"""Runs of the job would do no harm to each other, and nothing for each other either."""


@dg.op(
    name="ingest_events",
    required_resource_keys={"lake", "shop"},
    pool=POOL,
    retry_policy=dg.RetryPolicy(max_retries=1, delay=2, jitter=dg.Jitter.PLUS_MINUS),
)
def _ingest(context: dg.OpExecutionContext) -> None:
    """Bring what the event log has into `raw/collected_events`."""
    home = context.resources.shop.settings.home
    with permanent_failures():
        done = ingest(home / FOLDER, context.resources.lake.store)
    context.log_event(
        dg.AssetMaterialization(
            COLLECTED,
            metadata={
                "dagster/row_count": done.rows,
                "persona/sent_again": done.known,
                "persona/offset": done.offset,
                "persona/days": list(done.days),
            },
        )
    )


@dg.job(name="event_ingestion", executor_def=dg.in_process_executor)
def event_ingestion() -> None:
    """Bring the event log into the lake: every accepted event once."""
    _ingest()
