"""The command `persona segment`.

Belongs here: its arguments and what it prints. Does not belong here: what it does
(`segmentation/customers_file.py`).
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from persona_assets import settings
from persona_assets.errors import UserError
from persona_assets.notation import counted

if TYPE_CHECKING:
    import polars as pl

    from persona_assets.lake import DeltaStore
    from persona_assets.segmentation.customers_file import Scored
    from persona_assets.tables import Table

_ENDINGS = (".csv", ".parquet")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Default: after the last line.")
@click.option("--out", type=click.Path(path_type=Path), help="Write all customers: .csv, .parquet.")
@click.option("--mapping", help="TOML column mapping, or the name of a preset.")
@click.option("--consent", help="all: everybody in the file consented.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def segment(
    file: Path,
    as_of: datetime | None,
    out: Path | None,
    mapping: str | None,
    consent: str | None,
    as_json: bool,
) -> None:
    """Score customers from a FILE of purchase lines with the newest segmentation of the home.

    FILE is CSV, JSON, Parquet or Excel with columns user, product, timestamp, order, quantity
    and price, and optionally event, country and category. Cleaning, features and assignment are
    those of the graph. User identifiers stay as they are in FILE.
    """
    from persona_assets.lake import DeltaStore
    from persona_assets.segmentation.assignment import newest_model
    from persona_assets.segmentation.customers_file import score_file
    from persona_assets.tables.raw import PRODUCTS
    from persona_assets.tables.segmentation import SEGMENTATION_MODEL

    if out is not None and out.suffix.lower() not in _ENDINGS:
        raise UserError(f"--out {out} ends with {out.suffix!r}; use {' or '.join(_ENDINGS)}")
    current = settings.load()
    if not current.home.is_dir():
        raise UserError(
            f"there is no home at {current.home}; run `persona demo` first, or set PERSONA_HOME"
        )
    store = DeltaStore(current.lake_root, storage_options=current.storage_options)
    scored = score_file(
        file,
        newest_model(_held(store, SEGMENTATION_MODEL)),
        catalogue=_held(store, PRODUCTS),
        today=datetime.now(UTC).date(),
        as_of=as_of.date() if as_of else None,
        mapping=mapping,
        consent=consent,
    )
    if out is not None:
        _write(scored.customers, out)
    if as_json:
        click.echo(json.dumps(_told(file, scored, out), indent=2))
    else:
        _show(file, scored, out)


def _held(store: "DeltaStore", table: "Table") -> "pl.DataFrame":
    """What the lake holds of the table."""
    return store.read(table) if store.exists(table) else table.empty()


def _write(customers: "pl.DataFrame", out: Path) -> None:
    from persona_assets import csv_files

    try:
        if out.suffix.lower() == ".csv":
            csv_files.write(customers, out)
        else:
            customers.write_parquet(out)
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror}; name a file in a folder you may write to"
        ) from error


def _told(file: Path, scored: "Scored", out: Path | None) -> dict[str, object]:
    return {
        "file": file.name,
        "as_of": scored.as_of.isoformat(),
        "model": scored.trained.isoformat(),
        "lines": scored.lines,
        "lines_after_as_of": scored.later,
        "lines_rejected": dict(scored.rejected),
        "notes": list(scored.notes),
        "customers": scored.customers.height,
        "customers_without_purchase": scored.without_purchase,
        "segments": scored.sizes.to_dicts(),
        "out": None if out is None else str(out),
    }


def _show(file: Path, scored: "Scored", out: Path | None) -> None:
    click.echo(
        f"{file.name}: {counted(scored.lines, 'line')}, "
        f"{counted(scored.customers.height, 'customer')} as of {scored.as_of}, "
        f"by the segmentation of {scored.trained}"
    )
    for number, name, customers in scored.sizes.iter_rows():
        click.echo(f"{number:>3}  {name:<28} {customers:>9,}")
    click.echo(f"     {'no purchase in the year before':<28} {scored.without_purchase:>7,}")
    rejected = sum(scored.rejected.values())
    why = ", ".join(f"{rule} {lines:,}" for rule, lines in scored.rejected.items())
    click.echo(f"{counted(rejected, 'line')} rejected{f': {why}' if why else ''}")
    if scored.later:
        click.echo(f"{counted(scored.later, 'line')} of {scored.as_of} or later not looked at")
    for note in scored.notes:
        click.echo(f"note: {note}")
    if out is not None:
        click.echo(f"all customers in {out}")
