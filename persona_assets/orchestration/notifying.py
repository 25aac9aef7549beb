"""Sensors that tell somebody of runs that Dagster's daemon started.

Belongs here: which runs are told of. Does not belong here: messages and sending (`notification/`),
runs of commands, which tell themselves (`cli/run.py`).
"""

from datetime import UTC, datetime

import dagster as dg

from persona_assets.notification import notice
from persona_assets.notification.delivery import send
from persona_assets.orchestration.home import Home
from persona_assets.orchestration.runs import owners
from persona_assets.run_record import CheckOutcome, Outcome
from persona_assets.settings import Settings


def tell_of_run(instance: dg.DagsterInstance, run: dg.DagsterRun, settings: Settings) -> list[str]:
    """Send what is to be told of a run that has ended; the troubles with it.

    Nothing is told of runs of commands and of runs that went well.
    """
    if owners.TAG in run.tags:
        return []
    outcomes = _outcomes(instance, run.run_id)
    at = datetime.now(UTC)
    failed = notice.failed(outcomes)
    if failed or run.status is dg.DagsterRunStatus.FAILURE:
        error = "" if run.status is dg.DagsterRunStatus.SUCCESS else "RunFailure"
        told = notice.failure(settings.home, error, at, failed, run.run_id)
    elif warned := notice.warned(outcomes, ()):
        told = notice.warning(settings.home, at, warned, run.run_id)
    else:
        return []
    return send(told, settings.operation)


def _outcomes(instance: dg.DagsterInstance, run_id: str) -> list[CheckOutcome]:
    """What the checks of a run found, per partition; the summary of a range is left out."""
    found = []
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    for each in events:
        event = each.dagster_event
        data = event.event_specific_data if event else None
        if isinstance(data, dg.AssetCheckEvaluation):
            outcome: Outcome = "passed"
            if not data.passed:
                outcome = "warned" if data.severity is dg.AssetCheckSeverity.WARN else "failed"
            path = "/".join(data.asset_key.path)
            found.append(CheckOutcome(path, data.check_name, data.partition or "", outcome))
    split = {(each.asset, each.check) for each in found if each.partition}
    return [each for each in found if each.partition or (each.asset, each.check) not in split]


def sensors(home: Home) -> tuple[dg.SensorDefinition, ...]:
    """The sensors `tell_of_failed_runs` and `tell_of_failed_checks` over the runs of `home`."""

    def tell(context: dg.RunStatusSensorContext) -> None:
        for trouble in tell_of_run(context.instance, context.dagster_run, home.settings):
            context.log.warning(trouble)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.FAILURE,
        name="tell_of_failed_runs",
        description="Posts and mails that a run failed, where the settings say to whom.",
    )
    def tell_of_failed_runs(context: dg.RunStatusSensorContext) -> None:
        """Tell of every failed run."""
        tell(context)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="tell_of_failed_checks",
        description="Posts and mails that a check of a run failed, or that a delivery is missing.",
    )
    def tell_of_failed_checks(context: dg.RunStatusSensorContext) -> None:
        """Tell of checks that failed without failing their run."""
        tell(context)

    return tell_of_failed_runs, tell_of_failed_checks
