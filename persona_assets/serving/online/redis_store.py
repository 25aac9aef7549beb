r"""Snapshots in Redis, or what speaks its protocol: for services on several machines.

Belongs here: keys, the scripts that run in the server, what its failures mean. Does not belong
here: what the bytes mean (`store.py`).

One key a row: `persona:online:<snapshot>:<view>\0<identifier>`. `persona:online:current` names the
snapshot to read; pointer and rows are read by one script, so a reader never sees two snapshots at
once. A database holds one home. It must not evict keys (`maxmemory-policy noeviction`): an evicted
row would look like an unknown entity.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from persona_assets.errors import DataError, InfrastructureError, UserError
from persona_assets.serving.online.backend import GRACE_S
from persona_assets.serving.online.manifest import Manifest
from persona_assets.serving.online.packing import AGAIN
from persona_assets.serving.online.store import nothing_at

_ROOT = b"persona:online:"
_CURRENT, _STAGED, _MADE = _ROOT + b"current", _ROOT + b"staged", _ROOT + b"made"
_MANIFEST = b"manifest:"
_TIMEOUT_S = 5
_AT_ONCE = 1_000
ABANDONED_S = 3_600
"""A snapshot that is neither read nor staged is unfinished: its writer was killed, or is at it. So
long after its begin it counts as abandoned."""

_FETCH = """
local name = redis.call('GET', KEYS[1])
if not name then return {} end
local answer = {name}
for i, key in ipairs(ARGV) do
  answer[i + 1] = redis.call('GET', 'persona:online:' .. name .. ':' .. key)
end
return answer
"""
# Byte by byte, since Lua compares texts by the server's language. Times begin at byte 17; what
# follows them decides between rows of equal times, and the checksum before them comes last.
_PUT = """
local function newer(one, other)
  for _, first in ipairs({17, 1}) do
    for i = first, math.max(#one, #other) do
      local a, b = one:byte(i) or -1, other:byte(i) or -1
      if a ~= b then return a > b end
    end
  end
  return false
end
local added = 0
for i, key in ipairs(KEYS) do
  local held = redis.call('GET', key)
  if not held then added = added + 1 end
  if not held or newer(ARGV[i], held) then redis.call('SET', key, ARGV[i]) end
end
return added
"""
_PUBLISH = """
local staged = redis.call('GET', KEYS[1])
if not staged then return 'none' end
local pointed = cjson.decode(staged)
if not pointed.approved then return 'unapproved' end
local before = redis.call('GET', KEYS[2])
if before and before ~= pointed.snapshot then redis.call('HSET', KEYS[3], before, ARGV[1]) end
redis.call('SET', KEYS[2], pointed.snapshot)
redis.call('DEL', KEYS[1])
return 'done:' .. pointed.snapshot
"""


class RedisBackend:
    """Snapshots in the database that a URL names. Threads may share one.

    Args:
        url: `redis://[user:password@]host[:port][/database]`, or `rediss://`.

    Raises:
        UserError: the URL is none, or the client is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError as error:
            raise UserError(
                "PERSONA_ONLINE_URL names Redis, and its client is not installed; "
                "`pip install 'persona_assets[redis]'`"
            ) from error
        self._errors = redis.RedisError
        try:
            parts = urlsplit(url)
            self._where = f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}{parts.path}"
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S
            )
        except ValueError:
            # The error may repeat the URL, and with it the password.
            raise UserError(
                "PERSONA_ONLINE_URL is not the address of a Redis database; set e.g. "
                "redis://host:6379/0"
            ) from None
        self._fetch = self._client.register_script(_FETCH)
        self._put = self._client.register_script(_PUT)
        self._publish = self._client.register_script(_PUBLISH)
        self._manifests: dict[bytes, Manifest] = {}

    @property
    def where(self) -> str:
        """Host, port and database."""
        return self._where

    def fetch(self, keys: Sequence[bytes]) -> tuple[Manifest, list[bytes | None]]:
        """See `Backend.fetch`."""
        with self._naming_failures():
            answer: list[Any] = self._fetch(keys=[_CURRENT], args=keys)
        if not answer:
            raise nothing_at(self.where, "published")
        name, *records = answer
        return self._manifest(name), records

    def fetch_staged(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Backend.fetch_staged`."""
        prefix = _rows(self._required(staged=True))
        with self._naming_failures():
            return list(self._client.mget([prefix + key for key in keys])) if keys else []

    def refresh(self) -> bool:
        """See `Backend.refresh`."""
        return self._required(staged=False) not in self._manifests

    def scan(self, prefix: bytes, *, staged: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """See `Backend.scan`."""
        beginning = _rows(self._required(staged=staged)) + prefix
        with self._naming_failures():
            # A key may be scanned twice, and those of long identifiers are arbitrary bytes.
            found = sorted(set(self._client.scan_iter(_literally(beginning), count=_AT_ONCE)))
        for start in range(0, len(found), _AT_ONCE):
            keys = found[start : start + _AT_ONCE]
            with self._naming_failures():
                records = self._client.mget(keys)
            for key, record in zip(keys, records, strict=True):
                if record is None:
                    raise DataError(
                        f"a row of the online store {self.where} is lost; let no key be evicted "
                        f"(maxmemory-policy noeviction), and {AGAIN}"
                    )
                yield key[len(beginning) :], record

    def manifest(self, *, staged: bool = False) -> Manifest | None:
        """See `Backend.manifest`."""
        name = self._name(staged=staged)
        return None if name is None else self._manifest(name)

    @contextmanager
    def staging(self, name: str) -> Iterator["RedisStaging"]:
        """See `Backend.staging`."""
        self._remove_old()
        with self._naming_failures():
            self._client.hset(_MADE, name, str(time.time() + ABANDONED_S - GRACE_S))
        staging = RedisStaging(self, name)
        try:
            yield staging
        except BaseException:
            self._remove(name.encode())
            raise

    def approve(self, name: str) -> None:
        """See `Backend.approve`."""
        if self._name(staged=True) != name.encode():
            raise DataError(f"the snapshot {name} is not staged any more in {self.where}; {AGAIN}")
        with self._naming_failures():
            self._client.set(_STAGED, json.dumps({"snapshot": name, "approved": True}))

    def publish(self) -> Manifest:
        """See `Backend.publish`."""
        with self._naming_failures():
            answer = self._publish(keys=[_STAGED, _CURRENT, _MADE], args=[str(time.time())])
        if answer == b"none":
            raise nothing_at(self.where, "staged")
        if answer == b"unapproved":
            raise DataError(
                f"the staged snapshot in {self.where} was not compared with its tables; run the "
                "check parity of feature_store/online_snapshot"
            )
        self._remove_old()
        return self._manifest(answer.removeprefix(b"done:"))

    def verify(self) -> None:
        """See `Backend.verify`; as many rows as the manifest says."""
        manifest = self._manifest(self._required(staged=False))
        for name, view in manifest.views.items():
            rows = sum(1 for _ in self.scan(name.encode() + b"\0"))
            if rows != view.rows:
                raise DataError(
                    f"the online store {self.where} has {rows} rows of {name} and not "
                    f"{view.rows}; {AGAIN}"
                )

    def clear(self) -> None:
        """See `Backend.clear`."""
        with self._naming_failures():
            keys = list(self._client.scan_iter(_literally(_ROOT), count=_AT_ONCE))
            for start in range(0, len(keys), _AT_ONCE):
                self._client.unlink(*keys[start : start + _AT_ONCE])

    def put(self, name: str, entries: Sequence[tuple[bytes, bytes]]) -> int:
        """Store rows of the snapshot `name`; see `Staging.put`."""
        prefix, added = _rows(name.encode()), 0
        with self._naming_failures():
            for start in range(0, len(entries), _AT_ONCE):
                part = entries[start : start + _AT_ONCE]
                keys = [prefix + key for key, _ in part]
                added += int(self._put(keys=keys, args=[record for _, record in part]))
        return added

    def stage(self, name: str, manifest: Manifest) -> None:
        """Keep the manifest, and point to the snapshot as the staged one."""
        pointer = json.dumps({"snapshot": name, "approved": False})
        with self._naming_failures():
            pipeline = self._client.pipeline(transaction=True)
            pipeline.set(_ROOT + _MANIFEST + name.encode(), manifest.dumps())
            pipeline.set(_STAGED, pointer)
            pipeline.execute()

    def _name(self, *, staged: bool) -> bytes | None:
        with self._naming_failures():
            pointer: Any = self._client.get(_STAGED if staged else _CURRENT)
        if pointer is None or not staged:
            return pointer if pointer is None else bytes(pointer)
        return str(json.loads(pointer)["snapshot"]).encode()

    def _required(self, *, staged: bool) -> bytes:
        name = self._name(staged=staged)
        if name is None:
            raise nothing_at(self.where, "staged" if staged else "published")
        return name

    def _manifest(self, name: bytes) -> Manifest:
        found = self._manifests.get(name)
        if found is None:
            with self._naming_failures():
                stored: Any = self._client.get(_ROOT + _MANIFEST + name)
            if stored is None:
                raise DataError(f"the manifest of a snapshot in {self.where} is lost; {AGAIN}")
            found = Manifest.loads(stored, self.where)
            self._manifests = {name: found, **dict(list(self._manifests.items())[:10])}
        return found

    def _remove_old(self) -> None:
        kept = {self._name(staged=False), self._name(staged=True)}
        with self._naming_failures():
            made: dict[bytes, bytes] = self._client.hgetall(_MADE)
        for name, since in made.items():
            if name not in kept and time.time() - float(since) >= GRACE_S:
                self._remove(name)

    def _remove(self, name: bytes) -> None:
        with self._naming_failures():
            keys = list(self._client.scan_iter(_literally(_rows(name)), count=_AT_ONCE))
            for start in range(0, len(keys), _AT_ONCE):
                self._client.unlink(*keys[start : start + _AT_ONCE])
            self._client.unlink(_ROOT + _MANIFEST + name)
            self._client.hdel(_MADE, name)

    @contextmanager
    def _naming_failures(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise InfrastructureError(
                f"cannot use the online store {self.where}: {type(error).__name__}: {error}; check "
                "the server, its memory and PERSONA_ONLINE_URL"
            ) from error


class RedisStaging:
    """A snapshot's keys while they are written."""

    def __init__(self, backend: RedisBackend, name: str) -> None:
        self.name = name
        self._backend = backend

    def put(self, entries: Sequence[tuple[bytes, bytes]]) -> int:
        """See `Staging.put`."""
        return self._backend.put(self.name, entries)

    def finish(self, manifest: Manifest) -> None:
        """See `Staging.finish`."""
        self._backend.stage(self.name, manifest)


def _rows(name: bytes) -> bytes:
    return _ROOT + name + b":"


def _literally(prefix: bytes) -> bytes:
    """The pattern of keys that begin with `prefix`."""
    special = b"*?[]\\^"
    return b"".join(b"\\" + bytes([b]) if b in special else bytes([b]) for b in prefix) + b"*"
