"""What a run did and why, in a few lines.

Belongs here: the words. Does not belong here: deciding what is due (`due.py`).
"""

from collections.abc import Mapping, Sequence

from persona_assets.orchestration.runs.due import Due, Reason
from persona_assets.orchestration.runs.work import Work

_UNITS = {"daily": ("day", "days"), "weekly": ("cut-off", "cut-offs")}
# So many dates are named; more are a first and a last one.
_NAMED = 3


def summary(done: Due, cadences: Mapping[str, str]) -> list[str]:
    """One line per group of tables: how many partitions were made, and why.

    Args:
        done: path → partition key → reason.
        cadences: path → `daily`, `weekly` or `unpartitioned`.
    """
    groups: dict[str, dict[tuple[str, Reason], set[str]]] = {}
    for path, reasons in done.items():
        parts = groups.setdefault(path.partition("/")[0], {})
        for key, reason in reasons.items():
            # Tables without partitions are counted themselves.
            parts.setdefault((cadences[path], reason), set()).add(key or path)
    return [
        f"{group}: " + "; ".join(_part(*kind, sorted(keys)) for kind, keys in parts.items())
        for group, parts in groups.items()
    ]


def kept_days(todo: Work) -> list[str]:
    """What to say of days whose files have left: one line, or none."""
    gone = todo.no_longer_delivered()
    if not gone:
        return []
    number = f"{len(gone)} {'day' if len(gone) == 1 else 'days'}"
    named = ", ".join(gone) if len(gone) <= _NAMED else f"{gone[0]} to {gone[-1]}"
    return [
        f"{number} ({named}) have no rows in the files any more, and keep those that they have; "
        "--all makes every day as the files are now"
    ]


def _part(cadence: str, reason: Reason, keys: Sequence[str]) -> str:
    if cadence not in _UNITS:
        names = ", ".join(path.partition("/")[2] for path in keys)
        return f"{names} ({reason})"
    one, several = _UNITS[cadence]
    number = f"{len(keys)} {one if len(keys) == 1 else several}"
    named = ", ".join(keys) if len(keys) <= _NAMED else f"{keys[0]} to {keys[-1]}"
    return f"{number} {named} ({reason})"
