"""The source that the arguments of `persona run` describe.

Belongs here: options of the command from the declarations of all sources, and a look at a shop's
data before any work. Does not belong here: the command and its run (`run.py`), what a source takes
(its own module), or reading (`sources/`).
"""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from persona_assets import settings as settings_module
from persona_assets.cli.output import say
from persona_assets.errors import UserError
from persona_assets.settings import SourceSettings
from persona_assets.sources import SOURCES, declared, open_source
from persona_assets.sources.declaration import Declaration, Option
from persona_assets.sources.mapping_document import printable


class SourceCommand(click.Command):
    """A command that also takes `--source` and the options of every source.

    They are asked of the sources when the command is used, so a new source needs no word here.
    What the command takes itself (`--seed`) is given to the source as well, if it takes it.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options of all sources first; one that several take is there once."""
        own = super().get_params(ctx)
        taken = {each.name for each in own}
        options = [
            click.Option([f"--{name}"], type=takers[0][1].kind.type, help=_help(takers))
            for name, takers in takers_of_options().items()
            if name not in taken
        ]
        names = ", ".join(SOURCES)
        source = click.Option(["--source"], required=True, help=f"One of {names}.")
        return [source, *options, *own]


def takers_of_options() -> dict[str, list[tuple[str, Option]]]:
    """Option name → sources that take it, each with how it declares it."""
    found: dict[str, list[tuple[str, Option]]] = {}
    for name in SOURCES:
        for option in declared(name).options:
            found.setdefault(option.name, []).append((name, option))
    return found


def _help(takers: list[tuple[str, Option]]) -> str:
    """What an option is for each source that takes it."""
    meanings: dict[str, list[str]] = {}
    for source, option in takers:
        meanings.setdefault(option.help, []).append(source)
    return "; ".join(
        f"{said} ({'sources' if len(names) > 1 else 'source'} {', '.join(names)})"
        for said, names in meanings.items()
    )


def source_described(
    source: str,
    given: Mapping[str, Any],
    *,
    also: frozenset[str],
    most_rejected: float,
    start: datetime | None,
    end: datetime | None,
    live: bool,
) -> tuple[SourceSettings, bool]:
    """The source that the arguments describe, and whether its user identifiers are public.

    Its calendar is read from its data where not given.

    Args:
        source: its name.
        given: values of the options of all sources, None where one was not given.
        also: those of `given` that mean something to the command without the source as well.
        most_rejected: share of a sample's rows above which it is refused.
        start: first day.
        end: day after the last.
        live: has the calendar no end?
    """
    declaration = declared(source)
    options = _options(declaration, given, also)
    default = declaration.calendar or (None, None)
    first = start.date() if start else default[0]
    last = end.date() if end else (None if live else default[1])
    if first and last and last <= first:
        raise UserError(
            f"the end {last} is not after the start {first}; pass an --end after --start (the end "
            "day is not included)"
        )
    asked = SourceSettings(source, first, last, options)  # type: ignore[arg-type]
    opened = open_source(asked, today=date.today())
    if not declaration.takes_calendar and (start or end):
        raise UserError(f"--start and --end do not go with --source {source}; leave them out")
    # Asked for even where the arguments say it: what is wrong with a file shows when it is read,
    # and that should be before anything is made.
    begins, ends = opened.start, opened.end
    for note in declaration.look(opened, most_rejected):
        say(f"note: {note}")
    calendar = (first or begins, None if live else (last or ends))
    return SourceSettings(source, *calendar, options), opened.identifiers_are_public


def _options(
    declaration: Declaration, given: Mapping[str, Any], also: frozenset[str]
) -> dict[str, int | str]:
    """Those of `given` that go with the source; files by their absolute paths.

    Raises:
        UserError: one does not go with it, is missing, or is a path that no settings can name.
    """
    known = {option.name: option for option in declaration.options}
    stated = {name: value for name, value in given.items() if value is not None}
    for name in stated:
        if name not in known and name not in also:
            raise UserError(f"--{name} does not go with --source {declaration.name}; leave it out")
    for option in declaration.options:
        if option.needed and option.name not in stated:
            raise UserError(f"--source {declaration.name} needs --{option.name}; name it")
    options = {
        name: str(Path(str(stated[name])).absolute())
        if option.is_path(stated[name])
        else stated[name]
        for name, option in known.items()
        if name in stated
    }
    for name, value in options.items():
        if not settings_module.is_text(str(value)):
            raise UserError(
                f"--{name} {printable(str(value))} is not UTF-8, and the home's settings have to "
                "name it; rename it"
            )
    return options
