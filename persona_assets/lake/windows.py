"""Which partitions of an input a partition is computed from, as arithmetic on dates.

Belongs here: windows of days and weeks by their offsets. Does not belong here: which asset reads
which window (`partitions.py`). Dagster's mappings say the same of a few partitions at a time; over
years of them they are slow.
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
    """

    days: int = 0
    start_offset: int = 0
    end_offset: int = 0

    def of(self, key: str) -> tuple[str, str | None]:
        """First partition key read by the partition `key`, and the one after the last."""
        if not self.days:
            return "", None
        own = date.fromisoformat(key)
        first = own + timedelta(days=self.days * self.start_offset)
        end = own + timedelta(days=self.days * (self.end_offset + 1))
        return first.isoformat(), end.isoformat()

    @property
    def same(self) -> bool:
        """Does a partition read its own namesake alone?"""
        return bool(self.days) and self.start_offset == self.end_offset == 0


EVERYTHING = Window()

Windows = Mapping[str, Window]
"""Path of each input → its window."""
