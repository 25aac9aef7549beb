"""What `persona run` remembers of its last run, at `<home>/last_run.json`.

Belongs here: the record and its file. Does not belong here: running
(`orchestration/runs/`) or showing it (`report/`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from persona_assets import regular_files
from persona_assets.errors import DataError

FILE_NAME = "last_run.json"

Outcome = Literal["passed", "warned", "failed"]


@dataclass(frozen=True)
class CheckOutcome:
    """One check's result; `partition` is empty for an unpartitioned table."""

    asset: str
    check: str
    partition: str
    outcome: Outcome
    description: str = ""


@dataclass(frozen=True)
class RunRecord:
    """One complete run.

    `seconds` maps asset paths to the time in domain code and table I/O, `framework` is what its
    Dagster runs took beyond that, `total` the wall time (less than the sum of both where runs went
    side by side), `versions` the Delta version of each table when it ended, `files` path below the
    home and size of the plots, reports and online store that it left. `fingerprint` identifies
    code, settings and source: an equal one over unchanged tables means there is nothing to do.
    """

    started: str
    total: float
    framework: float
    seconds: Mapping[str, float]
    checks: tuple[CheckOutcome, ...]
    fingerprint: str
    versions: Mapping[str, int]
    files: Mapping[str, int] = field(default_factory=dict)


def save(home: Path, record: RunRecord) -> None:
    """Write the record whole or not at all."""
    fresh = home / f"{FILE_NAME}.new"
    fresh.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
    fresh.replace(home / FILE_NAME)


def keep_files(home: Path, record: RunRecord, files: Mapping[str, int]) -> None:
    """Remember that other `files` are there now than when the run ended."""
    save(home, replace(record, files=files))


def load(home: Path) -> RunRecord | None:
    """The last run's record, or None where no run has ended yet.

    Raises:
        DataError: the file is not a record.
    """
    path = home / FILE_NAME
    if not path.exists():
        return None
    try:
        stored = dict(json.loads(regular_files.text(path)))
        checks = tuple(CheckOutcome(**check) for check in stored.pop("checks"))
        record = RunRecord(checks=checks, **stored)
        # Read for nothing but to see that they are what they are taken for.
        _ = [dict(each) for each in (record.seconds, record.versions, record.files)]
        _ = float(record.total), float(record.framework), datetime.fromisoformat(record.started)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is not a run record ({error}); delete it and run `persona run` again"
        ) from error
    return record
