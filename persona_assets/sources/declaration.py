"""What a source says of itself: its options, their help, and which of them name files.

Belongs here: the declaration and what follows from it for any source. Does not belong here: a
particular source, which declares itself in its own module, or the table of them (`__init__.py`).
The options of `persona run`, their help, the refusal of those of another source, the files that the
fingerprint of a run compares and the folder that a sensor looks at all follow from declarations.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from persona_assets.errors import UserError
from persona_assets.sources.protocol import Source

if TYPE_CHECKING:
    from persona_assets.settings import SourceSettings

_MEND = "correct [source.options] in persona.toml, or say it anew with `persona run`"


class Kind(Enum):
    """What the value of an option is."""

    NUMBER = "a whole number"
    TEXT = "a text"
    FILE = "a file that tells how to read"
    DELIVERY = "the file or folder that the shop delivers into"

    @property
    def type(self) -> type[int] | type[str]:
        """Of the value."""
        return int if self is Kind.NUMBER else str

    @property
    def is_path(self) -> bool:
        """Does it name a file or folder, whose changes make days due?"""
        return self in (Kind.FILE, Kind.DELIVERY)


@dataclass(frozen=True)
class Option:
    """One option of a source: `--<name>` of `persona run`, and a key of `[source.options]`.

    Attributes:
        name: of both.
        kind: what its value is.
        help: what `persona run --help` says, without the source's name.
        needed: is there no source without it?
        words: values of a `FILE` or `DELIVERY` that are no paths.
    """

    name: str
    kind: Kind
    help: str
    needed: bool = False
    words: Collection[str] = ()

    def is_path(self, value: object) -> bool:
        """Does this value name a file or folder?"""
        return self.kind.is_path and value not in self.words


def _nothing_to_say(source: Source, most_rejected: float) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Declaration:
    """A source of raw data.

    Attributes:
        name: by which `persona run --source` selects it.
        options: what it takes.
        open: the source that settings describe, and the date of today (sources have no clock).
        calendar: first day and day after the last where nobody says; None: its data say.
        takes_calendar: may a person state other days?
        look: refuses an opened source of which too large a share of a sample would be rejected, and
            says what reading it decided; before any work.
    """

    name: str
    options: tuple[Option, ...]
    open: Callable[["SourceSettings", date], Source]
    calendar: tuple[date, date] | None = None
    takes_calendar: bool = True
    look: Callable[[Source, float], Sequence[str]] = _nothing_to_say

    def refuse_others(self, given: Mapping[str, object]) -> None:
        """Refuse options that it does not take, of another type, or that are missing.

        They come from a file that may have been edited, and later go to functions unseen.

        Raises:
            UserError: one of `given` is of no use to it, or one that it needs is not there.
        """
        known = {option.name: option for option in self.options}
        for name, value in given.items():
            if name not in known:
                names = ", ".join(known) or "none"
                raise UserError(f"source {self.name} has no option {name!r}, only {names}; {_MEND}")
            if type(value) is not known[name].kind.type:
                kind = "a whole number" if known[name].kind is Kind.NUMBER else "a text"
                raise UserError(
                    f"option {name} of source {self.name} is {value!r}, not {kind}; {_MEND}"
                )
        for option in self.options:
            if option.needed and option.name not in given:
                raise UserError(f"source {self.name} lacks its option {option.name!r}; {_MEND}")

    def paths(self, given: Mapping[str, object], *kinds: Kind) -> list[Path]:
        """The files and folders that the options name, of these kinds or, without any, of both."""
        return [
            Path(str(given[option.name]))
            for option in self.options
            if option.name in given
            and option.is_path(given[option.name])
            and (not kinds or option.kind in kinds)
        ]

    def same_shop(self, held: "SourceSettings", asked: "SourceSettings") -> bool:
        """Are these settings of it the same shop?

        One that delivers files: from the same place, however it is read. A made-up one: made alike,
        and from the same first day on, as it grows from there.
        """
        if any(option.kind is Kind.DELIVERY for option in self.options):
            where = (self.paths(each.options, Kind.DELIVERY) for each in (held, asked))
            return next(where) == next(where)
        return held.start == asked.start and dict(held.options) == dict(asked.options)
