"""The command `persona rebuild`.

Belongs here: its arguments, which file a name means, and what is printed. Does not belong here:
making a training set again (`feature_store/training_sets.py`).
"""

from pathlib import Path

import click

from persona_assets import settings as settings_module
from persona_assets.cli.export import refuse_no_file, write
from persona_assets.cli.output import say
from persona_assets.settings import Settings


@click.command()
@click.argument("manifest")
@click.option("--out", type=click.Path(path_type=Path), help="Parquet file to write the rows to.")
def rebuild(manifest: str, out: Path | None) -> None:
    """Make a training set again, and fail unless it is what it was, value by value.

    MANIFEST is a file, or the name of one in <home>/feature_store/manifests. The versions of tables
    that it names stay in the lake as long as it exists, whatever maintenance deletes.
    """
    from persona_assets.feature_store import training_sets
    from persona_assets.orchestration.resources.build import build_store

    if out is not None:
        refuse_no_file(out)
    current = settings_module.load()
    made = training_sets.rebuild(build_store(current), _file(current, manifest))
    if out is not None:
        write(made.rows, out, "parquet")
    say(
        f"{made.manifest.name}: {made.rows.height:,} rows, content hash "
        f"{made.manifest.content_hash} as the manifest says{f'; in {out}' if out else ''}"
    )


def _file(current: Settings, manifest: str) -> Path:
    from persona_assets.feature_store import manifests

    given = Path(manifest)
    if given.suffix == ".json" or len(given.parts) > 1:
        return given
    return manifests.path_of(current.home, manifest)
