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


OPTIONS: dict[str, dict[str, type]] = {
    "synthetic": {"users": int, "products": int, "seed": int},
    "online_retail": {"path": str},
    "files": {"path": str, "mapping": str, "consent": str},
}
"""The options of each source and their types."""
_NEEDED = ("path", "mapping")


def open_source(settings: "SourceSettings", *, today: date) -> Source:
    """The source that `settings` describe.

    Raises:
        UserError: there is no such source, or its files or options are unusable.
    """
    if settings.name not in SOURCES:
        raise UserError(
            f"there is no source {settings.name!r}; use one of {', '.join(sorted(SOURCES))}"
        )
    _refuse_other_options(settings)
    return SOURCES[settings.name](settings, today)


def _refuse_other_options(settings: "SourceSettings") -> None:
    """Options come from a file that may have been edited, and later go to functions unseen."""
    known = OPTIONS[settings.name]
    mend = "correct [source.options] in persona.toml, or say it anew with `persona run`"
    for name, value in settings.options.items():
        if name not in known:
            raise UserError(
                f"source {settings.name} has no option {name!r}, only {', '.join(known)}; {mend}"
            )
        if type(value) is not known[name]:
            kind = "a whole number" if known[name] is int else "a text"
            raise UserError(
                f"option {name} of source {settings.name} is {value!r}, not {kind}; {mend}"
            )
    for name in _NEEDED:
        if name in known and name not in settings.options:
            raise UserError(f"source {settings.name} lacks its option {name!r}; {mend}")
