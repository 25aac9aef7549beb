"""What the page is made of: plain values, each shown by the macro of its name in the templates.

Belongs here: kinds of content. Does not belong here: markup (`templates/content.html.j2`), what the
page says (the chapters).
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from persona_assets.plotting import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Twice a screen's usual 96 px per inch would be 192; 160 is still sharp and a third smaller.
_DPI = 160
_SCREEN_DPI = 96


@dataclass(frozen=True)
class Small:
    """Small print on a line of its own, after a word in bold type if there is one."""

    text: str
    kind: str = ""
    bold: str = ""


@dataclass(frozen=True)
class Value:
    """A text with small print below it; `kind` (`bad`, `days` …) gives it a look."""

    macro: ClassVar[str] = "value"
    text: str
    small: Sequence[str | Small] = ()
    kind: str = ""


@dataclass(frozen=True)
class Bold:
    """A text in bold type."""

    macro: ClassVar[str] = "bold"
    text: str


@dataclass(frozen=True)
class Lines:
    """Texts below each other."""

    macro: ClassVar[str] = "lines"
    texts: Sequence[str]


Cell = str | Value | Bold | Lines


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the given kind: `finding`, `note`, or an ordinary one."""

    macro: ClassVar[str] = "paragraph"
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """A table whose first `left` columns hold text and the others numbers."""

    macro: ClassVar[str] = "table"
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    left: int = 1


@dataclass(frozen=True)
class Folded:
    """A table that a click on its title shows."""

    macro: ClassVar[str] = "folded"
    title: str
    table: Table


@dataclass(frozen=True)
class Picture:
    """An image: PNG in base64, its width [px] where the page has room, what it shows in words."""

    macro: ClassVar[str] = "picture"
    png: str
    width: int
    description: str


def picture(figure: "Figure", description: str) -> Picture:
    """The figure as an image, as wide as it was drawn."""
    width = round(figure.get_size_inches()[0] * _SCREEN_DPI)
    return Picture(base64.b64encode(png(figure, dpi=_DPI)).decode(), width, description)


Content = Paragraph | Table | Folded | Picture


@dataclass(frozen=True)
class Section:
    """One chapter of the page; `anchor` is its address in the table of contents."""

    anchor: str
    title: str
    body: Sequence[Content]


@dataclass(frozen=True)
class Tile:
    """One number at the head of the page; `kind` is `good`, `warn`, `bad` or none."""

    title: str
    value: str
    note: str
    kind: str = ""
