"""The mapping of one file that a person names on the command line, with or without a mapping file.

Belongs here: what `persona benchmark FILE` and `persona segment FILE` take for granted: columns
under our own names, a mapping of columns alone, consent that is stated once. Does not belong here:
reading the file (`delivered_sections.py`), the mapping's keys (`mapping.py`).
"""

import glob
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.sources.finding import find_files
from persona_assets.sources.mapping import Mapping as ShopMapping
from persona_assets.sources.mapping import TableMapping, parsed
from persona_assets.sources.mapping_document import (
    EVERYBODY,
    for_path,
    printable,
    read_document,
    with_consent,
    without_consent,
)
from persona_assets.sources.reading import read_text
from persona_assets.sources.reading.headers import listed


def mapping_of_file(
    path: Path,
    mapping: str | Path | None,
    *,
    columns: Mapping[str, tuple[str, ...]],
    may_lack: Collection[str],
    besides: Collection[str] = (),
    consent: str | None = None,
) -> ShopMapping:
    """How the rows of a file become events.

    Args:
        path: the file; whatever `file` the mapping's `[events]` names, this one is meant, as it is
            in every other section that names the same.
        mapping: path of a TOML mapping, or name of a preset, whose `[events]` may leave out `file`,
            `event_type` and consent; None: the file has columns as in `columns`.
        columns: our column → its names in a file without a mapping, of which the first that the
            file has is taken.
        may_lack: those of `columns` that a file, and a mapping, need not have.
        besides: columns beyond those of events that are taken where the file has them.
        consent: `all` states consent for every row; without it, and without a column of it,
            whoever names the file states it.

    Raises:
        UserError: the file or mapping is missing or wrong, the file lacks a column, or consent is
            stated though the file or mapping says who consented.
    """
    if mapping is None:
        header = read_text(path, columns=()).header
        described = _of_columns(path, header, columns, may_lack, consent)
        events = described.tables["events"]
    else:
        described = _of_document(path, mapping, may_lack, consent)
        events = described.tables["events"]
        # Only the mapping knows what the content does not show: encoding, separator, sheet.
        header = read_text(
            path, options=events.format, columns=(), required=events.required_columns
        ).header
    further = {name: name for name in besides if name in header and name not in events.given}
    events = replace(
        events,
        columns={**events.columns, **further},
        optional_columns=events.optional_columns | set(further),
    )
    return ShopMapping(described.path, {**described.tables, "events": events})


def sections_beside(path: Path, described: ShopMapping) -> tuple[ShopMapping, tuple[str, ...]]:
    """The mapping without the sections of which no file is in the folder of `path`.

    A person may name a file anywhere, while the mapping speaks of a whole shop.

    Returns:
        the mapping, and a sentence for each section that is left out.
    """
    there = {
        name: section
        for name, section in described.tables.items()
        if name == "events" or find_files(path.parent, section.files, section=name).files
    }
    notes = tuple(
        f"[{name}] is left out: no file next to {path.name} matches file = {section.file}"
        for name, section in described.tables.items()
        if name not in there
    )
    return ShopMapping(described.path, there), notes


def _of_columns(
    path: Path,
    header: Collection[str],
    columns: Mapping[str, tuple[str, ...]],
    may_lack: Collection[str],
    consent: str | None,
) -> ShopMapping:
    there = {
        ours: name for ours, names in columns.items() for name in reversed(names) if name in header
    }
    if missing := [ours for ours in columns if ours not in there and ours not in may_lack]:
        raise UserError(
            f"{path} has no column {' or '.join(map(repr, columns[missing[0]]))}; its columns are "
            f"{listed(list(header))}; rename one, or pass --mapping with a TOML file whose "
            f'section [events] says {missing[0]} = "<their column>"'
        )
    if consent not in (None, EVERYBODY):
        raise UserError(
            f"--consent is {consent!r}; it can only say {EVERYBODY!r}, that everybody in the file "
            "consented; where a column says who did, call it 'consent'"
        )
    if consent is not None and "consent" in there:
        raise UserError(
            f"{path} already says who consented, in its column {there['consent']!r}; leave out "
            "--consent, or take the column out of the file"
        )
    constants = {} if "consent" in there else {"consent": "true"}
    events = TableMapping("events", (glob.escape(path.name),), there, constants=constants)
    return ShopMapping(path, {"events": events})


def _of_document(
    path: Path, mapping: str | Path, may_lack: Collection[str], consent: str | None
) -> ShopMapping:
    if not path.is_file():
        raise UserError(f"there is no file {path}; correct the path")
    _, document = for_path(path, read_document(mapping, consent=consent))
    document = with_consent(document, without_consent(document))
    return parsed(document, Path(printable(mapping)), may_lack=may_lack)
