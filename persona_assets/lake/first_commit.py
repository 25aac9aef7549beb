"""The first commit of a table in a local folder, which says nothing of where the folder is.

Belongs here: putting that commit in its place. Does not belong here: what a table is created with
(`place.py`).

delta-rs writes the absolute path of a new table into its log (`operationParameters.location`),
where it would stay wrong after a home is moved, and tell others whose it was.
"""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

LOG = "_delta_log"
FIRST = f"{0:020}.json"


def create_without_location(folder: Path, create: Callable[[str], object]) -> None:
    """Creates a table in `folder`, unless there is one.

    Of rivals one creates it: a hard link is made whole or not at all.

    Args:
        folder: the table's; it is made where there is none.
        create: creates the table in the folder that it is given, with one commit.

    Raises:
        OSError: the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="persona-table-") as elsewhere:
        create(elsewhere)
        commit = Path(elsewhere, LOG, FIRST).read_text(encoding="utf-8")
    log = folder / LOG
    log.mkdir(parents=True, exist_ok=True)
    own = log / f"_commit_{uuid4()}.json.tmp"  # delta-rs's name for what readers pass over
    try:
        own.write_text(without_location(commit), encoding="utf-8")
        os.link(own, log / FIRST)
    except FileExistsError:
        return  # a rival's, which is as good
    finally:
        own.unlink(missing_ok=True)


def without_location(commit: str) -> str:
    """The lines of a commit, without the place of the table."""
    lines = []
    for line in commit.splitlines():
        action = json.loads(line)
        if "commitInfo" in action:
            action["commitInfo"].get("operationParameters", {}).pop("location", None)
        lines.append(json.dumps(action, separators=(",", ":")))
    return "\n".join(lines)
