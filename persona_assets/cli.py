"""The `persona` command.

Belongs here: arguments, what is printed, exit codes. Does not belong here: running
(`runner.py`), settings (`settings.py`), or what a report says (`report/`).
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from persona_assets import model_commands
from persona_assets import settings as settings_module
from persona_assets.benchmark_command import benchmark
from persona_assets.errors import PersonaError, UserError
from persona_assets.segment_command import segment
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.settings import Settings, SourceSettings

DEFAULT_WEEKS = 4
# A first look: two weeks show that there is a replay, 20 products are as deep as lists are judged.
DEMO_WEEKS = 2
DEMO_TOP_K = 20
DEMO_SEGMENTATION = SegmentationConfig(sample=1_000, bootstraps=3, most_k=6)
DEMO = SourceSettings(
    name="synthetic",
    start=date(2025, 1, 1),
    end=date(2025, 3, 2),
    options={"users": 3000, "products": 1200, "seed": 7},
)

messages = Console(stderr=True)
# A pipe has no width of its own; the report's tables want 100 columns.
answers = Console(width=None if sys.stdout.isatty() else 100)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def persona() -> None:
    """Raw shop events in, recommendations proven to be good out.

    Everything lands under PERSONA_HOME (default ./.persona).
    """


for command in (benchmark, segment, *model_commands.COMMANDS):
    persona.add_command(command)


@persona.command()
def demo() -> None:
    """Generate a small shop, materialize the whole graph, and show the report."""
    changes = {"top_k": DEMO_TOP_K, "segmentation": DEMO_SEGMENTATION}
    _run(DEMO, weeks=DEMO_WEEKS, changes=changes, small=True)


_POLL_SECONDS = 0.5
_DAY = click.DateTime(["%Y-%m-%d"])


@persona.command()
@click.option("--source", required=True, help="synthetic, online_retail or files.")
@click.option("--path", help="File or folder of the source.")
@click.option("--mapping", help="TOML column mapping (source files).")
@click.option("--start", type=_DAY, help="First day.")
@click.option("--end", type=_DAY, help="Day after the last day.")
@click.option("--live", is_flag=True, help="No end: the calendar goes on to today.")
@click.option("--users", type=int, help="People (source synthetic).")
@click.option("--products", type=int, help="Products (source synthetic).")
@click.option("--seed", type=int, help="Seed of everything random.")
@click.option("--k", "top_k", type=int, help="Length of the recommendation lists.")
@click.option("--exclude", help="Leave out of lists: bought, seen or none.")
@click.option("--weeks", type=int, default=DEFAULT_WEEKS, show_default=True, help="Replayed weeks.")
def run(weeks: int, top_k: int | None, exclude: str | None, **given: Any) -> None:  # noqa: ANN401
    """Materialize the whole graph from a source, check it, and show the report."""
    if weeks < 1:
        raise UserError(f"--weeks is {weeks}; replay at least 1 week")
    changes = {"top_k": top_k, "exclude": exclude, "seed": given["seed"]}
    _run(
        _source(**given),
        weeks=weeks,
        changes={name: value for name, value in changes.items() if value is not None},
    )


@persona.command("report")
@click.option("--json", "form", flag_value="json", help="The report as JSON, and nothing else.")
@click.option("--html", "form", flag_value="html", help="Write report.html as well.")
def report_(form: str | None) -> None:
    """Show what exists: tables, metrics, drift, the A/B verdict, seconds per asset."""
    current = settings_module.load()
    if not current.home.is_dir():
        raise UserError(f"there is no home at {current.home}; run `persona demo` first")
    _show(current, form)


@persona.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=3000, show_default=True)
def ui(host: str, port: int) -> None:
    """Dagster's web UI and daemon over the home."""
    from persona_assets.resources import instance

    current = settings_module.load()
    instance.prepare(current.home)
    workspace = str(instance.workspace(current.home))
    os.environ["PERSONA_HOME"] = str(current.home)
    binaries = Path(sys.executable).parent
    processes = [
        subprocess.Popen([str(binaries / command), *arguments, "-w", workspace])  # noqa: S603
        for command, *arguments in (
            ("dagster-daemon", "run"),
            ("dagster-webserver", "-h", host, "-p", str(port)),
        )
    ]
    messages.print(f"UI on http://{host}:{port} over {current.home}; Ctrl-C ends it")

    def stop(*_: object) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    # One without the other is of no use: whichever ends first ends both.
    while all(process.poll() is None for process in processes):
        time.sleep(_POLL_SECONDS)
    stop()
    sys.exit(max(0, *(process.wait() for process in processes)))


def main() -> None:
    """Entry point: user errors are one message and exit code 2, never a traceback."""
    try:
        persona.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except PersonaError as error:
        text = escape(str(error))  # an error may name a [section]
        messages.print(f"[bold red]error:[/] {text}", highlight=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, UserError) else 1)


def _source(
    source: str,
    path: str | None,
    mapping: str | None,
    start: datetime | None,
    end: datetime | None,
    live: bool,
    users: int | None,
    products: int | None,
    seed: int | None,
) -> SourceSettings:
    """The source that the arguments describe, its calendar read from its data where not given."""
    from persona_assets.sources import open_source

    takes: dict[str, dict[str, int | str | None]] = {
        "synthetic": {"users": users, "products": products, "seed": seed},
        "online_retail": {"path": path},
        "files": {"path": path, "mapping": mapping},
    }
    wanted = takes.get(source, {})
    surplus = {"path": path, "mapping": mapping, "users": users, "products": products}
    for name, value in surplus.items():
        if value is not None and name not in wanted and wanted:
            raise UserError(f"--{name} does not go with --source {source}; leave it out")
    for name in ("path", "mapping"):
        if name in wanted and wanted[name] is None:
            raise UserError(f"--source {source} needs --{name}; name it")
    options = {
        name: str(Path(str(value)).absolute()) if name in ("path", "mapping") else value
        for name, value in wanted.items()
        if value is not None
    }
    defaults = DEMO if source == "synthetic" else None
    first = start.date() if start else (defaults.start if defaults else None)
    last = end.date() if end else (defaults.end if defaults and not live else None)
    if first and last and last <= first:
        raise UserError(
            f"the end {last} is not after the start {first}; pass an --end after --start (the end "
            "day is not included)"
        )
    asked = SourceSettings(source, first, last, options)  # type: ignore[arg-type]
    opened = open_source(asked, today=date.today())
    if source == "online_retail" and (start or end):
        raise UserError("--start and --end do not go with --source online_retail; leave them out")
    # Asked for even where the arguments say it: what is wrong with a file shows when it is read,
    # and that should be before anything is made.
    begins, ends = opened.start, opened.end
    return SourceSettings(source, first or begins, None if live else (last or ends), options)


def _run(
    source: SourceSettings, *, weeks: int, changes: dict[str, Any], small: bool = False
) -> None:
    from persona_assets.resources import instance

    before = settings_module.load()
    _refuse_other_source(before, source)
    current = replace(before, source=source, **changes)
    settings_module.save(current)
    instance.prepare(current.home)
    os.environ["PERSONA_HOME"] = str(current.home)

    # Only now: partitions are made from the settings just saved.
    from persona_assets import runner
    from persona_assets.definitions import defs
    from persona_assets.progress import progress_of
    from persona_assets.resources.build import build_store
    from persona_assets.tuning.demo_sizes import use_demo_sizes

    if small:
        use_demo_sizes(build_store(current), now=datetime.now(UTC))
    legs = runner.plan(weeks)
    if runner.up_to_date(current, defs, legs):
        messages.print("Nothing changed since the last run: no work done.")
        _show(current, None)
        return
    with progress_of(legs, defs, messages):
        record = runner.run(current, defs, legs, side_by_side=True)
    _show(current, "html")
    if failed := [check for check in record.checks if check.outcome == "failed"]:
        raise PersonaError(
            f"{len(failed)} asset check(s) failed, first {failed[0].asset} {failed[0].check} "
            f"{failed[0].partition}: {failed[0].description}; mend the data and run again"
        )


def _refuse_other_source(before: Settings, source: SourceSettings) -> None:
    """Two shops in one lake would mix: a home belongs to the source that it began with."""
    path = before.home / settings_module.FILE_NAME
    if not path.exists():
        return
    held = before.source
    same = (held.name, held.start, dict(held.options)) == (
        source.name,
        source.start,
        dict(source.options),
    )
    shorter = held.end is None and source.end is not None
    if held.end is not None and source.end is not None:
        shorter = source.end < held.end
    if not same or shorter:
        raise UserError(
            f"the home {before.home} holds source {held.name} from {held.start} to "
            f"{held.end or 'today'} ({dict(held.options)}); another source or a shorter calendar "
            "needs a home of its own: set PERSONA_HOME to another folder, for instance "
            f"PERSONA_HOME=.persona-{source.name}"
        )


def _show(current: Settings, form: str | None) -> None:
    """Print the report, or (`json`) print it for programs, or (`html`) write the page as well."""
    from persona_assets import run_record
    from persona_assets.report.as_json import as_json
    from persona_assets.report.collect import collect
    from persona_assets.report.console import print_report
    from persona_assets.report.html import write_html
    from persona_assets.resources.build import build_store

    report = collect(
        build_store(current),
        current,
        run_record.load(current.home),
        content_hashes=form == "json",  # they read every row
    )
    if form == "json":
        click.echo(as_json(report))
        return
    if form == "html":
        path = current.home / "report.html"
        write_html(report, path)
    print_report(report, answers)


if __name__ == "__main__":
    main()
