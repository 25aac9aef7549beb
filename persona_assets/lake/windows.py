"""What a partition is computed from, as arithmetic on dates.

Belongs here: windows of days and weeks by their offsets. Does not belong here: which asset reads
which window (`orchestration/partitions.py`). Dagster's mappings say the same of a few partitions at
a time; over years of them they are slow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Window:
    """The partitions of an input that one partition reads.

    Attributes:
        days: length of the reading partition, 1 or 7; 0 where everything is read.
        start_offset: the first partition read, counted in reading partitions from its own.
        end_offset: likewise the last one.
        known_days: of a history without partitions, what was known so many days after the reading
            partition's key is read; None: the input is not a history.
        until: path of a weekly table; an unpartitioned asset reads nothing after the seven days
            from that table's newest cut-off.
        names: column of identifiers in a daily table at the path `named_in`. A history's rows
            count for a day, although they became known later, if the day names them.
        named_in: see `names`.
    """

    days: int = 0
    start_offset: int = 0
    end_offset: int = 0
    known_days: int | None = None
    until: str = ""
    names: str = ""
    named_in: str = ""

    def of(self, key: str) -> tuple[str, str | None]:
        """First partition key read by the partition `key`, and the one after the last."""
        if not self.days or self.known_days is not None:
            return "", None
        own = date.fromisoformat(key)
        first = own + timedelta(days=self.days * self.start_offset)
        end = own + timedelta(days=self.days * (self.end_offset + 1))
        return first.isoformat(), end.isoformat()


EVERYTHING = Window()

Windows = Mapping[str, Window]
"""Path of each input → its window."""


def week_after(cutoff: str) -> str:
    """Key of the day after the seven days from a cut-off."""
    return (date.fromisoformat(cutoff) + timedelta(days=7)).isoformat()
