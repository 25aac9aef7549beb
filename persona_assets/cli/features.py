"""The command `persona features`.

Belongs here: its arguments and what is printed. Does not belong here: the views
(`feature_store/registry.py`) or how they read (`feature_store/reference.py`).
"""

import click

from persona_assets import settings as settings_module
from persona_assets.cli.output import say


@click.command()
@click.option("--json", "json_asked", is_flag=True, help="All of it as JSON, and nothing else.")
def features(json_asked: bool) -> None:
    """List the feature views: of whom, from which table, how long a row holds, every feature.

    Names of features are written view:feature where features are asked for. A home whose rows were
    made by another definition of the same version is refused, with the difference.
    """
    from persona_assets.feature_store import definitions, reference
    from persona_assets.feature_store.registry import VIEWS

    earlier = definitions.verify_home(settings_module.load().home)
    if json_asked:
        click.echo(reference.as_json())
        return
    for view in VIEWS:
        for line in reference.lines(view):
            click.echo(line)
    for name in earlier:
        say(f"the home's rows of {name} are of an earlier version; persona run makes them again",
            label="note")  # fmt: skip
