"""When things run: schedules, conditions, sensors, retries and freshness.

Belongs here: everything about *when*. Does not belong here: what an asset does, or
which assets a job has (`jobs.py`).

Time drives ingestion (a schedule); everything derived follows by condition. No asset has both.
"""

from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from persona_assets.orchestration import arrivals, notifying
from persona_assets.orchestration.due_condition import due_and_pending
from persona_assets.orchestration.event_log.sensors import sensors as event_log_sensors
from persona_assets.orchestration.home import Home
from persona_assets.orchestration.jobs import INGESTION
from persona_assets.orchestration.maintenance.job import maintenance
from persona_assets.orchestration.partitions import Cadence

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


@dataclass(frozen=True)
class Conditions:
    """When the derived tables of a home are made.

    Attributes:
        follow_inputs: daily and unpartitioned tables: as soon as they are due, partitions of any
            age.
        train: once a week, all cut-offs that are due.
        evaluate: likewise, an hour later.
    """

    follow_inputs: dg.AutomationCondition
    train: dg.AutomationCondition
    evaluate: dg.AutomationCondition

    @classmethod
    def of(cls, home: Home) -> "Conditions":
        """The conditions for the graph of `home`."""
        due, pending = due_and_pending(home)
        look_back = timedelta(days=home.settings.operation.look_back_days)

        def when_due(trigger: dg.AutomationCondition) -> dg.AutomationCondition:
            """Every due partition within the look-back, once for each time `trigger` came true.

            Once, because a partition stays due when its run fails: without a trigger it would be
            requested at each evaluation, twice a minute. Only requests reset the trigger. A run
            that another one overtook ends with a partition that is still due, and that must be
            seen.
            """
            return (
                dg.AutomationCondition.in_latest_time_window(look_back)
                & due
                & trigger.since(dg.AutomationCondition.newly_requested())
                & ~dg.AutomationCondition.any_deps_missing()
                & ~dg.AutomationCondition.any_deps_in_progress()
                & ~dg.AutomationCondition.in_progress()
            )

        def on_monday(cron: str) -> dg.AutomationCondition:
            """Once a week at `cron`, for all due cut-offs, when every input partition is there.

            What becomes due during the week waits for the next tick; only what a tick found
            pending is made as soon as the inputs that it lacked are there.

            The stock `on_cron` waits for every input to be updated *after* the tick; a weekly
            asset over daily inputs, all of which were updated before it, would never run.
            """
            return when_due(dg.AutomationCondition.cron_tick_passed(cron) & pending)

        return cls(
            follow_inputs=when_due(due.newly_true() | dg.AutomationCondition.any_deps_updated()),
            train=on_monday("0 4 * * 1"),
            evaluate=on_monday("0 5 * * 1"),
        )

    def condition(self, group: str, cadence: Cadence | None) -> dg.AutomationCondition | None:
        """That of a table in `group`; None for raw tables, which a schedule ingests."""
        if group == "raw":
            return None
        match cadence:
            case Cadence.WEEKLY:
                return self.train
            case Cadence.EVALUATED:
                return self.evaluate
            case _:
                return self.follow_inputs


def freshness(cadence: Cadence | None) -> dg.FreshnessPolicy:
    """How old the newest materialization may be before the UI complains."""
    return _DAILY_FRESHNESS if cadence is Cadence.DAILY else _WEEKLY_FRESHNESS


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


def schedules(home: Home) -> list[dg.ScheduleDefinition]:
    """The schedules over the graph of `home`."""
    return [
        arrivals.schedule(home, INGESTION, name="daily_ingestion", cron="15 2 * * *"),
        WEEKLY_MAINTENANCE,
    ]


def sensors(home: Home) -> list[dg.SensorDefinition]:
    """The sensors over the graph of `home`."""
    return [
        AUTOMATION,
        arrivals.sensor(home, INGESTION),
        *event_log_sensors(home, INGESTION, arrivals.arrived_at_home, arrivals.requests),
        *notifying.sensors(home),
    ]
