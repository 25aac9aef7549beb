"""Whether a home is up to date with its code, settings and source.

Belongs here: the digest of all that a run depends on, and comparing it with the last run's.
Does not belong here: planning (`plan.py`), executing (`execute.py`).
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from persona_assets import run_record
from persona_assets.lake import DeltaStore
from persona_assets.orchestration.resources.build import resources_of
from persona_assets.orchestration.runs.plan import PlannedRun
from persona_assets.settings import Settings
from persona_assets.sources import declared
from persona_assets.tables import TABLES
from persona_assets.tables.experiments import ON_REQUEST
from persona_assets.tables.lifecycle import TUNING_TRIALS


def up_to_date(settings: Settings, defs: dg.Definitions, planned: Sequence[PlannedRun]) -> bool:
    """Did the last run do just this with this code and source, and is it all still there?"""
    last = run_record.load(settings.home)
    return (
        last is not None
        and last.fingerprint == fingerprint(settings, defs, planned)
        and dict(last.versions) == table_versions(store_of(defs))
    )


def source_files(settings: Settings) -> str:
    """Digest of names, sizes and times of the files that the source's options name.

    To be taken before the source is read: a file that arrives meanwhile is of the next run.
    """
    source = settings.source
    files = [list(_files(path)) for path in declared(source.name).paths(source.options)]
    if settings.rules:
        files.append(list(_files(Path(settings.rules))))
    return hashlib.blake2b(repr(files).encode(), digest_size=16).hexdigest()


def fingerprint(
    settings: Settings,
    defs: dg.Definitions,
    planned: Sequence[PlannedRun],
    *,
    files: str | None = None,
) -> str:
    """Digest of code, settings, source files and partitions.

    Args:
        settings: of the home.
        defs: the graph.
        planned: all runs of the home.
        files: what `source_files` gave before the source was read; None: as they are now.
    """
    versions = {
        key.to_user_string(): version
        for asset in defs.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for key, version in asset.code_versions_by_key.items()
    }
    parts = (
        sorted(versions.items()),
        settings.source,
        settings.top_k,
        settings.exclude,
        settings.seed,
        sorted(settings.event_weights.items()),
        settings.segmentation,
        *settings.live_experiments,
        hashlib.blake2b(settings.hash_key or b"").hexdigest(),
        source_files(settings) if files is None else files,
        planned,
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _files(root: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of the source's files: enough to see that one was changed."""
    for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
        if file.is_file():
            stat = file.stat()
            yield str(file), stat.st_size, stat.st_mtime_ns


def store_of(defs: dg.Definitions) -> DeltaStore:
    """The lake of the definitions' resources."""
    return resources_of(defs)["lake"].store


def table_versions(store: DeltaStore) -> dict[str, int]:
    """Path → newest Delta version that changed rows, of each table that the graph makes."""
    # Trials change nothing that the graph makes; configurations and promotions do.
    apart = (TUNING_TRIALS, *ON_REQUEST)
    versions = {
        path: store.data_version(table) for path, table in TABLES.items() if table not in apart
    }
    return {path: version for path, version in versions.items() if version is not None}
