"""Dagster's record of runs in a home: whether it is there, and what it should say of the lake.

Belongs here: looking for lost or damaged files of the embedded record, and telling a new one which
partitions there are. Does not belong here: opening it (`orchestration/resources/instance.py`),
forgetting old runs (`orchestration/maintenance/`), files that runs make (`missing.py`).
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg

from persona_assets.lake.provenance import Records
from persona_assets.orchestration.dagster_internals.graph import CODE_VERSION_TAG
from persona_assets.orchestration.dagster_internals.storage import keeps_runs_in_files
from persona_assets.orchestration.resources import instance
from persona_assets.orchestration.resources.build import resources_of

_RUNS = Path("history") / "runs.db"
_INDEX = Path("history") / "runs" / "index.db"
_FORMAT = b"SQLite format 3\0"


def complete(home: Path, folder: Path, defs: dg.Definitions) -> list[str]:
    """Put on a home's own record what it has lost and the lake knows.

    Args:
        home: the home.
        folder: DAGSTER_HOME of it, where the home keeps its own record.
        defs: the graph.

    Returns:
        A sentence for each kind of loss.

    Raises:
        InfrastructureError: the record is damaged.
    """
    whole = is_whole(folder)
    if whole and not lost_logs(folder):
        return []
    with instance.of(home) as opened:
        if not keeps_runs_in_files(opened):
            return []  # kept in a database elsewhere
        lost = lost_logs(folder)
        for run_id in lost:
            begin_log_again(opened, folder, run_id)
        told = None if whole else report_again(opened, defs)
    losses = []
    if lost:
        losses.append(f"the logs of {len(lost)} Dagster run(s), as of {lost[0]}; tables are whole")
    if told is not None:
        losses.append(f"Dagster's record of runs; a new one knows the lake's {told} partitions")
    return losses


def is_whole(folder: Path) -> bool:
    """Are the databases of runs and of assets there, and databases?

    Args:
        folder: DAGSTER_HOME of a home that keeps its own record.
    """
    return _can_be_asked(folder / _RUNS, "runs") and _can_be_asked(folder / _INDEX, "event_logs")


def lost_logs(folder: Path) -> list[str]:
    """Runs on record whose own log is gone or no database."""
    address = f"{(folder / _RUNS).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as runs:
        known = [str(run_id) for (run_id,) in runs.execute("SELECT run_id FROM runs")]
    return [
        run_id for run_id in known if not _is_database((folder / _INDEX).with_name(f"{run_id}.db"))
    ]


def begin_log_again(opened: dg.DagsterInstance, folder: Path, run_id: str) -> None:
    """An empty log in place of one that is lost; a damaged one is kept under another name."""
    file = (folder / _INDEX).with_name(f"{run_id}.db")
    if file.exists():
        file.replace(file.with_suffix(".damaged"))
    opened.all_logs(run_id)


def report_again(opened: dg.DagsterInstance, defs: dg.Definitions) -> int | None:
    """Tell Dagster of the partitions in the lake that it does not know.

    Returns:
        How many there are in the lake; None where nothing was ever made.
    """
    graph = defs.resolve_asset_graph()
    records: Records = resources_of(defs)["lake"].provenance.records()
    for path, held in records.items():
        key = dg.AssetKey(path.split("/"))
        if not graph.has(key):
            continue
        unpartitioned = graph.get(key).partitions_def is None
        known = opened.get_materialized_partitions(key)
        if unpartitioned and opened.get_latest_materialization_event(key) is not None:
            continue
        for partition, record in held.items():
            if partition in known:
                continue
            opened.report_runless_asset_event(
                dg.AssetMaterialization(
                    key,
                    partition=None if unpartitioned else partition,
                    metadata={"dagster/partition_row_count": record.rows},
                    tags={CODE_VERSION_TAG: record.code_version},
                )
            )
    return sum(map(len, records.values())) or None


def _can_be_asked(file: Path, table: str) -> bool:
    if not _is_database(file):
        return False
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            names = opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.DatabaseError:
        return False
    return (table,) in names


def _is_database(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_FORMAT)) == _FORMAT
    except FileNotFoundError:
        return False
