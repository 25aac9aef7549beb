"""The secret behind a home's user identifiers: the file `<home>/hash_key`, made once.

Belongs here: making and reading that file. Does not belong here: hashing with it
(`transforms/pseudonyms.py`) or keys given by the environment (`settings/`).
"""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from persona_assets import regular_files
from persona_assets.errors import UserError

FILE_NAME = "hash_key"
BYTES = (16, 64)
"""Fewest and most bytes of a key: from where guessing is hopeless to where BLAKE2b's keys end."""


def of(home: Path) -> bytes:
    """The home's key; the first call makes it, readable by its owner only.

    Raises:
        UserError: the file cannot be made or read, or holds no key. A damaged key is never
            replaced: with another one everybody would get a new identifier.
    """
    path = home / FILE_NAME
    try:
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            _make(path)
        return read(path)
    except OSError as error:
        raise UserError(
            f"cannot make or read the key {path}: {error.strerror}; point PERSONA_HOME at a folder "
            "of yours, or set PERSONA_HASH_KEY"
        ) from error


def read(path: Path) -> bytes:
    """The key in the file `path`.

    Raises:
        OSError: the file cannot be read.
        UserError: it holds no key.
    """
    key = regular_files.read(path)
    if not BYTES[0] <= len(key) <= BYTES[1]:
        raise UserError(
            f"the key {path} has {len(key)} bytes, not {BYTES[0]} to {BYTES[1]}; restore it from a "
            "copy (with another key everybody gets a new identifier)"
        )
    return key


def _make(path: Path) -> None:
    """Put a new key at `path`, whole, unless another run was faster."""
    descriptor, fresh = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(32).encode())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        Path(fresh).unlink()
