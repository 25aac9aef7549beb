"""The command `persona check`.

Belongs here: its arguments and what it prints. Does not belong here: what it does
(`sources/validation.py`).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from persona_assets.notation import count, counted, share

if TYPE_CHECKING:
    from persona_assets.sources.validation import Validation

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--path", required=True, type=click.Path(path_type=Path), help="Folder or file.")
@click.option("--mapping", required=True, help="TOML column mapping, or the name of a preset.")
@click.option("--consent", help="all: everybody in the files consented.")
@click.option("--all", "everything", is_flag=True, help="Every row instead of a sample.")
@click.option("--start", type=_DAY, help="First day.")
@click.option("--end", type=_DAY, help="Day after the last day.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def check(
    path: Path,
    mapping: str,
    consent: str | None,
    everything: bool,
    start: datetime | None,
    end: datetime | None,
    as_json: bool,
) -> None:
    """What would become of a shop's files: rows accepted, rows rejected, and why.

    Reads the files and cleans them as `persona run` would, and writes nothing. Of large files a
    sample is looked at, unless --all is given.
    """
    from persona_assets.sources.validation import check_files

    result = check_files(
        path,
        mapping,
        consent=consent,
        everything=everything,
        start=start.date() if start else None,
        end=end.date() if end else None,
        today=datetime.now(UTC).date(),
    )
    if as_json:
        click.echo(json.dumps(result.to_dict(), indent=2, ensure_ascii=False))
    else:
        _show(result)


def _show(result: "Validation") -> None:
    lost = result.rows - result.accepted
    click.echo(
        f"{counted(result.rows, 'row')} from {result.first} to {result.last}: "
        f"{count(result.accepted)} accepted, {count(lost)} rejected ({share(lost, result.rows)})"
    )
    kinds = ", ".join(f"{name} {count(rows)}" for name, rows in result.events.items())
    click.echo(
        f"{counted(result.users, 'user')}, {counted(result.products, 'product')}"
        f"{': ' if kinds else ''}{kinds}"
    )
    for rule, one in result.rejected.items():
        click.echo(f"{rule:<22} {one.rows:>9,}  first: {one.place}")
        for text, rows in one.texts.items():
            click.echo(f"{'':<22} {rows:>9,}  {one.column} {text!r}")
    for note in result.notes:
        click.echo(f"note: {note}")
