"""Errors that nobody foresaw: one line for the person, the traceback in a file.

Belongs here: that file and that line. Does not belong here: errors that the package raises on
purpose (`errors.py`), exit codes (`cli/main.py`).
"""

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

FOLDER = "logs"


def unforeseen(error: BaseException, home: Path | None) -> str:
    """What to tell of `error`, whose traceback is now in a file below `home`.

    The error's own text stays in that file, which only its owner may read: a library's words may
    quote rows.
    """
    name = type(error).__name__
    try:
        where = f"the traceback is in {_written(error, home)}"
    except OSError as unwritable:
        where = f"its traceback could not be written ({unwritable.strerror})"
    return f"unexpected {name}{_place(error)}; {where}"


def of_the_system(error: OSError) -> str:
    """A refusal of the operating system (no room, no permission) in its own words."""
    named = f" {error.filename}" if error.filename else ""
    return (
        f"the system refused{named}: {error.strerror or type(error).__name__}; check room, "
        "permissions and whether the path is right, then run it again"
    )


def _place(error: BaseException) -> str:
    """The innermost line of this package that the error came through."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if f"{os.sep}persona_assets{os.sep}" in frame.filename
    ]
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _written(error: BaseException, home: Path | None) -> Path:
    text = "".join(traceback.format_exception(error))
    name = f"failure-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    for folder in ([home / FOLDER] if home and home.is_dir() else []) + [
        Path(tempfile.gettempdir())
    ]:
        try:
            folder.mkdir(exist_ok=True)
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError as unwritable:
            last = unwritable
        else:
            return folder / name
    raise last
