"""The command `persona rekey`.

Belongs here: which key is the old and which the new one, and what is printed. Does not belong here:
changing tables (`lake/rekey.py`), computing them again (`orchestration/runs/`).
"""

import shutil
from datetime import date
from pathlib import Path

import click

from persona_assets import hash_key, run_record
from persona_assets import settings as settings_module
from persona_assets.cli import home_in_use
from persona_assets.cli.output import say
from persona_assets.cli.run import DEFAULT_WEEKS, compute
from persona_assets.errors import UserError
from persona_assets.settings import PUBLIC_HASH_KEY, Settings


@click.command()
@click.option("--old-key-file", type=click.Path(path_type=Path), help="File of the lake's key.")
@click.option("--from-raw", is_flag=True, help="The old key is lost: compute everything anew.")
@click.option(
    "--weeks", type=int, default=DEFAULT_WEEKS, show_default=True, help="With --from-raw."
)
def rekey(old_key_file: Path | None, from_raw: bool, weeks: int) -> None:
    """Move the lake to another hash key.

    The new key is the home's: PERSONA_HASH_KEY or the file hash_key, made where it is missing. The
    old one is in a file (--old-key-file), in PERSONA_OLD_HASH_KEY, or lost (--from-raw): then all
    that was computed from the raw tables is emptied and computed again from them. A command that
    was ended before it was done goes on where it stopped.
    """
    from persona_assets.lake import DeltaStore
    from persona_assets.lake import rekey as domain
    from persona_assets.orchestration.resources import instance
    from persona_assets.serving.bring_in import bring_in

    current = settings_module.load()
    if not current.home.is_dir():
        raise UserError(f"there is no home at {current.home}; run `persona demo` first")
    old = _old_key(current, old_key_file)
    if (old is None) != from_raw:
        raise UserError(
            "name the lake's present key by --old-key-file or PERSONA_OLD_HASH_KEY, or say "
            "--from-raw if it is lost; one of them"
        )
    with home_in_use.writing(current.home, "rekey"):
        new = _new_key(current)
        store = DeltaStore(current.lake_root, storage_options=current.storage_options)
        # What is still in the logs would keep the old hashes.
        bring_in(current.home, store, to_the_end=True)
        if old is not None:
            domain.rehash(store, old, new, listener=lambda path: say(f"{path}: hashed again"))
            _forget_online(current)
            say("The lake is on the new key. `persona run` makes what is derived from it.")
            return
        # What would stop the run that fills the tables again should do so while they are full.
        run_record.load(current.home)
        with instance.of(current.home):
            pass
        domain.empty(store, new, listener=lambda path: say(f"{path}: emptied"))
        _forget_online(current)
        compute(current, weeks=weeks)


def _forget_online(current: Settings) -> None:
    """Remove the online store, whose identifiers are old; a run makes it from the tables."""
    from persona_assets.serving.online.opening import FOLDER, open_store

    open_store(current.home, current.online_url or None).backend.clear()
    # With the live tail: the log that it is filled from was ingested before.
    shutil.rmtree(current.home / FOLDER, ignore_errors=True)


def _old_key(current: Settings, file: Path | None) -> bytes | None:
    if file is None:
        return current.old_hash_key
    try:
        return hash_key.read(file)
    except OSError as error:
        raise UserError(
            f"cannot read the old key {file}: {error.strerror}; correct --old-key-file"
        ) from error


def _new_key(current: Settings) -> bytes:
    """The key that the home has now."""
    from persona_assets.sources import open_source

    if current.hash_key is not None:
        return current.hash_key
    if open_source(current.source, today=date.today()).identifiers_are_public:
        return PUBLIC_HASH_KEY
    return hash_key.of(current.home)
