"""Errors of Dagster's embedded record of runs, with what to do about each.

Belongs here: telling a full or read-only disk from a damaged file. Does not belong here: opening
the record (`instance.py`) or storing events (`event_log.py`).
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from persona_assets.errors import InfrastructureError

_OF_THE_SYSTEM = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")


_named = threading.local()


class RefusedError(BaseException):
    """There is no room or permission to go on with the record; its cause is the database's error.

    No Exception: of such, Dagster prints the whole statement before it passes it on.
    """


def refused(error: DatabaseError) -> BaseException:
    """What to raise for an event that could not be stored: `error`, unless `named` waits for it."""
    if not getattr(_named, "depth", 0):
        return error
    found = RefusedError()
    found.__cause__ = error
    return found


@contextmanager
def named(folder: Path) -> Iterator[None]:
    """Within it, trouble with the record of runs in `folder` is an InfrastructureError."""
    _named.depth = getattr(_named, "depth", 0) + 1
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError, RefusedError) as raised:
        error = raised.__cause__ if isinstance(raised, RefusedError) else raised
        assert error is not None  # noqa: S101 - for the type checker
        if refused_by_the_system(error):
            raise InfrastructureError(
                f"the record of runs in {folder} cannot be written: {_brief(error)}; check room "
                "and permissions, then run it again"
            ) from error
        raise InfrastructureError(
            f"the record of runs in {folder} cannot be opened: {_brief(error)}; restore the folder "
            "from a copy, or move it aside: a new record is begun and the tables stay as they are"
        ) from error
    finally:
        _named.depth -= 1


def refused_by_the_system(error: BaseException) -> bool:
    """Is it for want of room or permission, and not the file's fault?"""
    name = getattr(_cause(error), "sqlite_errorname", None) or ""
    return name.startswith(_OF_THE_SYSTEM)


def _cause(error: BaseException) -> BaseException:
    return getattr(error, "orig", None) or error


def _brief(error: BaseException) -> str:
    """The first line of an error's own words, without the statement that SQLAlchemy appends."""
    return next(iter(str(_cause(error)).splitlines()), type(error).__name__)
