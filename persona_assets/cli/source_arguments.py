"""The source that the arguments of `persona run` describe.

Belongs here: which arguments go with which source, its calendar, and a look at a shop's files
before any work. Does not belong here: the command and its run (`run.py`), or reading (`sources/`).
"""

from datetime import date, datetime
from pathlib import Path

from persona_assets import settings as settings_module
from persona_assets.cli.output import say
from persona_assets.errors import UserError
from persona_assets.settings import SourceSettings
from persona_assets.sources.files import FilesSource
from persona_assets.sources.mapping_document import printable
from persona_assets.sources.presets import PRESETS
from persona_assets.sources.validation import (
    SAMPLE_ROWS,
    refuse_what_does_not_fit,
    validate,
)

SYNTHETIC = SourceSettings(
    name="synthetic",
    start=date(2025, 1, 1),
    end=date(2025, 3, 2),
    options={"users": 3000, "products": 1200, "seed": 7},
)
"""What `--source synthetic` is where the arguments do not say."""


def source_described(
    source: str,
    path: str | None,
    mapping: str | None,
    consent: str | None,
    most_rejected: float,
    start: datetime | None,
    end: datetime | None,
    live: bool,
    users: int | None,
    products: int | None,
    seed: int | None,
) -> tuple[SourceSettings, bool]:
    """The source that the arguments describe, and whether its user identifiers are public.

    Its calendar is read from its data where not given.
    """
    from persona_assets.sources import open_source

    takes: dict[str, dict[str, int | str | None]] = {
        "synthetic": {"users": users, "products": products, "seed": seed},
        "online_retail": {"path": path},
        "files": {"path": path, "mapping": mapping, "consent": consent},
    }
    wanted = takes.get(source, {})
    surplus = {
        "path": path,
        "mapping": mapping,
        "consent": consent,
        "users": users,
        "products": products,
    }
    for name, value in surplus.items():
        if value is not None and name not in wanted and wanted:
            raise UserError(f"--{name} does not go with --source {source}; leave it out")
    for name in ("path", "mapping"):
        if name in wanted and wanted[name] is None:
            raise UserError(f"--source {source} needs --{name}; name it")
    options = {
        name: str(Path(str(value)).absolute())
        if name in ("path", "mapping") and value not in PRESETS
        else value
        for name, value in wanted.items()
        if value is not None
    }
    for name, value in options.items():
        if not settings_module.is_text(str(value)):
            raise UserError(
                f"--{name} {printable(str(value))} is not UTF-8, and the home's settings have to "
                "name it; rename it"
            )
    defaults = SYNTHETIC if source == "synthetic" else None
    first = start.date() if start else (defaults.start if defaults else None)
    last = end.date() if end else (defaults.end if defaults and not live else None)
    if first and last and last <= first:
        raise UserError(
            f"the end {last} is not after the start {first}; pass an --end after --start (the end "
            "day is not included)"
        )
    asked = SourceSettings(source, first, last, options)  # type: ignore[arg-type]
    opened = open_source(asked, today=date.today())
    if source == "online_retail" and (start or end):
        raise UserError("--start and --end do not go with --source online_retail; leave them out")
    # Asked for even where the arguments say it: what is wrong with a file shows when it is read,
    # and that should be before anything is made.
    begins, ends = opened.start, opened.end
    if isinstance(opened, FilesSource):
        _look_at(opened, most_rejected)
    calendar = (first or begins, None if live else (last or ends))
    return SourceSettings(source, *calendar, options), opened.identifiers_are_public


def _look_at(files: FilesSource, most_rejected: float) -> None:
    """Refuse a mapping that does not fit the files, and say what reading them decided."""
    sampled = validate(files, most_rows=SAMPLE_ROWS)
    refuse_what_does_not_fit(sampled, most_rejected=most_rejected)
    for note in files.notes:
        say(f"note: {note}")
