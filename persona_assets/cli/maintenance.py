"""The command `persona maintenance`.

Belongs here: what is printed. Does not belong here: what is done (`orchestration/maintenance/`).
"""

import os

import click

from persona_assets import settings as settings_module
from persona_assets.cli import home_in_use
from persona_assets.cli.output import say
from persona_assets.errors import UserError


@click.command()
def maintenance() -> None:
    """Keep the home small: join small files, delete what is old and was replaced.

    Replaced versions of tables and the Dagster runs that made them go after PERSONA_RETENTION_DAYS;
    failed runs, reports and logs after PERSONA_HISTORY_DAYS. No row is changed. The Dagster job and
    schedule `maintenance` do the same.
    """
    current = settings_module.load()
    if not current.home.is_dir():
        raise UserError(
            f"there is no home at {current.home}; run `persona demo` first, or set PERSONA_HOME"
        )
    with home_in_use.writing(current.home, "maintenance"):
        from persona_assets.orchestration.maintenance.home import maintain_home
        from persona_assets.orchestration.resources import instance
        from persona_assets.orchestration.resources.build import build_store

        os.environ["PERSONA_HOME"] = str(current.home)
        with instance.of(current.home) as opened:
            done = maintain_home(current, build_store(current), opened)
        for line in done.lines():
            say(line)
