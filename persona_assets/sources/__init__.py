"""Where raw events come from; `SOURCES` is the table of sources.

A new source is one module that yields the raw contracts' columns, and one entry here.
"""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from persona_assets.errors import UserError
from persona_assets.sources.protocol import Source

if TYPE_CHECKING:
    from persona_assets.settings import SourceSettings

Opener = Callable[["SourceSettings", date], Source]


def _synthetic(settings: "SourceSettings", today: date) -> Source:
    from persona_assets.sources.synthetic import SyntheticShop

    end = settings.end or today + timedelta(days=1)
    return SyntheticShop(settings.start, end, **settings.options)


def _online_retail(settings: "SourceSettings", today: date) -> Source:
    from persona_assets.sources.online_retail import OnlineRetail

    return OnlineRetail(Path(settings.options["path"]))


def _files(settings: "SourceSettings", today: date) -> Source:
    from persona_assets.sources.files import FilesSource
    from persona_assets.sources.mapping import parsed
    from persona_assets.sources.mapping_document import for_path, printable, read_document

    mapping = settings.options["mapping"]
    document = read_document(mapping, consent=settings.options.get("consent"))
    folder, document = for_path(Path(settings.options["path"]), document)
    return FilesSource(
        folder,
        parsed(document, Path(printable(mapping))),
        start=settings.start,
        end=settings.end,
        today=today,
    )


SOURCES: dict[str, Opener] = {
    "synthetic": _synthetic,
    "online_retail": _online_retail,
    "files": _files,
}


def open_source(settings: "SourceSettings", *, today: date) -> Source:
    """The source that `settings` describe.

    Raises:
        UserError: there is no such source, or its files or options are unusable.
    """
    if settings.name not in SOURCES:
        raise UserError(
            f"there is no source {settings.name!r}; use one of {', '.join(sorted(SOURCES))}"
        )
    return SOURCES[settings.name](settings, today)
