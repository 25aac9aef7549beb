"""Where raw events come from; `SOURCES` is the table of sources.

A new source is one module that yields the raw contracts' columns and declares its options
(`declaration.py`), and one entry here.
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from persona_assets.errors import UserError
from persona_assets.sources.declaration import Declaration
from persona_assets.sources.protocol import Source

if TYPE_CHECKING:
    from persona_assets.settings import SourceSettings


def _synthetic() -> Declaration:
    from persona_assets.sources.synthetic import SYNTHETIC

    return SYNTHETIC


def _online_retail() -> Declaration:
    from persona_assets.sources.online_retail import ONLINE_RETAIL

    return ONLINE_RETAIL


def _files() -> Declaration:
    from persona_assets.sources.files import FILES

    return FILES


# Functions, so that a source is imported when it is asked for.
SOURCES: dict[str, Callable[[], Declaration]] = {
    "synthetic": _synthetic,
    "online_retail": _online_retail,
    "files": _files,
}
"""Name → what the source says of itself."""


def declared(name: str) -> Declaration:
    """The source of that name; UserError where there is none."""
    if name not in SOURCES:
        raise UserError(f"there is no source {name!r}; use one of {', '.join(sorted(SOURCES))}")
    return SOURCES[name]()


def open_source(settings: "SourceSettings", *, today: date) -> Source:
    """The source that `settings` describe.

    Raises:
        UserError: there is no such source, or its files or options are unusable.
    """
    declaration = declared(settings.name)
    declaration.refuse_others(settings.options)
    return declaration.open(settings, today)
