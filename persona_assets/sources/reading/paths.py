"""Paths into nested columns, as a mapping writes them.

Belongs here: the notation. Does not belong here: following a path through JSON (`nested_json.py`)
or through Arrow's arrays (`nested_arrow.py`).

`items[].item_id` is the field `item_id` of every element of the list `items`: a row for each. `a.b`
is the field `b` of the object `a`, `a[0]` the first element of a list, and
`params[key=session].value` the field `value` of the first element whose field `key` is `session`. A
name that holds `.`, `[` or `]` is put in double quotes. A column whose whole name is the text of
a path is that column.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from persona_assets.errors import UserError

MARKS = '.[]"'
STEP = re.compile(
    r"""(?P<every>\[\])
      | \[(?P<index>\d+)\]
      | \[(?P<key>[^\[\]=]+)=(?P<value>"[^"]*"|[^\]]*)\]
      | (?P<dot>\.)?(?:"(?P<quoted>[^"]+)"|(?P<name>[^.\[\]"]+))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Field:
    """The field of an object."""

    name: str


@dataclass(frozen=True)
class Element:
    """One element of a list, from 0."""

    index: int


@dataclass(frozen=True)
class First:
    """The first element of a list whose field has a value."""

    key: str
    value: str


@dataclass(frozen=True)
class Every:
    """All elements of a list, a row for each."""


Step = Field | Element | First | Every


@dataclass(frozen=True)
class Path:
    """A column and the steps into it."""

    root: str
    steps: tuple[Step, ...] = ()

    @property
    def lists(self) -> "tuple[Path, ...]":
        """The lists that it makes rows of, the outermost first."""
        ends = [n for n, step in enumerate(self.steps, start=1) if isinstance(step, Every)]
        return tuple(Path(self.root, self.steps[:end]) for end in ends)

    def below(self, outer: "Path") -> tuple[Step, ...]:
        """The steps that remain from a path that this one begins with."""
        return self.steps[len(outer.steps) :]

    def __str__(self) -> str:
        """As a mapping writes it."""
        return written(self.root) + "".join(_text(step) for step in self.steps)


def ways(text: str) -> tuple[Path, ...]:
    """All ways to understand a text, the longest name of a column first."""
    literal = Path(text)
    if not any(mark in text for mark in MARKS):
        return (literal,)
    steps, ends = _steps(text)
    below = [
        Path(_name(text[: ends[number - 1]]), steps[number:])
        for number in range(len(steps), 0, -1)
        if all(isinstance(step, Field) for step in steps[:number])
    ]
    return tuple(dict.fromkeys([literal, *below]))


def roots(texts: Iterable[str]) -> set[str]:
    """All names of columns that texts may begin with."""
    return {way.root for text in texts for way in ways(text)}


def resolved(text: str, header: Collection[str]) -> Path | None:
    """The way whose column is in a header; None if there is none."""
    return next((way for way in ways(text) if way.root in header), None)


def levels(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The lists that paths make rows of, each inside the one before.

    Raises:
        UserError: two lists of which none is inside the other.
    """
    lists = {each for path in paths for each in path.lists}
    ordered = sorted(lists, key=lambda path: (len(path.steps), str(path)))
    for outer, inner in pairwise(ordered):
        if outer not in inner.lists:
            raise UserError(
                f"{outer} and {inner} are two lists, and their elements do not belong together; "
                "map the columns of one section to one list"
            )
    return tuple(ordered)


def written(name: str) -> str:
    """A field's name as a path writes it."""
    return f'"{name}"' if any(mark in name for mark in MARKS) else name


def _text(step: Step) -> str:
    match step:
        case Field(name):
            return f".{written(name)}"
        case Element(index):
            return f"[{index}]"
        case First(key, value):
            return f"[{key}={value}]"
        case Every():
            return "[]"


def _steps(text: str) -> tuple[tuple[Step, ...], list[int]]:
    """The steps of a text and where each ends; none if it is no path."""
    steps: list[Step] = []
    ends: list[int] = []
    position = 0
    while position < len(text):
        found = STEP.match(text, position)
        if found is None or bool(found["dot"]) == (position == 0 or text[position] == "["):
            return (), []
        steps.append(_step(found))
        position = found.end()
        ends.append(position)
    return tuple(steps), ends


def _step(found: re.Match[str]) -> Step:
    if found["every"]:
        return Every()
    if found["index"]:
        return Element(int(found["index"]))
    if found["key"]:
        return First(found["key"], found["value"].strip('"'))
    return Field(found["quoted"] or found["name"])


def _name(text: str) -> str:
    whole = re.fullmatch(r'"([^"]+)"', text)
    return whole[1] if whole else text
