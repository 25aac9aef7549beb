"""The Dagster job `event_ingestion`.

Belongs here: its one step. Does not belong here: what is done (`serving/bring_in.py`), when
(`sensors.py`), what is checked (`checks.py`).
"""

import dagster as dg

from persona_assets.orchestration.event_log.assets import COLLECTED, IMPRESSED, LISTED
from persona_assets.orchestration.event_log.checks import evaluations
from persona_assets.orchestration.resources.failures import permanent_failures
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.serving.bring_in import bring_in
from persona_assets.serving.event_log.ingestion import Ingested

POOL = "event_ingestion"
"""Runs of the job would do no harm to each other, and nothing for each other either."""


@dg.op(
    name="ingest_events",
    pool=POOL,
    retry_policy=dg.RetryPolicy(max_retries=1, delay=2, jitter=dg.Jitter.PLUS_MINUS),
)
def _ingest(context: dg.OpExecutionContext, lake: Lake, shop: Shop) -> None:
    """Bring what the service's logs have into the lake, and make and check what follows."""
    store = lake.store
    with permanent_failures():
        done = bring_in(shop.settings.home, store)
    context.log_event(_brought(COLLECTED, done.events))
    context.log_event(_brought(LISTED, done.lists))
    if done.impressions:
        context.log_event(
            dg.AssetMaterialization(IMPRESSED, metadata={"persona/days": list(done.impressions)})
        )
        with permanent_failures():
            for found in evaluations(store, done.impressions):
                # The annotation does not list evaluations, but a step may yield them.
                context.log_event(found)  # type: ignore[arg-type]


def _brought(key: dg.AssetKey, done: Ingested) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        key,
        metadata={
            "dagster/row_count": done.rows,
            "persona/sent_again": done.known,
            "persona/offset": done.offset,
            "persona/days": list(done.days),
        },
    )


@dg.job(name="event_ingestion", executor_def=dg.in_process_executor)
def event_ingestion() -> None:
    """Bring the service's logs into the lake: every accepted event and every served list once."""
    _ingest()
