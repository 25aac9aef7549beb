"""The command `persona run`.

Belongs here: its arguments, and what is printed. Does not belong here: the source that they
describe (`source_arguments.py`), planning and executing runs (`orchestration/runs/`), settings
(`settings/`), or the demo (`demo.py`).
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from persona_assets import run_record
from persona_assets import settings as settings_module
from persona_assets.cli import home_in_use, interruption, telling
from persona_assets.cli.home_source import refuse_other_source
from persona_assets.cli.output import messages, say
from persona_assets.cli.report import show
from persona_assets.cli.source_arguments import SourceCommand, source_described
from persona_assets.errors import FailedChecksError, UserError
from persona_assets.settings import Settings, SourceSettings
from persona_assets.sources.validation import (
    DEFAULT_MOST_REJECTED,
)
from persona_assets.tables.serving import CHAMPION

if TYPE_CHECKING:
    from persona_assets.orchestration.runs.plan import PlannedRun
    from persona_assets.orchestration.runs.work import Work

DEFAULT_WEEKS = 4
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(cls=SourceCommand)
@click.option(
    "--most-rejected",
    type=click.FloatRange(0, 1),
    default=DEFAULT_MOST_REJECTED,
    show_default=True,
    help="Stop before any work if a larger share of the rows would be rejected (source files).",
)
@click.option("--start", type=_DAY, help="First day.")
@click.option("--end", type=_DAY, help="Day after the last day.")
@click.option("--live", is_flag=True, help="No end: the calendar goes on to today.")
@click.option("--seed", type=int, help="Seed of everything random.")
@click.option("--k", "top_k", type=int, help="Length of the recommendation lists.")
@click.option("--exclude", help="Leave out of lists: bought, seen or none.")
@click.option("--weeks", type=int, default=DEFAULT_WEEKS, show_default=True, help="Replayed weeks.")
@click.option("--all", "everything", is_flag=True, help="Make everything again, due or not.")
def run(
    source: str,
    weeks: int,
    everything: bool,
    top_k: int | None,
    exclude: str | None,
    seed: int | None,
    most_rejected: float,
    start: datetime | None,
    end: datetime | None,
    live: bool,
    **options: Any,  # noqa: ANN401 - of the sources
) -> None:
    """Materialize what is due of the whole graph, check it, and show the report.

    Due are new days, days that were delivered again, what follows from them, and what a changed
    model or setting makes. The last lines say what was made and why.
    """
    if weeks < 1:
        raise UserError(f"--weeks is {weeks}; replay at least 1 week")
    changes = {"top_k": top_k, "exclude": exclude, "seed": seed}
    with telling.of_failure():
        described, identifiers_are_public = source_described(
            source,
            {**options, "seed": seed},
            also=frozenset({"seed"}),
            most_rejected=most_rejected,
            start=start,
            end=end,
            live=live,
        )
        bring_up_to_date(
            described,
            weeks=weeks,
            everything=everything,
            changes={name: value for name, value in changes.items() if value is not None},
            identifiers_are_public=identifiers_are_public,
        )


def bring_up_to_date(
    source: SourceSettings,
    *,
    weeks: int,
    changes: dict[str, Any],
    identifiers_are_public: bool,
    everything: bool = False,
    at_begin: Callable[[Settings], None] | None = None,
    before_reports: Callable[[Settings], None] | None = None,
) -> None:
    """Bind the home to `source`, then `compute`.

    Args:
        source: of the home.
        weeks: see `compute`, as the last three.
        changes: settings to change by name.
        identifiers_are_public: whether the source's people may be named.
        everything: see `compute`.
        at_begin: see `compute`.
        before_reports: see `compute`.

    Raises:
        UserError: the home is of another source.
    """
    before = settings_module.load()
    # Asked twice: here so that a refusal makes no home, and when no other command can fill it.
    refuse_other_source(before, source)
    current = replace(before, source=source, **changes)
    with home_in_use.writing(current.home, "run"):
        refuse_other_source(settings_module.load(), source)
        # Refused before any work; a step would refuse another key than the lake's, too.
        current.secret_key(identifiers_are_public=identifiers_are_public)
        compute(
            current,
            weeks=weeks,
            everything=everything,
            at_begin=at_begin,
            before_reports=before_reports,
        )


def compute(
    current: Settings,
    *,
    weeks: int,
    everything: bool = False,
    at_begin: Callable[[Settings], None] | None = None,
    before_reports: Callable[[Settings], None] | None = None,
) -> None:
    """Bring the home up to date and show the report; no other command may write to it meanwhile.

    Args:
        current: settings of the home.
        weeks: replayed weeks.
        everything: make everything again, due or not.
        at_begin: called once the home is there, before anything is made in it.
        before_reports: called when all weeks are evaluated, before the champion is looked up.

    Raises:
        DataError: a step failed, or a check did.
    """
    from persona_assets.feature_store import definitions
    from persona_assets.lake import DeltaStore, earlier_schemas
    from persona_assets.orchestration.resources import instance
    from persona_assets.serving.bring_in import bring_in

    _refuse_lake_of_others(current.lake_root)
    lake = DeltaStore(current.lake_root, storage_options=current.storage_options)
    earlier_schemas.widen(lake)
    earlier_schemas.refuse(lake)
    definitions.verify_home(current.home)
    before = run_record.load(current.home)  # a garbled one is refused before anything is changed
    settings_module.save(current)
    folder = instance.prepare(current.home)
    os.environ["PERSONA_HOME"] = str(current.home)
    for line in bring_in(current.home, lake, to_the_end=True).lines():
        say(line)

    # Only now: partitions are made from the settings just saved.
    from persona_assets.cli.progress import progress_of
    from persona_assets.definitions import HOME, defs
    from persona_assets.notification import notice
    from persona_assets.orchestration.resources.build import build_store
    from persona_assets.orchestration.runs import missing, run_history
    from persona_assets.orchestration.runs.execute import execute
    from persona_assets.orchestration.runs.fingerprint import source_files, up_to_date
    from persona_assets.orchestration.runs.plan import PlannedRun, plan
    from persona_assets.orchestration.runs.present import work

    if at_begin:
        at_begin(current)
    planned = plan(weeks, HOME.calendar)
    files = source_files(current)  # what arrives from here on is of the next run
    if folder == current.home / "dagster":
        for line in run_history.complete(current.home, folder, defs):
            say(f"lost: {line}")
    store = build_store(current)
    lost = missing.lost(current, store, before)
    if lost:
        say(f"lost since the last run: {missing.named(lost)}")
    elif not everything and missing.records_are_whole(store) and up_to_date(current, defs, planned):
        definitions.remember_in_home(current.home)
        say("Nothing changed since the last run: no work done.")
        page = current.home / "report.html"
        show(current, None if page.is_file() and page.stat().st_size else "html")
        return
    todo = work(defs, planned, lost=lost)
    outlook = todo.outlook()
    runs: Iterable[PlannedRun] | None = None if everything else todo.runs()
    if before_reports:
        runs = _after_evaluation(runs or planned, partial(before_reports, current))
    with (
        interruption.at_end(partial(_close_own_runs, current.home)),
        progress_of(planned, defs, messages),
    ):
        record = execute(
            current,
            defs,
            planned,
            due=runs,
            side_by_side=everything or todo.side_by_side(outlook),
            files=files,
            child_died=partial(interruption.end, code=1),
        )
    definitions.remember_in_home(current.home)
    show(current, "html")
    if not everything:
        _tell_what_was_made(todo)
    telling.of_warnings(current, record.checks, before.checks if before else None)
    if failed := [check for check in record.checks if check.outcome == "failed"]:
        raise FailedChecksError(
            f"{len(failed)} asset check(s) failed, first {failed[0].asset} {failed[0].check} "
            f"{failed[0].partition}: {failed[0].description}; mend the data and run again",
            notice.failed(failed),
        )


def _tell_what_was_made(todo: "Work") -> None:
    from persona_assets.orchestration.runs.summary import kept_days, summary

    cadences = {node.path: node.cadence for node in todo.nodes}
    made = [f"made {line}" for line in summary(todo.done, cadences)]
    for line in (*made, *kept_days(todo)):
        say(line)
    if not any(todo.done.values()):
        say("Nothing was due: no work done.")


def _after_evaluation(
    runs: Iterable["PlannedRun"], act: Callable[[], None]
) -> Iterator["PlannedRun"]:
    """`runs`; before the one that looks up the champion, `act`."""
    for planned in runs:
        if planned.job == "reports" and (not planned.assets or CHAMPION.path in planned.assets):
            act()
        yield planned


def _refuse_lake_of_others(root: str) -> None:
    """Raise UserError where the lake is a folder that may only be read.

    A step would find out, too, after delta-rs has printed a panic of each of its threads.
    """
    if "://" not in root and Path(root).exists() and not os.access(root, os.W_OK):
        raise UserError(
            f"cannot write to the lake {root}: Permission denied; change its permissions, or point "
            "PERSONA_LAKE at a folder you may write to"
        )


def _close_own_runs(home: Path) -> None:
    """Tell Dagster that the runs of this process and of its child, which is gone, end here."""
    from persona_assets.orchestration.resources import instance
    from persona_assets.orchestration.runs import owners

    with instance.of(home) as opened:
        owners.close_own(opened, "The command that executed this run was asked to end.")
        owners.close_dead(opened, now=datetime.now(UTC))
