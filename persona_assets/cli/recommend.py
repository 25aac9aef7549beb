"""The command `persona recommend`.

Belongs here: its arguments and what is printed. Does not belong here: which list a customer gets
(`serving/lists.py`).
"""

import json
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from persona_assets import settings as settings_module
from persona_assets.cli.output import answers, say
from persona_assets.errors import UserError
from persona_assets.settings import Settings

if TYPE_CHECKING:
    from persona_assets.serving import lists

DEFAULT_K = 10


@click.command()
@click.argument("customer")
@click.option("--model", help="Name of a model; default: the champion, else the best so far.")
@click.option("--k", type=click.IntRange(1), default=DEFAULT_K, show_default=True, help="At most.")
@click.option("--cutoff", type=click.DateTime(["%Y-%m-%d"]), help="Default: the newest.")
@click.option("--json", "json_asked", is_flag=True, help="The list as JSON, and nothing else.")
def recommend(
    customer: str, model: str | None, k: int, cutoff: datetime | None, json_asked: bool
) -> None:
    """Show what is recommended to CUSTOMER, who is named as the shop names them."""
    from persona_assets.orchestration.resources.build import build_store
    from persona_assets.serving import lists
    from persona_assets.serving.ruled_lists import Arranging

    current = home_with_lists()
    store = build_store(current)
    day = lists.cutoff_of(store, cutoff.date() if cutoff else None)
    found = lists.recommended(
        store,
        customer,
        key_of(current),
        cutoff=day,
        model=model,
        k=k,
        arranging=Arranging(time.time(), current.exclude, current.category_cap),
    )
    if json_asked:
        click.echo(
            json.dumps(
                {
                    "customer": customer,
                    "model": found.model,
                    "cutoff": str(found.cutoff),
                    "known": found.known,
                    "notes": list(found.notes),
                    "items": found.items.to_dicts(),
                },
                ensure_ascii=False,
                indent=2,
                allow_nan=False,
            )
        )
        return
    for note in found.notes:
        say(note, label="note")
    _print(found)


def home_with_lists() -> Settings:
    """The settings of the home that `PERSONA_HOME` names.

    Raises:
        UserError: there is no such home.
    """
    current = settings_module.load()
    if not current.home.is_dir():
        raise UserError(f"there is no home at {current.home}; run `persona demo` first")
    return current


def key_of(current: Settings) -> bytes:
    """The key of the home's hashes: whoever has it may read who is who.

    Raises:
        UserError: the key is lost, or another than the lake's.
    """
    from persona_assets.sources import open_source

    # Lists can be read where the shop's files are not, and people in files are never public.
    if current.source.name == "files":
        return current.secret_key(identifiers_are_public=False)
    source = open_source(current.source, today=datetime.now(UTC).date())
    return current.secret_key(identifiers_are_public=source.identifiers_are_public)


def _print(found: "lists.Recommended") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"{found.model}, known before {_day(found.cutoff)}"))
    table.add_column("rank", justify="right")
    table.add_column("product", overflow="fold")
    table.add_column("name", overflow="fold")
    table.add_column("price", justify="right")
    table.add_column("score", justify="right")
    for row in found.items.iter_rows(named=True):
        price = "" if row["price"] is None else f"{row['price']:,.2f}"
        table.add_row(
            str(row["rank"]),
            Text(row["product_id"]),
            Text(row["name"] or ""),
            price,
            f"{row['score']:.4g}",
        )
    answers.print(table)


def _day(cutoff: date) -> str:
    return f"{cutoff:%A} {cutoff}"
