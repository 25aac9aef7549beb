"""Following paths through Arrow's typed arrays.

Belongs here: objects, lists and maps of a batch of rows, all rows at once. Does not belong here:
the texts of what is found (`typed_text.py`), JSON (`nested_json.py`) or the notation (`paths.py`).

Empty lists are treated as in `nested_json.py`: one row, in which the elements' fields are null.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from persona_assets.sources.reading.paths import (
    Element,
    Every,
    Field,
    First,
    Path,
    Step,
    levels,
    written,
)
from persona_assets.sources.reading.quotes import Offsets


def followed(
    columns: Mapping[str, pa.Array], paths: Mapping[str, Path]
) -> tuple[dict[str, pa.Array], Offsets]:
    """What wanted texts find, and for each row the position of the row that it comes from.

    Args:
        columns: the arrays of one batch by name.
        paths: wanted text → its path, whose steps the types allow (`leads_somewhere`).
    """
    lists = levels(paths.values())
    length = len(next(iter(columns.values()))) if columns else 0
    parents = np.arange(length)
    found: dict[str, pa.Array] = {}
    outer: Path | None = None
    node: pa.Array | None = None
    for inner in (*lists, None):
        here = [text for text, path in paths.items() if (path.lists or (None,))[-1] == outer]
        for text in here:
            found[text] = _walk(columns, node, paths[text], outer)
        if inner is None:
            break
        elements, of_parent = exploded(_walk(columns, node, inner, outer, last=-1))
        found = {text: pc.take(values, pa.array(of_parent)) for text, values in found.items()}
        parents, node, outer = parents[of_parent], elements, inner
    return found, parents


def exploded(lists: pa.Array) -> tuple[pa.Array, Offsets]:
    """The elements of lists and the position of each one's list; null for a list without any."""
    flat, lengths = _flat(lists)
    counts = np.maximum(lengths, 1)
    parents = np.repeat(np.arange(len(lengths)), counts)
    begins = np.cumsum(lengths) - lengths
    within = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    positions = np.repeat(begins, counts) + within
    return pc.take(flat, pa.array(positions, mask=np.repeat(lengths == 0, counts))), parents


def type_at(kind: pa.DataType, steps: tuple[Step, ...]) -> tuple[pa.DataType, tuple[Step, ...]]:
    """The type that steps lead to, and the steps that it does not allow (none: they all lead)."""
    for number, step in enumerate(steps):
        below = _below(_storage(kind), step)
        if below is None:
            return kind, steps[number:]
        kind = below
    return kind, ()


def suggestions(prefix: str, kind: pa.DataType) -> Iterator[str]:
    """Paths to what a type holds, as a mapping writes them."""
    kind = _storage(kind)
    if pa.types.is_struct(kind):
        for field in (kind.field(number) for number in range(kind.num_fields)):
            yield from suggestions(f"{prefix}.{written(field.name)}", field.type)
    elif (element := _element_type(kind)) is not None:
        inner = _storage(element)
        names = {f.name for f in inner} if pa.types.is_struct(inner) else set()
        if {"key", "value"} <= names:
            yield from suggestions(f"{prefix}[key=…].value", inner.field("value").type)
        else:
            yield from suggestions(f"{prefix}[]", element)
    else:
        yield prefix


def _walk(
    columns: Mapping[str, pa.Array],
    node: pa.Array | None,
    path: Path,
    outer: Path | None,
    last: int | None = None,
) -> pa.Array:
    values = columns[path.root] if outer is None else node
    steps = path.steps if outer is None else path.below(outer)
    for step in steps[:last]:
        values = _step(_stored(values), step)
    return _stored(values)


def _step(values: pa.Array, step: Step) -> pa.Array:
    match step:
        case Field(name):
            return pc.struct_field(values, [name])
        case Element(index):
            flat, lengths = _flat(values)
            positions = np.cumsum(lengths) - lengths + index
            return pc.take(flat, pa.array(positions, mask=lengths <= index))
        case First(key, value):
            flat, lengths = _flat(values)
            keys = pc.cast(pc.struct_field(_stored(flat), [key]), pa.string())
            hits = np.flatnonzero(pc.fill_null(pc.equal(keys, value), False).to_numpy(False))
            owners, first = np.unique(
                np.repeat(np.arange(len(lengths)), lengths)[hits], return_index=True
            )
            positions = np.zeros(len(lengths), dtype=np.int64)
            positions[owners] = hits[first]
            empty = np.ones(len(lengths), dtype=bool)
            empty[owners] = False
            return pc.take(flat, pa.array(positions, mask=empty))
    raise AssertionError(f"{step} is no single step")


def _flat(lists: pa.Array) -> tuple[pa.Array, Offsets]:
    """All elements one after another, and the length of each list (0 for null)."""
    lists = _stored(lists)
    if pa.types.is_map(lists.type):
        entry = pa.struct([("key", lists.type.key_type), ("value", lists.type.item_type)])
        lists = pc.cast(lists, pa.list_(entry))
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return pc.list_flatten(lists), lengths.astype(np.int64)


def _below(kind: pa.DataType, step: Step) -> pa.DataType | None:
    if isinstance(step, Field):
        if not pa.types.is_struct(kind) or len(kind.get_all_field_indices(step.name)) != 1:
            return None
        return kind.field(step.name).type
    element = _element_type(kind)
    if element is None or isinstance(step, Every | Element):
        return element
    inner = _storage(element)
    there = pa.types.is_struct(inner) and len(inner.get_all_field_indices(step.key)) == 1
    return element if there else None


def _element_type(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_map(kind):
        return pa.struct([("key", kind.key_type), ("value", kind.item_type)])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return kind.value_type
    return None


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _stored(values: pa.Array) -> pa.Array:
    """An extension's own values where it has steps below; as it is where it has none."""
    kind = values.type
    extension = isinstance(kind, pa.BaseExtensionType) and pa.types.is_nested(kind.storage_type)
    return values.storage if extension else values
