"""API keys: only their hashes are kept, each with what it may do and from where.

Belongs here: the form of keys, reading and comparing them. Does not belong here: HTTP headers
(`authorization.py`).

A key is 256 random bits, so that SHA-256 of it cannot be searched; a slow hash is for passwords.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from persona_assets import regular_files
from persona_assets.errors import UserError
from persona_assets.service_settings import API_KEYS, OFF

FILE_NAME = "api_keys"
SCOPES = ("read", "write", "admin")
_FORM = f"{'+'.join(SCOPES[:2])}:SHA256[:https://shop.example|https://www.shop.example]"
_ORIGIN = re.compile(r"https?://[^/?#@\s]+")


@dataclass(frozen=True)
class ApiKey:
    """One key.

    Attributes:
        scopes: what it may do: read answers, write events, or administer (which includes both).
        digest: SHA-256 of the key, 64 hexadecimal digits.
        origins: pages that may use it, as browsers name them; none: it is secret, and any may.
    """

    scopes: frozenset[str]
    digest: str
    origins: frozenset[str] = frozenset()

    def may(self, scope: str) -> bool:
        """Is the scope among those of the key?"""
        return scope in self.scopes or "admin" in self.scopes

    def line(self) -> str:
        """As it is written in a setting or file."""
        parts = ["+".join(scope for scope in SCOPES if scope in self.scopes), self.digest]
        return ":".join([*parts, *(["|".join(sorted(self.origins))] if self.origins else [])])


@dataclass(frozen=True)
class Keys:
    """All keys of a service; `off`: everybody on this machine may do everything."""

    keys: tuple[ApiKey, ...] = ()
    off: bool = False

    def of(self, given: str) -> ApiKey | None:
        """The key that was given; it takes as long for a wrong one as for a right one."""
        digest = digest_of(given)
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    @property
    def origins(self) -> frozenset[str]:
        """Pages that any key allows."""
        return frozenset().union(*(key.origins for key in self.keys))


def digest_of(key: str) -> str:
    """SHA-256 as hexadecimal digits."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def load(setting: str, home: Path) -> Keys:
    """The keys of a home.

    Args:
        setting: `PERSONA_API_KEYS`: `off`, keys separated by commas, a path; empty: see `home`.
        home: its file `api_keys`, one key a line, counts where the setting is empty.

    Raises:
        UserError: there are none, or one is not of the form.
    """
    if setting == OFF:
        return Keys(off=True)
    if setting and ":" in setting and not setting.startswith(("/", ".")):
        return Keys(tuple(_parsed(setting.split(","), API_KEYS)))
    path = Path(setting) if setting else home / FILE_NAME
    try:
        lines = regular_files.text(path).splitlines()
    except FileNotFoundError:
        lines = []
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the API keys {path}: {error}; correct {API_KEYS}") from error
    keys = tuple(_parsed(lines, str(path)))
    if not keys:
        raise UserError(
            f"there are no API keys in {path}; make one with `persona serve --new-key read+write`, "
            f"or set {API_KEYS}={OFF} for a service that this machine alone can reach"
        )
    return Keys(keys)


def new_key(home: Path, scopes: str, origins: Iterable[str] = ()) -> tuple[str, ApiKey]:
    """A new key, its hash added to the home's file; the key itself is kept nowhere.

    Raises:
        UserError: a scope or origin is none, or the file cannot be written.
    """
    text = f"{secrets.token_urlsafe(32)}"
    line = ":".join([scopes, digest_of(text), *(["|".join(origins)] if origins else [])])
    (key,) = _parsed([line], "the new key")
    path = home / FILE_NAME
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(f"{key.line()}\n")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; point PERSONA_HOME at a folder of yours"
        ) from error
    return text, key


def _parsed(lines: Iterable[str], where: str) -> Iterable[ApiKey]:
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        scopes, _, rest = text.partition(":")
        digest, _, pages = rest.partition(":")
        named = frozenset(scopes.split("+"))
        origins = frozenset(page.rstrip("/").lower() for page in pages.split("|") if page)
        # The line itself is not repeated: somebody may have put a key in place of its hash.
        if not named <= set(SCOPES):
            raise UserError(
                f"{where}, key {number}: a scope is none of {', '.join(SCOPES)}; write {_FORM}"
            )
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise UserError(
                f"{where}, key {number}: it has no SHA-256 of 64 hexadecimal digits; write {_FORM}"
            )
        if wrong := [page for page in origins if not _ORIGIN.fullmatch(page)]:
            raise UserError(f"{where}, key {number}: {wrong[0]!r} is no origin; write {_FORM}")
        yield ApiKey(named, digest, origins)
