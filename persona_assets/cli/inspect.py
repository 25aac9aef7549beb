"""`persona inspect`: what is in a shop's files, and a draft of their mapping.

Belongs here: the subcommand, its table, and writing the draft to a file. Does not belong here:
looking at the files (`sources/inspection/`).
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from persona_assets.errors import UserError

if TYPE_CHECKING:
    from persona_assets.sources.inspection import Inspection

DRAFT = Path("shop.toml")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help=f"The draft (default {DRAFT}).")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and nothing else.")
def inspect(path: Path, output: Path | None, force: bool, as_json: bool) -> None:
    """What is in a shop's files, and a draft of the mapping for them.

    PATH is a folder or a file. Of large files a part is looked at. The draft says beside each
    guess why it was made; with --json it is written to a file only if --output names one.
    """
    from persona_assets.sources.inspection import inspect_files
    from persona_assets.sources.inspection.shown import as_json as to_json
    from persona_assets.sources.inspection.shown import as_text
    from persona_assets.sources.mapping_document import printable

    draft = output or (None if as_json else DRAFT)
    if draft is not None and draft.exists() and not force:
        raise UserError(
            f"{printable(draft)} is there already; name another file with --output, or replace it "
            "with --force"
        )
    found = inspect_files(path, today=datetime.now(UTC).date())
    written = _write(found, draft)
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2, ensure_ascii=False))
    else:
        click.echo(as_text(found, written))


def _write(found: "Inspection", draft: Path | None) -> Path | None:
    """Writes the draft; the file, or None if there is none."""
    if draft is None or found.draft is None:
        return None
    # Under another name first, so that no reader sees half of it.
    beside = draft.with_name(f".{draft.name}.{os.getpid()}")
    try:
        beside.write_text(found.draft.toml, encoding="utf-8")
        beside.replace(draft)
    finally:
        beside.unlink(missing_ok=True)
    return draft
