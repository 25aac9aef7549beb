"""Keeping the folders of private tables to their owner, whatever the umask is.

Belongs here: modes of local files. Does not belong here: which tables are private
(`tables/contract.py`), or the access rules of an object store, which are its administrator's.

delta-rs and Spark create files as the umask says, usually readable by everybody. The table's folder
is closed before the first of them is written, so none can be reached meanwhile; afterwards each
file is closed as well, for the folder may be copied.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from persona_assets.errors import InfrastructureError

FOLDER = 0o700
FILE = 0o600


@contextmanager
def owner_only(folder: Path) -> Iterator[None]:
    """What is written to `folder` within it can be read by its owner only: 0600 in 0700.

    The folder of the table's group, which names the tables, is closed as well.

    Raises:
        InfrastructureError: the folder cannot be made, or belongs to somebody else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in (folder.parent, folder):
            _close(each, FOLDER)
    except OSError as error:
        raise InfrastructureError(
            f"{folder} holds personal data and cannot be closed to others: {error.strerror}; run "
            "this as the owner of that folder, on a file system that has permissions and room"
        ) from error
    try:
        yield
    finally:
        _close_all(folder)


def _close_all(folder: Path) -> None:
    for path, folders, files in os.walk(folder):
        for names, mode in ((folders, FOLDER), (files, FILE)):
            for name in names:
                try:
                    _close(Path(path, name), mode)
                except FileNotFoundError:  # a rival's temporary file, or vacuumed meanwhile
                    continue


def _close(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)
