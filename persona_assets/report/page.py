"""ONE self-contained page of chapters: `write_page`.

Belongs here: what every page has, and its file. Does not belong here: what a page says (`html.py`,
`experiment_page.py`), kinds of content (`content.py`), markup and style sheet (`templates/`).

A page runs no script and loads nothing: its content policy forbids both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.report.content import Section, Tile


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        title: in the browser's tab.
        heading: above all.
        outcome: one sentence for whoever reads no further.
        about: small print below it.
        tiles: numbers at its head.
        chapters: in their order.
    """

    title: str
    heading: str
    outcome: str
    about: str
    tiles: Sequence[Tile]
    chapters: Sequence[Section]


def write_page(page: Page, path: Path) -> None:
    """Write the page to `path`, whole or not at all; folders are made.

    Raises:
        UserError: `path` cannot be written.
    """
    text = rendered(page)
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise UserError(
            f"cannot write the report to {path}: {error.strerror}; name a file that you may write"
        ) from error


def rendered(page: Page) -> str:
    """The page as HTML."""
    from jinja2 import (  # the command line starts without
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    templates = Environment(
        loader=PackageLoader("persona_assets.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("page.html.j2").render(page=page)
