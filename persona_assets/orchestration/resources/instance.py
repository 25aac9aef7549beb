"""The Dagster instance of a home: its folder, its `dagster.yaml`, and opening it.

Belongs here: what the instance of `persona run` and `persona ui` is made of. A deployment brings
its own `dagster.yaml` (the README shows one for Postgres): a file that somebody wrote or edited is
never overwritten.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from persona_assets.errors import UserError

if TYPE_CHECKING:
    import dagster as dg

# Events of a step are kept back until this many are together: a range run over 60 partitions emits
# hundreds, and each transaction costs a disk flush. A run killed in between loses only log lines.
EVENT_BATCH_SIZE = 1000

_DAGSTER_YAML = """\
# Written by persona_assets; yours to change. For Postgres see the README.
# Nothing in it holds an absolute path, so that the home can be moved: folders that are not named
# lie below this file's own.
nux:
  enabled: false
telemetry:
  enabled: false
event_log_storage:
  module: persona_assets.orchestration.resources.event_log
  class: PooledSqliteEventLogStorage
  config:
    base_dir: history/runs
concurrency:
  runs:
    max_concurrent_runs: 2
run_monitoring:
  enabled: true
"""

# What earlier versions wrote; as it is, it names folders of the place that the home was made at.
_EARLIER_YAML = """\
# Written by persona_assets once; yours to change. For Postgres see the README.
nux:
  enabled: false
telemetry:
  enabled: false
event_log_storage:
  module: persona_assets.orchestration.resources.event_log
  class: PooledSqliteEventLogStorage
  config:
    base_dir: {base}/history/runs
run_storage:
  module: dagster._core.storage.runs
  class: SqliteRunStorage
  config:
    base_dir: {base}/history
schedule_storage:
  module: dagster._core.storage.schedules
  class: SqliteScheduleStorage
  config:
    base_dir: {base}/schedules
concurrency:
  runs:
    max_concurrent_runs: 2
run_monitoring:
  enabled: true
"""

_WORKSPACE = """\
load_from:
  - python_module:
      module_name: persona_assets.definitions
      location_name: persona_assets
"""


def prepare(home: Path) -> Path:
    """Create `<home>/dagster` with its `dagster.yaml`, point `DAGSTER_HOME` at it, return it.

    A `DAGSTER_HOME` that is already set is left alone: that instance belongs to somebody.

    Raises:
        UserError: the home cannot be written.
    """
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENT_BATCH_SIZE))
    if given := os.environ.get("DAGSTER_HOME"):
        return Path(given)
    folder = home / "dagster"
    _write_once(folder / "dagster.yaml", _DAGSTER_YAML)
    _without_absolute_paths(folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


@contextmanager
def of(home: Path) -> "Iterator[dg.DagsterInstance]":
    """The instance of `home`, opened; made where it is missing.

    Raises:
        UserError: `dagster.yaml` cannot be used.
        InfrastructureError: the record of runs cannot be opened or, within the block, written:
            damaged, no room, no permission.
    """
    import dagster as dg
    from sqlalchemy.exc import DatabaseError

    from persona_assets.orchestration.resources import record_errors

    folder = prepare(home)
    with record_errors.named(folder):
        try:
            opened = dg.DagsterInstance.get()
        except (OSError, DatabaseError, sqlite3.DatabaseError):
            raise  # not the fault of what `dagster.yaml` says
        except Exception as error:
            # No YAML, no text, a class that is not there or does not take its settings.
            said = next(iter(str(error).splitlines()), "")
            raise UserError(
                f"{folder / 'dagster.yaml'} cannot be used: {type(error).__name__}: {said}; "
                "mend it, or delete it to have it written anew"
            ) from error
        with opened:
            # Opened when first used; a damaged file should show now and not within a run.
            opened.get_runs_count()
            opened.event_log_storage.get_maximum_record_id()
            opened.all_instigator_state()
            yield opened


def workspace(home: Path) -> Path:
    """The workspace file by which the web server and the daemon find the graph."""
    path = home / "workspace.yaml"
    _write_once(path, _WORKSPACE)
    return path


def _without_absolute_paths(path: Path) -> None:
    """Write `dagster.yaml` anew where it is as an earlier version of this package wrote it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return  # Dagster says what is wrong with it
    _, found, rest = text.partition("base_dir: ")
    base = rest.partition("/history/runs\n")[0]
    if found and text == _EARLIER_YAML.format(base=base):
        fresh = path.with_suffix(".new")
        fresh.write_text(_DAGSTER_YAML, encoding="utf-8")
        fresh.replace(path)


def _write_once(path: Path, text: str) -> None:
    """Write a file unless it is there: it is the user's to change."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; point PERSONA_HOME at a folder you may write "
            "to"
        ) from error
