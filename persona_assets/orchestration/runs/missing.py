"""Lost or damaged files of a home, and the partitions that make them again.

Belongs here: looking for lost or cut files of the lake, plots, reports and the online store, and
which asset makes each. Does not belong here: whether anything changed (`fingerprint.py`), what is
due for other reasons (`due.py`), Dagster's own record (`orchestration/resources/recorded.py`), what
an intact file holds (`orchestration/checks/`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from persona_assets.errors import DataError, InfrastructureError
from persona_assets.lake import DeltaStore
from persona_assets.orchestration.runs.lineage import Node
from persona_assets.run_record import RunRecord
from persona_assets.serving.online.lmdb_store import CURRENT, SNAPSHOTS
from persona_assets.serving.online.opening import FOLDER, open_store
from persona_assets.settings import Settings
from persona_assets.tables import TABLES, collected, experiments, lifecycle
from persona_assets.tables.provenance import PARTITIONS

ONLINE_ASSETS = ("feature_store/online_snapshot", "feature_store/online_features")
"""The assets that make the online store, in their order."""
_ONLINE = f"{FOLDER}/"
_ONLINE_FILES = (CURRENT, SNAPSHOTS)
_LATEST = "latest"
_MADE_BY_RUNS = [
    path
    for path, table in TABLES.items()
    if table not in (*collected.TABLES, *lifecycle.TABLES, *experiments.ON_REQUEST)
]
# How a file that was written to its end ends.
_ENDS = {".png": b"IEND\xaeB`\x82", ".html": b"</html>"}


@dataclass(frozen=True)
class Lost:
    """Something that was there when the last run ended.

    Attributes:
        file: what is lost or not as it was, below the home or the lake.
        asset: path of the asset that makes it.
        partition: key of the partition that it is of; empty where there is none, `latest` where
            the newest one draws it.
    """

    file: str
    asset: str
    partition: str


def files_of(home: Path) -> dict[str, int]:
    """Path below the home → size of each file that runs leave next to the lake."""
    folders = [home / "plots", home / "reports", home / FOLDER]
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return {
        relative: file.stat().st_size
        for file in files
        if owner(relative := file.relative_to(home).as_posix())
    }


def lost(settings: Settings, store: DeltaStore, last: RunRecord | None) -> list[Lost]:
    """What runs left and is now lost or cut, in the lake and next to it.

    In an object store the files of the lake are not asked for one by one: there an object is
    stored whole or not at all, and a read of one that is gone fails by its name.

    Args:
        settings: of the home.
        store: its lake.
        last: what the last run left next to the lake; None: nothing that is known.

    Raises:
        DataError: a table's log cannot be read.
    """
    found = [
        Lost(
            f"{path}: {damage.file}", path, damage.partition.isoformat() if damage.partition else ""
        )
        for path in _MADE_BY_RUNS
        for damage in store.damage(TABLES[path])
    ]
    files = last.files if last else {}
    elsewhere = bool(settings.online_url) or not any(name.startswith(_ONLINE) for name in files)
    online_is_whole = elsewhere or _can_be_read(settings.home)
    for name, size in files.items():
        made_by = owner(name)
        if not made_by:
            continue
        # Its files replace each other; what counts is that the published ones are as written.
        of_online = name.startswith(_ONLINE)
        if not (online_is_whole if of_online else _is_whole(settings.home / name, size)):
            found.append(Lost(name, *made_by))
    return found


def records_are_whole(store: DeltaStore) -> bool:
    """Are the files there that say what each partition was made from?"""
    return not store.damage(PARTITIONS)


def by_partition(lost: Iterable[Lost], nodes: Sequence[Node]) -> dict[str, set[str]]:
    """Path of an asset → keys of those of its partitions in `nodes` that make what is lost."""
    calendar = {node.path: node.partitions for node in nodes if node.partitions}
    found: dict[str, set[str]] = {}
    for each in lost:
        keys = calendar.get(each.asset, ())
        key = keys[-1] if keys and each.partition == _LATEST else each.partition
        if key in keys:
            found.setdefault(each.asset, set()).add(key)
    return found


def named(lost: Sequence[Lost], *, most: int = 3) -> str:
    """What is lost, in words."""
    more = f" and {len(lost) - most} more" if len(lost) > most else ""
    return ", ".join(each.file for each in lost[:most]) + more


def owner(name: str) -> tuple[str, str] | None:
    """The asset and partition that make the file `name` of a home; None for those of commands."""
    kind, *rest = name.split("/")
    if kind == FOLDER and rest[0] in _ONLINE_FILES:
        return ONLINE_ASSETS[0], ""
    if kind == "plots" and len(rest) == 2:
        candidates = [
            path for path in _MADE_BY_RUNS if f"{rest[0]}/{rest[1]}".startswith(f"{path}_")
        ]
        return (max(candidates, key=len), _LATEST) if candidates else None
    if kind == "reports" and len(rest) == 3 and f"{rest[0]}/{rest[1]}" in _MADE_BY_RUNS:
        return f"{rest[0]}/{rest[1]}", Path(rest[2]).stem
    return None


def _is_whole(file: Path, size: int) -> bool:
    """Is the file as it was left, or written anew by somebody else since?"""
    if not file.is_file():
        return False
    if file.stat().st_size == size:
        return True
    return file.read_bytes().rstrip().endswith(_ENDS.get(file.suffix, b""))


def _can_be_read(home: Path) -> bool:
    """Is the published snapshot as it was written?"""
    try:
        open_store(home).backend.verify()
    except (DataError, InfrastructureError):
        return False
    return True
