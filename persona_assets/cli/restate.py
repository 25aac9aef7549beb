"""The command `persona restate`.

Belongs here: its arguments and what is printed. Does not belong here: how a history is made
(`sources/attribute_deliveries.py`) or computing anything from it (`orchestration/runs/`).
"""

import click

from persona_assets import settings as settings_module
from persona_assets.cli import home_in_use
from persona_assets.cli.output import say
from persona_assets.errors import UserError


@click.command()
@click.argument("what", nargs=-1, required=True, type=click.Choice(["users", "products"]))
def restate(what: tuple[str, ...]) -> None:
    """Forget what was known of people or products before: it was wrong.

    What a delivery changes about people and products is known from its arrival on, and earlier
    cut-offs keep what was known then. Where earlier deliveries were mistaken, this empties their
    history: the next `persona run` takes what is delivered then as known from the beginning, and
    computes again what is made from it.
    """
    from persona_assets.lake import DeltaStore
    from persona_assets.tables.raw import PRODUCT_HISTORY, USER_HISTORY

    current = settings_module.load()
    if not current.home.is_dir():
        raise UserError(
            f"there is no home at {current.home}; run `persona demo` first, or set PERSONA_HOME"
        )
    histories = {"users": USER_HISTORY, "products": PRODUCT_HISTORY}
    with home_in_use.writing(current.home, "restate"):
        store = DeltaStore(current.lake_root, storage_options=current.storage_options)
        for table in dict.fromkeys(histories[each] for each in what):
            if store.exists(table):
                store.overwrite(table, table.empty())
            say(f"{table.path} is empty; `persona run` fills it from what is delivered now.")
