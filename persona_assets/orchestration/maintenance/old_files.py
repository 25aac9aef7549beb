"""Deleting reports, plots and logs of a home that nobody needs any more.

Belongs here: files next to the lake. Does not belong here: tables (`lake/maintenance.py`), files
that Dagster keeps (`old_runs.py`).
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from persona_assets import run_record
from persona_assets.orchestration.runs import missing
from persona_assets.tables import TABLES


def delete_old_files(home: Path, keep: timedelta, *, now: datetime) -> int:
    """Delete what is older than `keep`; how many files.

    Reports go by their cut-off, counted from the newest one of their kind, so that those of a
    history that is over stay. Plots are drawn over by later ones and go only where their table is
    no longer made; failure logs by their time.

    Args:
        home: of the settings.
        keep: age of the oldest file that stays.
        now: the time.
    """
    old = [*_reports(home / "reports", keep), *_unowned(home), *_logs(home, now - keep)]
    for file in old:
        file.unlink(missing_ok=True)
    if old and (record := run_record.load(home)):
        run_record.keep_files(home, record, missing.files_of(home))
    return len(old)


def _reports(folder: Path, keep: timedelta) -> Iterator[Path]:
    for kind in sorted(folder.glob("*/*")):
        dated = {file: day for file in kind.glob("*.html") if (day := _day(file.stem))}
        newest = max(dated.values(), default=None)
        for file, day in sorted(dated.items()):
            if newest is not None and newest - day > keep:
                yield file


def _unowned(home: Path) -> Iterator[Path]:
    for file in sorted((home / "plots").glob("*/*.png")):
        if missing.owner(file.relative_to(home).as_posix()) is None:
            yield file
    for file in sorted((home / "reports").glob("*/*/*.html")):
        group, name, _ = file.relative_to(home / "reports").parts
        if f"{group}/{name}" not in TABLES:
            yield file


def _logs(home: Path, before: datetime) -> Iterator[Path]:
    for file in sorted((home / "logs").glob("failure-*.log")):
        if file.stat().st_mtime < before.timestamp():
            yield file


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
