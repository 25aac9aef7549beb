"""The online store that the settings name.

Belongs here: choosing the place. Does not belong here: any place itself.
"""

from pathlib import Path

from persona_assets.serving.online.backend import Backend
from persona_assets.serving.online.lmdb_store import LmdbBackend
from persona_assets.serving.online.store import OnlineStore

FOLDER = "online"
"""Of the home: snapshots in LMDB, and the live tail."""


def open_store(home: Path, url: str | None = None, *, follow: bool = True) -> OnlineStore:
    """The store below the home, or in the Redis database that `url` names.

    Args:
        home: the shop's folder.
        url: `redis://…`; None: the home's own.
        follow: notice a newer snapshot at each read; else by `OnlineStore.refresh` alone.

    Raises:
        UserError: the URL is none of Redis', or its client is not installed.
    """
    backend: Backend
    if url is None:
        backend = LmdbBackend(home / FOLDER, follow=follow)
    else:
        from persona_assets.serving.online.redis_store import RedisBackend

        backend = RedisBackend(url)
    return OnlineStore(backend)
