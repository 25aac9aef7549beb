"""What the commands of a home must know of each other: who writes to it, and who died doing so.

Belongs here: one writing command per home at a time, and closing the Dagster runs of killed ones
when a command begins. Does not belong here: lock files (`process_lock.py`), which run belongs to
which process (`orchestration/runs/owners.py`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from persona_assets import process_lock
from persona_assets.cli.output import say
from persona_assets.errors import InfrastructureError, UserError

LOCK_NAME = "in_use.lock"


@contextmanager
def writing(home: Path, command: str) -> Iterator[None]:
    """Within it, no other command writes to `home`.

    Two at once would compute the same partitions twice and disturb each other's commits, so the
    second one is refused rather than made to wait for hours.

    Raises:
        InfrastructureError: another command is at work.
        UserError: the home cannot be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = process_lock.take(home / LOCK_NAME)
    except OSError as error:
        raise UserError(
            f"cannot write to the home {home}: {error.strerror}; point PERSONA_HOME at a folder "
            "you may write to"
        ) from error
    if lock is None:
        raise InfrastructureError(
            f"{_holder(home)} is at work in the home {home}; wait for it, or end it and run again"
        )
    with lock:
        lock.truncate(0)
        lock.write(f"`persona {command}` (process {os.getpid()}, since {datetime.now():%H:%M:%S})")
        lock.flush()
        yield


def close_dead_runs(home: Path) -> int:
    """Close the Dagster runs of processes that were killed; how many. Cheap where there are none.

    A home that cannot be written keeps them: a command that only reads must work there.
    """
    folder = Path(os.environ.get("DAGSTER_HOME") or home / "dagster")
    try:
        if not _any_abandoned(folder / "processes"):
            return 0
        from persona_assets.orchestration.resources import instance
        from persona_assets.orchestration.runs import owners

        with instance.of(home) as opened:
            return len(owners.close_dead(opened, now=datetime.now(UTC)))
    except (InfrastructureError, UserError, OSError) as error:
        say(f"warning: runs of killed processes stay open: {error}")
        return 0


def _any_abandoned(folder: Path) -> bool:
    for path in folder.glob("*.lock"):
        with process_lock.if_abandoned(path) as abandoned:
            if abandoned:
                return True
    return False


def _holder(home: Path) -> str:
    """Who holds the lock, in the words that it left there."""
    try:
        return (home / LOCK_NAME).read_text(encoding="utf-8") or "another command"
    except (OSError, UnicodeDecodeError):
        return "another command"
