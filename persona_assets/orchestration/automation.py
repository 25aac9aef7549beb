"""When things run: jobs, schedules, conditions, sensors, retries and freshness.

Belongs here: everything about *when*. Does not belong here: what an asset does.

Time drives ingestion (a schedule); everything derived follows by condition. No asset has both.
"""

from datetime import timedelta

import dagster as dg

from persona_assets import settings
from persona_assets.orchestration import arrivals, notifying
from persona_assets.orchestration.due_condition import Due, Pending
from persona_assets.orchestration.event_log.sensors import sensors as event_log_sensors
from persona_assets.orchestration.maintenance.job import maintenance
from persona_assets.orchestration.partitions import DAILY, EVALUATED, WEEKLY

# Lost races for a partition and hiccups of an object store pass within seconds.
RETRY = dg.RetryPolicy(max_retries=1, delay=2, jitter=dg.Jitter.PLUS_MINUS)

_DAILY_FRESHNESS = dg.FreshnessPolicy.time_window(
    # A day and the hours until its morning's ingestion is through.
    warn_window=timedelta(hours=30),
    fail_window=timedelta(hours=54),
)
_WEEKLY_FRESHNESS = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=8), fail_window=timedelta(days=15)
)

_DUE = Due()


def _when_due(trigger: dg.AutomationCondition) -> dg.AutomationCondition:
    """Every due partition within the look-back, once for each time that `trigger` came true.

    Once, because a partition stays due when its run fails: without a trigger it would be requested
    at each evaluation, twice a minute. Only requests reset the trigger. A run that another one
    overtook ends with a partition that is still due, and that must be seen.
    """
    look_back = timedelta(days=settings.load().operation.look_back_days)
    return (
        dg.AutomationCondition.in_latest_time_window(look_back)
        & _DUE
        & trigger.since(dg.AutomationCondition.newly_requested())
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


FOLLOW_INPUTS = _when_due(_DUE.newly_true() | dg.AutomationCondition.any_deps_updated())
"""Daily and unpartitioned tables: as soon as they are due, partitions of any age."""


def _on_monday(cron: str) -> dg.AutomationCondition:
    """Once a week at `cron`, for all cut-offs that are due, when every input partition is there.

    What becomes due during the week waits for the next tick; only what a tick found pending is made
    as soon as the inputs that it lacked are there.

    The stock `on_cron` waits for every input to be updated *after* the tick; a weekly asset over
    daily inputs, all of which were updated before it, would never run.
    """
    return _when_due(dg.AutomationCondition.cron_tick_passed(cron) & Pending())


TRAIN = _on_monday("0 4 * * 1")
EVALUATE = _on_monday("0 5 * * 1")


def condition(
    group: str, partitions: dg.PartitionsDefinition | None
) -> dg.AutomationCondition | None:
    """The condition of a table in `group`; None for raw tables, which a schedule ingests."""
    if group == "raw":
        return None
    if partitions is WEEKLY:
        return TRAIN
    if partitions is EVALUATED:
        return EVALUATE
    return FOLLOW_INPUTS


def freshness(partitions: dg.PartitionsDefinition | None) -> dg.FreshnessPolicy:
    """How old the newest materialization may be before the UI complains."""
    return _DAILY_FRESHNESS if partitions is DAILY else _WEEKLY_FRESHNESS


INGESTION = dg.define_asset_job(
    "ingestion",
    selection=dg.AssetSelection.groups("raw"),
    description="Deliver one day (or a range of days) of the shop's raw data.",
)
DAILY_TABLES = dg.define_asset_job(
    "daily_tables",
    selection="group:raw or tag:cadence=daily",
    description="Raw data, mart, features and snapshots of a day or a range of days.",
)
WEEKLY_TRAINING = dg.define_asset_job(
    "weekly_training",
    selection="tag:cutoffs=trained",
    description="Embeddings, training set, models and top-K lists of one or more cut-offs.",
)
WEEKLY_MONITORING = dg.define_asset_job(
    "weekly_monitoring",
    selection="tag:cutoffs=evaluated and group:monitoring",
    description="Drift and data quality of weeks that are over.",
)
WEEKLY_EVALUATION = dg.define_asset_job(
    "weekly_evaluation",
    selection="tag:cutoffs=evaluated and not group:monitoring",
    description="Metrics of cut-offs whose seven days are over; a range of them is the replay "
    "validation.",
)
REPORTS = dg.define_asset_job(
    "reports",
    selection="tag:cadence=unpartitioned and not group:raw",
    description="Comparison, replay summary, the champion and its lists, A/B test and online "
    "features from what is there.",
)
JOBS = (
    INGESTION,
    DAILY_TABLES,
    WEEKLY_TRAINING,
    WEEKLY_EVALUATION,
    WEEKLY_MONITORING,
    REPORTS,
)

DAILY_INGESTION = arrivals.schedule(INGESTION, name="daily_ingestion", cron="15 2 * * *")
WEEKLY_MAINTENANCE = dg.ScheduleDefinition(
    name="maintenance",
    job=maintenance,
    # Before Monday's trainings, when the week's replaced versions are the most.
    cron_schedule="30 3 * * 0",
    description="Keep the home small: compaction, old versions, runs, reports and logs.",
)
AUTOMATION = dg.AutomationConditionSensorDefinition(
    "persona_automation",
    target=dg.AssetSelection.all(),
    description="Materializes derived tables when their conditions hold.",
    # The daemon itself knows none of our conditions.
    use_user_code_server=True,
)
SCHEDULES = (DAILY_INGESTION, WEEKLY_MAINTENANCE)
SENSORS = (
    AUTOMATION,
    arrivals.sensor(INGESTION),
    *event_log_sensors(INGESTION, arrivals.arrived_at_home, arrivals.requests),
    *notifying.SENSORS,
)
