"""The command `persona experiment status`.

Belongs here: its arguments and what it prints. Does not belong here: what is known of experiments
(`live_experiments/status.py`).
"""

import json
from typing import Any

import click

from persona_assets.notation import counted


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def status(as_json: bool) -> None:
    """The experiments on the shop's customers: users, days, and the verdict so far.

    The home's experiments.toml declares them (docs/experiments.md). What is shown is of the last
    `persona run`.
    """
    from persona_assets.cli.models import home, store_of
    from persona_assets.live_experiments.declaration_file import FILE_NAME
    from persona_assets.live_experiments.status import status as status_of
    from persona_assets.live_experiments.stored_plans import planned

    current = home()
    declared = planned(current.home, current.live_experiments)
    found = status_of(store_of(current), declared) if declared else []
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif not found:
        click.echo(f"no experiment is declared; {current.home / FILE_NAME} would declare one")
    for each in () if as_json else found:
        _show(each)


def _show(each: dict[str, Any]) -> None:
    known = f", as of {each['through']}" if each["through"] else ""
    click.echo(
        f"{each['experiment']}: day {each['days']:,} of {each['planned_days']:,} from "
        f"{each['start']}{known}"
    )
    for arm, of in each["arms"].items():
        model = f" ({of['model']})" if of["model"] else ""
        click.echo(f"  {arm}{model}: {counted(of['users'], 'user')}")
    click.echo(f"  {counted(each['users'], 'user')} of {each['planned_users']:,} planned")
    if each["excluded_users"]:
        click.echo(f"  {counted(each['excluded_users'], 'user')} in several arms, left out")
    click.echo(f"  {each['verdict']}")
