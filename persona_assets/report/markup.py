"""HTML elements from plain texts; the only place where text becomes markup.

Belongs here: escaping and elements. Does not belong here: what the page says (`html.py`) or how it
looks (`style.py`).
"""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from persona_assets.plotting import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Twice a screen's usual 96 px per inch would be 192; 160 is still sharp and a third smaller.
_DPI = 160
_SCREEN_DPI = 96


class Markup(str):
    """Text that is HTML already; anything else is escaped."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """One chapter of the page; `anchor` is its address in the table of contents."""

    anchor: str
    title: str
    body: Sequence[Markup]


def escaped(text: str) -> Markup:
    """`text` as HTML, itself if it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(text))


def element(tag: str, *content: str, kind: str = "") -> Markup:
    """`<tag class="kind">content</tag>`."""
    attribute = f' class="{html.escape(kind)}"' if kind else ""
    return Markup(f"<{tag}{attribute}>{''.join(map(escaped, content))}</{tag}>")


def paragraph(text: str, kind: str = "") -> Markup:
    """A paragraph of the given class: `finding`, `note`, or an ordinary one."""
    return element("p", text, kind=kind)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> Markup:
    """A table whose first `left` columns hold text and the others numbers."""

    def line(tag: str, cells: Sequence[str]) -> Markup:
        texts = [
            element(tag, cell, kind="" if place < left else "number")
            for place, cell in enumerate(cells)
        ]
        return element("tr", *texts)

    head = element("thead", line("th", headers))
    body = element("tbody", *[line("td", row) for row in rows])
    return element("div", element("table", head, body), kind="wide")


def folded(title: str, content: Markup) -> Markup:
    """Content that a click on its title shows."""
    return element("details", element("summary", title), content)


def picture(figure: "Figure", description: str) -> Markup:
    """The figure as an inline image, as wide as it was drawn where the page has room.

    `description` is read to those who cannot see it.
    """
    image = base64.b64encode(png(figure, dpi=_DPI)).decode()
    width = round(figure.get_size_inches()[0] * _SCREEN_DPI)
    return Markup(
        f'<figure><img src="data:image/png;base64,{image}" width="{width}" '
        f'alt="{html.escape(description)}"></figure>'
    )


def section(chapter: Section) -> Markup:
    """The chapter under its heading."""
    anchor = html.escape(chapter.anchor)
    return Markup(
        f'<section id="{anchor}">{element("h2", chapter.title)}{"".join(chapter.body)}</section>'
    )


def contents(chapters: Sequence[Section]) -> Markup:
    """The table of contents."""
    links = [
        element(
            "li", Markup(f'<a href="#{html.escape(each.anchor)}">{html.escape(each.title)}</a>')
        )
        for each in chapters
    ]
    return element("nav", element("ol", *links))
