"""The commits of a Delta log, whichever engine made them.

Belongs here: listing commits and the form in which each engine keeps their metadata. Does not
belong here: what the metadata means (`commit.py`).
"""

import json
from collections.abc import Mapping
from typing import Any

from deltalake import CommitProperties, DeltaTable

from persona_assets.lake.commit import PREFIX
from persona_assets.lake.engine import Conflict

USER_METADATA = "userMetadata"
"""Where Delta for Spark keeps what a writer says of its commit: one text."""
_TOKEN = f"{PREFIX}token"
_DATA_VERSION = f"{PREFIX}data_version"
# A listing takes milliseconds, so only a crowd of writers comes between this often.
_ATTEMPTS = 12


def as_user_metadata(metadata: Mapping[str, str], token: str) -> str:
    """`metadata` as the one text that Spark writes; `token` is the commit's alone."""
    return json.dumps({**metadata, _TOKEN: token})


def commits(delta: DeltaTable, limit: int | None = None) -> list[dict[str, Any]]:
    """The newest `limit` commits, newest first, their metadata as flat keys.

    Moves `delta` to the newest version.

    Raises:
        Conflict: others wrote whenever the log was listed.
    """
    return [_flat(commit) for commit in _listed(delta, limit)]


def version_of(delta: DeltaTable, token: str) -> int:
    """The version of the commit with `token`, which was made since `delta` was loaded.

    Raises:
        Conflict: there is none: a writer that ignores others has replaced it.
    """
    for commit in _listed(delta, since=delta.version()):
        if _stored(commit).get(_TOKEN) == token:
            return int(commit["version"])
    raise Conflict("another writer replaced this commit in the Delta log")


def data_version(delta: DeltaTable) -> int:
    """The newest version that changed rows: later commits only rearranged files or properties.

    Moves `delta` to the newest version.

    Raises:
        Conflict: others wrote whenever the log was listed.
    """
    newest = _listed(delta, 1)
    return int(newest[0].get(_DATA_VERSION, delta.version())) if newest else delta.version()


def upkeep(delta: DeltaTable) -> CommitProperties:
    """What a commit that changes no rows says of itself: which version's rows it holds."""
    return CommitProperties(custom_metadata={_DATA_VERSION: str(data_version(delta))})


def _listed(
    delta: DeltaTable, limit: int | None = None, *, since: int | None = None
) -> list[dict[str, Any]]:
    """The newest `limit` commits, or all after the version `since`."""
    for _ in range(_ATTEMPTS):
        delta.update_incremental()
        version = delta.version()
        wanted = limit if since is None else version - since
        found = delta.history(wanted)
        delta.update_incremental()
        # delta-rs lists commits made since `delta` was loaded but numbers the first as its own.
        if delta.version() == version:
            return found[:wanted]
    raise Conflict("other writers changed the table whenever its history was read")


def _flat(commit: dict[str, Any]) -> dict[str, Any]:
    stored = _stored(commit)
    if not stored:
        return commit
    rest = {name: value for name, value in commit.items() if name != USER_METADATA}
    return rest | {name: value for name, value in stored.items() if name != _TOKEN}


def _stored(commit: Mapping[str, Any]) -> dict[str, Any]:
    """Our metadata in a commit of Spark; nothing where somebody else wrote it."""
    try:
        stored = json.loads(commit.get(USER_METADATA) or "")
    except json.JSONDecodeError:
        return {}
    return stored if isinstance(stored, dict) and _TOKEN in stored else {}
