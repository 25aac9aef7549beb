"""The command `persona export`.

Belongs here: its arguments and writing the file. Does not belong here: the rows
(`serving/lists.py`), escaping of formulas (`csv_files.py`).
"""

import os
import tempfile
import time
from datetime import datetime
from pathlib import Path

import click
import polars as pl

from persona_assets import csv_files
from persona_assets.cli.output import say
from persona_assets.cli.recommend import home_with_lists, key_of
from persona_assets.errors import UserError


@click.command()
@click.argument("what", type=click.Choice(["served", "top_k"]))
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write.")
@click.option("--model", help="Only this model's lists.")
@click.option("--cutoff", type=click.DateTime(["%Y-%m-%d"]), help="Default: the newest.")
@click.option("--hashed", is_flag=True, help="Keep the keyed hashes; then no key is needed.")
def export(
    what: str, form: str, out: Path, model: str | None, cutoff: datetime | None, hashed: bool
) -> None:
    """Write the lists with the shop's own identifiers of customers.

    `served` is what shoppers get, the champion's lists by the shop's rules of now; `top_k` has
    those of all models, without rules. They take the home's hash key, and the file can be read by
    its owner only. A `customer` * is the list for people without history.
    """
    from persona_assets.orchestration.resources.build import build_store
    from persona_assets.serving import lists
    from persona_assets.serving.ruled_lists import Arranging

    refuse_no_file(out)
    current = home_with_lists()
    store = build_store(current)
    key = None if hashed else key_of(current)
    if what == "served":
        if model or cutoff:
            raise UserError("served has one model at one cut-off; for others export top_k")
        rows = lists.served_lists(
            store, Arranging(time.time(), current.exclude, current.category_cap)
        )
        day = rows["cutoff"][0]
    else:
        day = lists.cutoff_of(store, cutoff.date() if cutoff else None)
        rows = lists.all_lists(store, day, [lists.model_of(store, day, model)] if model else [])
    if key is not None:
        rows = lists.with_customers(store, rows, key)
        if unknown := rows.filter(pl.col("customer").is_null())["customer"].len():
            say(
                f"{unknown:,} rows are of people who are not in the raw tables: empty", label="note"
            )
    write(rows, out, form)
    say(f"{rows.height:,} rows of {what} at {day} in {out}")


def refuse_no_file(out: Path) -> None:
    """Raise UserError where nothing can be written to `out`."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise UserError(f"--out {out} is a folder, or in none that exists; name a file")


def write(rows: pl.DataFrame, out: Path, form: str) -> None:
    """The rows as a file `csv` or `parquet`: whole or not at all, and for its owner only.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.absolute().parent)
        os.close(descriptor)  # made with mode 0600
        fresh = Path(name)
        try:
            if form == "csv":
                csv_files.write(rows, fresh)
            else:
                rows.write_parquet(fresh)
            fresh.replace(out)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write {out}: {error.strerror or error}; name another --out"
        ) from error
