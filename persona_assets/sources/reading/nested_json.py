"""Following paths through JSON values.

Belongs here: rows and texts from objects and lists, whether they are records of a JSON file or
texts inside the cells of another. Does not belong here: JSON files (`json_records.py`), typed
nested columns (`nested_arrow.py`), or the notation of paths (`paths.py`).

A list that is exploded gives a row for each of its elements; a list that is empty or lacks gives
one row all the same, in which the elements' fields are null: an event without a product is still
an event, and the mart's rules say what becomes of it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from persona_assets.sources.reading.paths import Element, Field, First, Path, Step, levels, written

LARGEST_SUGGESTION = 12
"""Paths that are named for one column."""


class DuplicateKeyError(ValueError):
    """An object with two fields of one name, so that neither is right for certain."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class _Nothing:
    """What is there instead of a value."""


MISSING = _Nothing()
"""The object has no such field, or the list no such element."""
UNKNOWN = _Nothing()
"""There is no object or list on the way, so that nothing says whether it would have the field."""
UNREADABLE = _Nothing()
"""There is a value, but no object or list."""

Go = Callable[[Any], Any]


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateKeyError(next(name for name in names if names.count(name) > 1))
    return fields


def _no_value(_: str) -> None:
    """What `NaN` and `Infinity` stand for: they are no JSON and no values."""


def _number(text: str) -> str:
    """A typed number is no matter of notation: with a fourth decimal, 1.234 is no thousand."""
    return f"{text}0" if _LIKE_A_THOUSAND.fullmatch(text) else text


_LIKE_A_THOUSAND = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")

DECODER = json.JSONDecoder(
    parse_int=str,
    parse_float=_number,
    parse_constant=_no_value,
    object_pairs_hook=_without_duplicates,
)
"""Numbers stay the text that they were, but for what a decimal comma would make a thousand of."""


class Walker:
    """Collects the rows of records, one after another.

    Attributes:
        values: wanted text → its values so far, a text or null per row.
        rows: for each row the number of the record that it comes from.
        present: wanted texts whose field was there in some record, whatever its value.
        missing: wanted texts whose field some record lacks.
        unreadable: wanted text → numbers of the records in which a value on the way is neither
            object nor list, and is read as null.
        nested: wanted text → paths into the object or list that was found there.

    Args:
        paths: wanted text → the path that it means.
    """

    def __init__(self, paths: Mapping[str, Path]) -> None:
        lists = levels(paths.values())
        self.values: dict[str, list[str | None]] = {text: [] for text in paths}
        self.rows: list[int] = []
        self.present: set[str] = set()
        self.missing: set[str] = set()
        self.unreadable: dict[str, list[int]] = {}
        self.nested: dict[str, tuple[str, ...]] = {}
        self._paths = dict(paths)
        self._lists: list[tuple[Go, ...]] = []
        self._leaves: list[list[tuple[str, tuple[Go, ...]]]] = [[] for _ in range(len(lists) + 1)]
        above: Path | None = None
        for each in lists:
            steps = _from(each, above)[:-1]
            self._lists.append(tuple(_go(step) for step in steps))
            above = each
        for text, path in paths.items():
            deepest = len(path.lists)
            outer = path.lists[-1] if deepest else None
            steps = _from(path, outer)
            self._leaves[deepest].append((text, tuple(_go(step) for step in steps)))

    def add(self, record: Mapping[str, Any], number: int) -> None:
        """Adds the rows of one record."""
        for row in self._expanded(0, record, number):
            for text, values in self.values.items():
                values.append(row.get(text))
            self.rows.append(number)

    def taken(self) -> tuple[dict[str, list[str | None]], list[int]]:
        """The values and rows so far, which are forgotten."""
        values, rows = self.values, self.rows
        self.values, self.rows = {text: [] for text in values}, []
        return values, rows

    def _expanded(self, level: int, node: Any, number: int) -> Iterator[dict[str, str | None]]:  # noqa: ANN401 - any JSON value
        here = {
            text: self._text(text, _follow(node, steps), number)
            for text, steps in self._leaves[level]
        }
        if level == len(self._lists):
            yield here
            return
        elements = _follow(node, self._lists[level])
        if isinstance(elements, str):
            elements = _parsed(elements)
        if not isinstance(elements, list):
            self._no_list(level, elements, number)
            elements = []
        if not elements:
            yield here
        for element in elements:
            for row in self._expanded(level + 1, element, number):
                yield here | row

    def _text(self, text: str, value: Any, number: int) -> str | None:  # noqa: ANN401
        if value is UNKNOWN:
            return None
        if value is MISSING:
            self.missing.add(text)
            return None
        if value is UNREADABLE:
            self.unreadable.setdefault(text, []).append(number)
            return None
        self.present.add(text)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, dict | list) and text not in self.nested:
            self.nested[text] = tuple(suggestions(str(self._paths[text]), value))
        return json.dumps(value, ensure_ascii=False)

    def _no_list(self, level: int, found: Any, number: int) -> None:  # noqa: ANN401
        """Notes for the columns below why there are no elements."""
        for columns in self._leaves[level + 1 :]:
            for text, _ in columns:
                if found is MISSING:
                    self.missing.add(text)
                elif found is not None and found is not UNKNOWN:
                    self.unreadable.setdefault(text, []).append(number)


def suggestions(prefix: str, value: Any) -> Iterator[str]:  # noqa: ANN401
    """Paths to what a value holds, as a mapping writes them."""
    for number, path in enumerate(dict.fromkeys(leaves(prefix, value))):
        if number == LARGEST_SUGGESTION:
            return
        yield path


def leaves(prefix: str, value: Any) -> Iterator[str]:  # noqa: ANN401
    """All paths to what a value holds, some of them several times."""
    if isinstance(value, dict) and value:
        for name, below in value.items():
            yield from leaves(f"{prefix}.{written(name)}", below)
    elif isinstance(value, list) and value:
        keyed = isinstance(value[0], dict) and {"key", "value"} <= value[0].keys()
        if keyed:
            yield from leaves(f"{prefix}[key=…].value", value[0]["value"])
        else:
            for below in value[:3]:
                yield from leaves(f"{prefix}[]", below)
    elif isinstance(value, list):
        yield f"{prefix}[]"
    else:
        yield prefix


def _from(path: Path, outer: Path | None) -> tuple[Step, ...]:
    return (Field(path.root), *path.steps) if outer is None else path.below(outer)


def _follow(node: Any, steps: Sequence[Go]) -> Any:  # noqa: ANN401
    for step in steps:
        if node is None:
            return UNKNOWN
        if isinstance(node, _Nothing):
            return node
        node = step(node)
    return node


def _go(step: Step) -> Go:
    match step:
        case Field(name):
            return lambda node: _field(node, name)
        case Element(index):
            return lambda node: _element(node, index)
        case First(key, value):
            return lambda node: _first(node, key, value)
    raise AssertionError(f"{step} is no single step")


def _field(node: Any, name: str) -> Any:  # noqa: ANN401
    if isinstance(node, str):
        node = _parsed(node)
    if isinstance(node, dict):
        return node.get(name, MISSING)
    return UNKNOWN if node is None else UNREADABLE


def _element(node: Any, index: int) -> Any:  # noqa: ANN401
    if isinstance(node, str):
        node = _parsed(node)
    if isinstance(node, list):
        return node[index] if index < len(node) else MISSING
    return UNKNOWN if node is None else UNREADABLE


def _first(node: Any, key: str, value: str) -> Any:  # noqa: ANN401
    if isinstance(node, str):
        node = _parsed(node)
    if isinstance(node, list):
        fits = (each for each in node if isinstance(each, dict) and each.get(key) == value)
        return next(fits, MISSING)
    return UNKNOWN if node is None else UNREADABLE


def _parsed(text: str) -> Any:  # noqa: ANN401
    """JSON inside a text: an object or a list, null for no text, else unreadable."""
    if not text.strip():
        return None
    try:
        value = DECODER.decode(text)
    except (json.JSONDecodeError, RecursionError):
        return UNREADABLE
    return value if isinstance(value, dict | list) or value is None else UNREADABLE
