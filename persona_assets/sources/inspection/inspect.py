"""The whole look: from a path to what is there, a draft, and how much of it would be readable.

Belongs here: the order of the steps and the result. Does not belong here: any of the steps.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from persona_assets.errors import UserError
from persona_assets.notation import counted
from persona_assets.sources.finding import FoundFile, find_files
from persona_assets.sources.inspection.drafts import Draft, draft_of_export, draft_of_sections
from persona_assets.sources.inspection.excerpts import MOST_BYTES, Excerpt, excerpt
from persona_assets.sources.inspection.known_exports import (
    KnownExport,
    is_online_retail,
    known_export,
)
from persona_assets.sources.inspection.patterns import pattern_for
from persona_assets.sources.inspection.roles import KnownTable, known_table
from persona_assets.sources.inspection.same_columns import ReadFiles, read_files
from persona_assets.sources.inspection.sections import Section, sections_of
from persona_assets.sources.mapping_document import printable
from persona_assets.sources.validation import Validation, check_files


@dataclass(frozen=True)
class Inspection:
    """What is in the files of a shop.

    Attributes:
        path: what was looked at.
        tables: files of the same columns, with what is known of the columns.
        sections: what of them is which section of the draft; none where a preset was recognised.
        preset: name of the preset that was recognised.
        unreadable: file → why it could not be read.
        draft: the draft of a mapping; None where no table is one of events.
        check: what would become of the sampled rows with consent stated; None where the draft
            has open questions, or `problem` says why not.
        problem: why the draft could not be tried.
        sampled: whether files, or rows of them, were left out.
        notes: what finding and reading the files had to say.
    """

    path: Path
    tables: tuple[KnownTable, ...]
    sections: tuple[Section, ...]
    preset: str | None
    unreadable: dict[str, str]
    draft: Draft | None
    check: Validation | None
    problem: str | None
    sampled: bool
    notes: tuple[str, ...] = field(default_factory=tuple)


def inspect_files(path: Path, *, today: date, most_bytes: int = MOST_BYTES) -> Inspection:
    """Looks at a file, or at all files of data in a folder.

    Args:
        path: the file or folder; links that lead out of it are refused.
        today: the caller's day in UTC.
        most_bytes: bytes that are looked at; of larger deliveries an excerpt is.

    Raises:
        UserError: there is nothing at the path, no file of data, or none that can be read.
    """
    folder, found, notes = _found(path)
    with tempfile.TemporaryDirectory(prefix="persona-inspect-") as own:  # for nobody else to read
        looked_at = excerpt(folder, found, Path(own), most_bytes=most_bytes)
        read = read_files(looked_at.files)
        if not read.tables:
            raise UserError(_nothing(path, read))
        tables = tuple(known_table(table, today=today) for table in read.tables)
        export = known_export(list(tables))
        sections, others = ((), ()) if export else sections_of(tables)
        notes = (*notes, *_about(looked_at, read, others, sections))
        head = _head(path, tables, sampled=not looked_at.whole)
        draft = _draft(head, folder, looked_at, read, export, sections)
        check, problem = _tried(draft, looked_at, path, Path(own), today)
    return Inspection(
        path, tables, sections, export.preset if export else None, read.unreadable, draft, check,
        problem, not looked_at.whole, notes,
    )  # fmt: skip


def _found(path: Path) -> tuple[Path, tuple[FoundFile, ...], tuple[str, ...]]:
    """The folder, the files of data in it, and what was passed over."""
    if path.is_file():
        return path.parent, (FoundFile(path, path.name),), ()
    if not path.is_dir():
        raise UserError(f"there is no file or folder {printable(path)}; correct the path")
    found = find_files(path, ["."])
    if not found.files:
        passed = f" ({'; '.join(found.notes)})" if found.notes else ""
        raise UserError(
            f"there is no file of data in {printable(path)}{passed}; name the folder of the "
            "shop's CSV, JSON, Parquet or Excel files"
        )
    return path, found.files, found.notes


def _nothing(path: Path, read: ReadFiles) -> str:
    if not read.unreadable:
        return f"all files in {printable(path)} are empty; deliver them again"
    problem = next(iter(read.unreadable.values()))
    more = f" (and {len(read.unreadable) - 1} more files)" if len(read.unreadable) > 1 else ""
    return problem + more


def _about(
    looked_at: Excerpt,
    read: ReadFiles,
    others: Sequence[KnownTable],
    sections: Sequence[Section],
) -> list[str]:
    notes = [note for table in read.tables for note in table.notes]
    notes += [f"{name} has no content" for name in read.empty]
    if looked_at.shortened:
        notes.append(
            f"of {counted(len(looked_at.shortened), 'large file')} only the beginning and parts "
            "of the rest were looked at"
        )
    if looked_at.left_out:
        notes.append(f"{len(looked_at.left_out):,} more files were not opened")
    notes += [_why_not(table, sections) for table in others]
    return notes


def _why_not(table: KnownTable, sections: Sequence[Section]) -> str:
    """Why a table is not in the draft, and what can be done."""
    names = ", ".join(table.table.files[:4]) + (" …" if len(table.table.files) > 4 else "")
    sheet = f" sheet {table.table.options.sheet!r}" if table.table.options.sheet else ""
    said = f"not in the draft: {names}{sheet}"
    if not table.table.rows:
        return f"{said}, which has names of columns and no rows"
    if not sections:
        return (
            f"{said}, since no column could be told to be the product, or to say who did what when "
            "with it; rename the columns that do (user_id, product_id, event_type, timestamp) and "
            "inspect again, or write the mapping by hand (docs/mapping.md)"
        )
    events = sections[0]
    if table.has("product_id") and (table.has("user_id") or table.has("event_type")):
        return (
            f"{said}, which may hold events, too; a mapping has one section [events]: give all "
            "files the same columns, each kind in a folder such as event_type=purchase/, whose "
            "name becomes a column"
        )
    if "user_id" in events.assumed and table.has("user_id", "order_id"):
        return (
            f"{said}, which says who placed the orders of {events.table.table.files[0]}; a "
            "mapping cannot join files, so join the two by the order first"
        )
    return f"{said}: not recognised, or its section is read from another file"


def _head(path: Path, tables: Sequence[KnownTable], *, sampled: bool) -> list[str]:
    files = sum(len(each.table.files) for each in tables)
    rows = sum(each.table.rows for each in tables)
    name = path.resolve().name
    head = [
        f"Draft by `persona inspect` of {name}: {counted(files, 'file')}, {counted(rows, 'row')}"
        f"{' of an excerpt' if sampled else ''}.",
        "Each guess is marked as one, with its reason. Read it, answer every DECIDE, then run:",
        "persona check --path … --mapping …",
    ]
    if any(is_online_retail(each) for each in tables):
        head += [
            "These are the columns of UCI Online Retail, which this platform knows, returns and",
            "service lines included: persona run --source online_retail --path … needs no mapping.",
        ]
    return head


def _draft(
    head: Sequence[str],
    folder: Path,
    looked_at: Excerpt,
    read: ReadFiles,
    export: KnownExport | None,
    sections: Sequence[Section],
) -> Draft | None:
    whole = [*looked_at.left_out]

    def file_of(table: KnownTable) -> tuple[str, ...]:
        return pattern_for(folder, table.table.files, [*read.empty, *whole])

    if export is not None:
        events = export.mapping.tables["events"].files
        meant = {file.name for file in find_files(folder, events).files} - {*read.empty}
        as_meant = meant == {*export.table.table.files}
        own = {} if as_meant else {
            name: file_of(export.table)
            for name, section in export.mapping.tables.items()
            if section.files == events
        }  # fmt: skip
        return draft_of_export(head, export, own)
    if not sections:
        return None
    return draft_of_sections(head, sections, {each.name: file_of(each.table) for each in sections})


def _tried(
    draft: Draft | None, looked_at: Excerpt, path: Path, own: Path, today: date
) -> tuple[Validation | None, str | None]:
    """What would become of the sampled rows, by the same way as `persona check`."""
    if draft is None:
        return None, "none of these files could be told to hold events"
    if draft.questions:
        return None, "the draft has questions to be answered first"
    mapping = own / ".draft.toml"
    mapping.write_text(draft.toml, encoding="utf-8")
    looked_in = looked_at.folder / path.name if path.is_file() else looked_at.folder
    try:
        return check_files(looked_in, mapping, today=today, everything=False), None
    except UserError as error:
        said = str(error).replace(str(mapping), "of the draft")
        return None, said.replace(str(looked_at.folder), str(path))
