"""Paths into a file's objects and lists, of which one list at most makes rows.

Belongs here: which paths there are, and which list is the one of products. Does not belong here:
the notation (`reading/paths.py`) and following paths (`reading/`).
"""

from collections.abc import Iterable, Iterator

from persona_assets.sources.inspection.column_names import role_of
from persona_assets.sources.reading import Delivered
from persona_assets.sources.reading.nested_json import DECODER, leaves
from persona_assets.sources.reading.paths import Path, ways

LOOKED_AT = 200
"""Values of a nested column in which fields are looked for."""
MOST_PATHS = 300
KEYED = "[key=…]"
"""In a path: an element that is found by its key, which nobody can guess."""


def readable_paths(delivered: Delivered) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The columns and paths to be read instead of a file's nested columns.

    Returns:
        Names and paths, None where nothing is nested; and the lists that are not read, since the
        elements of two lists do not belong together.
    """
    nested = {name: (*_paths_of(name, delivered),) for name in delivered.nested}
    if not any(nested.values()):
        return None, tuple(nested)
    inside = {path: ways(path) for paths in nested.values() for path in paths if KEYED not in path}
    understood = {path: _way(found, delivered.header) for path, found in inside.items()}
    one = _list_of_products(understood.values())
    flat = [name for name in delivered.frame.columns if name not in nested]
    read = [
        text for text, path in understood.items() if all(str(each) == one for each in path.lists)
    ]
    left = [str(path.lists[0]) for path in understood.values() if path.lists and
            str(path.lists[0]) != one]  # fmt: skip
    keyed = [path.split("[")[0] for paths in nested.values() for path in paths if KEYED in path]
    return (*flat, *read[:MOST_PATHS]), tuple(dict.fromkeys([*left, *keyed]))


def _paths_of(name: str, delivered: Delivered) -> Iterator[str]:
    """Paths into a column, from many of its values; those of a typed column are known."""
    if name not in delivered.frame.columns:
        yield from delivered.nested[name]
        return
    found: dict[str, None] = {}
    for text in delivered.frame[name].drop_nulls().head(LOOKED_AT):
        try:
            value = DECODER.decode(text)
        except (ValueError, RecursionError):
            continue
        found |= dict.fromkeys(leaves(str(Path(name)), value))
    # An empty list says nothing of the elements that others have.
    yield from (
        path
        for path in found
        if not any(other.startswith((f"{path}.", f"{path}[")) for other in found)
    )


def _way(found: tuple[Path, ...], header: tuple[str, ...]) -> Path:
    return next((way for way in found if way.root in header), found[0])


def _list_of_products(paths: Iterable[Path]) -> str | None:
    """The list whose elements look most like products."""
    scores: dict[str, float] = {}
    for path in paths:
        if len(path.lists) != 1:
            continue
        role, score = role_of(str(path))
        likely = score if role in ("product_id", "name", "unit_price", "quantity") else 0.0
        one = str(path.lists[0])
        scores[one] = max(scores.get(one, 0.0), likely + (role == "product_id"))
    return max(scores, key=lambda each: (scores[each], each), default=None)
