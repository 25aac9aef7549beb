"""The command `persona report`, and showing the report at the end of a run.

Belongs here: its arguments and which form is shown. Does not belong here: what a report says
(`report/`).
"""

import click

from persona_assets import settings as settings_module
from persona_assets.cli.output import answers
from persona_assets.errors import UserError
from persona_assets.settings import Settings


@click.command("report")
@click.option("--json", "form", flag_value="json", help="The report as JSON, and nothing else.")
@click.option("--html", "form", flag_value="html", help="Write report.html as well.")
def report(form: str | None) -> None:
    """Show what exists: tables, metrics, drift, the A/B verdict, seconds per asset."""
    current = settings_module.load()
    if not current.home.is_dir():
        raise UserError(f"there is no home at {current.home}; run `persona demo` first")
    show(current, form)


def show(current: Settings, form: str | None) -> None:
    """Print the report, or (`json`) print it for programs, or (`html`) write the page as well."""
    from persona_assets import run_record
    from persona_assets.orchestration.resources.build import build_store
    from persona_assets.report.as_json import as_json
    from persona_assets.report.collect import collect
    from persona_assets.report.console import print_report
    from persona_assets.report.html import write_html

    found = collect(
        build_store(current),
        current,
        run_record.load(current.home),
        content_hashes=form == "json",  # they read every row
    )
    if form == "json":
        click.echo(as_json(found))
        return
    if form == "html":
        path = current.home / "report.html"
        write_html(found, path)
    print_report(found, answers)
