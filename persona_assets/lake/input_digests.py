"""Digests of what each partition reads, so that a changed input is seen and an equal one is not.

Belongs here: digests of windows over partitions, and of histories as they were known. Does not
belong here: keeping them (`provenance.py`), or comparing them (`orchestration/runs/due.py`).

Of a history (`raw/user_history`, `raw/product_history`) only what was known in time counts: a
product that is listed today changes nothing that was made for the days before. There is one
exception, and `Window.names` marks it: rows of a day that name a product which was not listed yet
wait in quarantine for it.
"""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import narwhals as nw
import polars as pl

from persona_assets.lake.content_hash import row_hashes
from persona_assets.lake.provenance import Contents, Records
from persona_assets.lake.store import DeltaStore
from persona_assets.lake.windows import Window, Windows, week_after
from persona_assets.tables import TABLES

_FROM, _TO = "valid_from", "valid_to"


@dataclass(frozen=True)
class _Known:
    """A history as sums over what was known before an instant."""

    times: Sequence[datetime]
    sums: Sequence[int]

    @classmethod
    def of(cls, history: pl.DataFrame) -> "_Known":
        state = pl.Series(row_hashes(history.drop(_TO)))
        points = pl.concat(
            [
                history.select(at=_FROM).with_columns(hash=state),
                history.select(at=_TO)
                # An end is something else than a beginning.
                .with_columns(hash=pl.Series(row_hashes(history.with_columns(end=pl.lit(True)))))
                .drop_nulls("at"),
            ]
        ).sort("at")
        return cls(points["at"].to_list(), [0, *accumulate(points["hash"].to_list())])

    def digest(self, at: datetime) -> str:
        """Of everything that became known before `at`."""
        return f"known:{self.sums[bisect.bisect_left(self.times, at)] % 2**64:016x}"


@dataclass
class Kept:
    """What was last found of each history, beside the digest of that from which it was found."""

    known: dict[str, tuple[str, _Known]] = field(default_factory=dict)
    named: dict[str, tuple[str, Mapping[str, int]]] = field(default_factory=dict)


class InputDigests:
    """The digests of inputs at one moment.

    Args:
        records: what is known of the lake's partitions.
        store: the lake, for histories; None where no window is one of a history.
        kept: what earlier moments found of histories, to be used and added to.
    """

    def __init__(
        self, records: Records, store: DeltaStore | None = None, kept: Kept | None = None
    ) -> None:
        self._records = records
        self._store = store
        self._kept = kept or Kept()
        self._contents: dict[str, Contents] = {}

    def prepare(self, windows: Windows) -> None:
        """Read the histories among `windows` now rather than when they are asked for."""
        for path, window in windows.items():
            if window.known_days is not None or (window.until and not TABLES[path].partition):
                self._known(path)
            if window.names:
                self._named_early(path, window)

    def of(self, key: str, windows: Windows) -> dict[str, str]:
        """Input → digest of what the partition `key` reads of it."""
        return {path: self._digest(path, window, key) for path, window in windows.items()}

    def newest(self, path: str) -> str | None:
        """Newest partition key of the table at `path`."""
        return max(self._records.get(path, {}), default=None)

    def _digest(self, path: str, window: Window, key: str) -> str:
        if window.until:
            return self._digest_until(path, window)
        if window.known_days is None:
            return self._contents_of(path).digest(*window.of(key))
        at = date.fromisoformat(key) + timedelta(days=window.known_days)
        named = self._named_early(path, window).get(key, 0) if window.names else 0
        return self._known(path).digest(_midnight(at)) + (f"+{named:016x}" if named else "")

    def _digest_until(self, path: str, window: Window) -> str:
        newest = self.newest(window.until)
        if TABLES[path].partition is None:
            at = _midnight(date.fromisoformat(newest)) if newest else datetime.min
            return self._known(path).digest(at) if newest else ""
        return self._contents_of(path).digest("", week_after(newest) if newest else "")

    def _contents_of(self, path: str) -> Contents:
        if path not in self._contents:
            self._contents[path] = Contents(self._records.get(path, {}))
        return self._contents[path]

    def _known(self, path: str) -> _Known:
        version = self._contents_of(path).digest()
        if self._kept.known.get(path, ("",))[0] != version:
            self._kept.known[path] = (version, _Known.of(self._history(path)))
        return self._kept.known[path][1]

    def _named_early(self, path: str, window: Window) -> Mapping[str, int]:
        """Day → sum of the first states of what the day names before it was known."""
        version = " ".join(self._contents_of(each).digest() for each in (path, window.named_in))
        if self._kept.named.get(path, ("",))[0] != version:
            self._kept.named[path] = (version, self._find_named_early(path, window))
        return self._kept.named[path][1]

    def _find_named_early(self, path: str, window: Window) -> dict[str, int]:
        table, store = TABLES[window.named_in], self._store
        history = self._history(path)
        first = history.sort(_FROM).unique(window.names, keep="first", maintain_order=True)
        first = first.with_columns(hash=pl.Series(row_hashes(first.drop(_TO))))
        first = first.select(window.names, "hash", day=pl.col(_FROM).dt.date())
        listed = first["day"].min()
        later = first.filter(pl.col("day") > listed) if listed else first
        if store is None or later.is_empty() or not store.exists(table):
            return {}
        days = [date.fromisoformat(day) for day in self._records.get(table.path, {})]
        last = max(later["day"].to_list())
        rows = store.scan(table, [day for day in days if day <= last])
        named = store.engine.collect(
            rows.select(nw.col("event_date"), nw.col(window.names)).unique()
        )
        early = named.join(later, on=window.names).filter(pl.col("event_date") <= pl.col("day"))
        summed = early.group_by("event_date").agg(pl.col("hash").sum())
        return {day.isoformat(): total for day, total in summed.iter_rows()}

    def _history(self, path: str) -> pl.DataFrame:
        table = TABLES[path]
        if self._store is None or not self._store.exists(table):
            return table.empty()
        return self._store.read(table)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
