"""What cannot be computed from a shop's data: skipped, with its reason, without stopping the rest.

One mechanism for the whole graph:

1. A domain function that finds too little to work on raises `InsufficientDataError` with the
   reason, or returns its rows as `Partial` where only a part of them is missing. Any other
   exception is a failure.
2. Where an asset computes a partition, `attempt` turns that exception into an empty partition with
   its reason.
3. Whatever writes the table puts the reasons into the table `monitoring/skipped`
   (`monitoring/skipped.py`), and takes those out that hold no more. From there everybody has them:
   the table's `nothing_skipped` check, which warns, what is made from the table, and the report.

Belongs here: the types of the first two steps. Does not belong here: any reason (the functions that
find out).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Generic, TypeAlias, TypeVar

from persona_assets.errors import InsufficientDataError

CHECK = "nothing_skipped"
"""Name of the check that warns of what a table lacks."""

Rows = TypeVar("Rows")


@dataclass(frozen=True)
class Skipped:
    """Something that was not computed.

    Attributes:
        reason: as it is read after "skipped, because".
        part: the model, metric or column that is left out; empty: everything.
        partition: of the table; None: the one that is computed, or the table has none.
    """

    reason: str
    part: str = ""
    partition: date | None = None

    def __str__(self) -> str:
        return f"{self.part}: {self.reason}" if self.part else self.reason


@dataclass(frozen=True)
class Partial(Generic[Rows]):
    """Rows of a table, and what they lack."""

    rows: Rows
    skipped: tuple[Skipped, ...] = ()

    def also(self, skipped: Iterable[Skipped]) -> "Partial[Rows]":
        """The same rows, lacking this as well."""
        return Partial(self.rows, (*self.skipped, *skipped))

    def of(self, partition: date) -> "Partial[Rows]":
        """The same, for one partition."""
        named = (replace(each, partition=partition) for each in self.skipped)
        return Partial(self.rows, tuple(named))


Computed: TypeAlias = Rows | Partial[Rows]


def attempt(compute: Callable[[], Computed[Rows]], otherwise: Rows) -> Partial[Rows]:
    """What `compute` gives, or `otherwise` with the reason where the data are insufficient."""
    try:
        made = compute()
    except InsufficientDataError as error:
        return Partial(otherwise, (Skipped(str(error)),))
    return as_partial(made)


def as_partial(made: Computed[Rows]) -> Partial[Rows]:
    """`made` itself, or rows that lack nothing."""
    return made if isinstance(made, Partial) else Partial(made)
