"""The Dagster instance of a home: its folder and its `dagster.yaml`.

Belongs here: what the instance of `persona run` and `persona ui` is made of. A deployment brings
its own `dagster.yaml` (the README shows one for Postgres): an existing file is never overwritten.
"""

import os
from pathlib import Path

from persona_assets.errors import UserError

# Events of a step are kept back until this many are together: a range run over 60 partitions emits
# hundreds, and each transaction costs a disk flush. A run killed in between loses only log lines.
EVENT_BATCH_SIZE = 1000

_DAGSTER_YAML = """\
# Written by persona_assets once; yours to change. For Postgres see the README.
nux:
  enabled: false
telemetry:
  enabled: false
event_log_storage:
  module: persona_assets.resources.event_log
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
    _write_once(folder / "dagster.yaml", _DAGSTER_YAML.format(base=folder))
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def workspace(home: Path) -> Path:
    """The workspace file by which the web server and the daemon find the graph."""
    path = home / "workspace.yaml"
    _write_once(path, _WORKSPACE)
    return path


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
