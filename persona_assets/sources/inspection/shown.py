"""What was found, for a person and as JSON.

Belongs here: which facts are shown, and that no value of a personal column is among them. Does not
belong here: finding them, or printing.
"""

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from persona_assets.notation import count, counted, share
from persona_assets.sources.inspection.column_names import looks_like_data
from persona_assets.sources.inspection.event_names import event_type_of
from persona_assets.sources.inspection.evidence import of_column, shown
from persona_assets.sources.inspection.inspect import Inspection
from persona_assets.sources.inspection.roles import Column, KnownTable
from persona_assets.sources.inspection.toml_text import plain
from persona_assets.sources.mapping_document import printable
from persona_assets.sources.validation import Validation

WIDTH = 80
MOST_COLUMNS = 60
MOST_NAMES = 20
MOST_NOTES = 12
_NAME, _OURS = 24, 13
"""Widths of the columns of the table."""


def as_json(found: Inspection) -> dict[str, object]:
    """The interface of `persona inspect --json`.

    `tables`: files of the same columns, each with its columns; `draft`: the text of the mapping;
    `check`: as `persona check --json` has it, of the sampled rows with consent taken as given, or
    null where `problem` says why not; `questions` must be answered before the draft can be used,
    and `assumptions` stand in it for what nothing in the files says.
    """
    draft = found.draft
    return {
        "path": printable(found.path),
        "tables": [_table_as_json(table, found) for table in found.tables],
        "unreadable": found.unreadable,
        "preset": found.preset,
        "draft": draft.toml if draft else None,
        "questions": list(draft.questions) if draft else [],
        "assumptions": list(draft.assumptions) if draft else [],
        "check": found.check.to_dict() if found.check else None,
        "problem": found.problem,
        "sampled": found.sampled,
        "notes": list(found.notes),
    }


def _table_as_json(table: KnownTable, found: Inspection) -> dict[str, object]:
    return {
        "files": list(table.table.files),
        "format": table.table.form,
        "encodings": list(table.table.encodings),
        "rows": table.table.rows,
        "sections": [each.name for each in found.sections if each.table is table],
        "columns": [
            _column_as_json(column, _ours(column, table, found)) for column in table.columns
        ],
    }


def _column_as_json(column: Column, ours: Sequence[str]) -> dict[str, object]:
    profile = column.profile
    return {
        "name": None if looks_like_data(column.name) else column.name,
        "ours": list(ours),
        "holds": _type(column),
        "filled": profile.filled,
        "different": profile.distinct,
        "null_words": dict(profile.null_words),
        "patterns": {shape: round(part, 4) for shape, part in profile.patterns.items()},
        "events": _events(column),
        "evidence": of_column(column),
    }


def as_text(found: Inspection, written: Path | None) -> str:
    """What was found, at most 80 characters a line."""
    lines: list[str] = []
    for table in found.tables:
        lines += [*_table(table, found), ""]
    for name, problem in found.unreadable.items():
        lines += _wrapped(f"not read: {plain(name)}: {plain(problem)}")
    if found.preset:
        lines += _wrapped(f"recognised: the preset {found.preset}")
    for note in found.notes[:MOST_NOTES]:
        lines += _wrapped(f"note: {plain(note)}")
    if len(found.notes) > MOST_NOTES:
        lines.append(f"and {len(found.notes) - MOST_NOTES:,} notes more (--json has all)")
    if found.draft is not None:
        for question in found.draft.questions:
            lines += _wrapped(f"to decide: {plain(question)}")
        for assumption in found.draft.assumptions:
            lines += _wrapped(f"assumed: {plain(assumption)}")
    lines += ["", *_readable(found), *_next(found, written)]
    return "\n".join(lines)


def _table(table: KnownTable, found: Inspection) -> Iterator[str]:
    files = [plain(name) for name in table.table.files]
    named = files[0] if len(files) == 1 else f"{len(files):,} files, {files[0]} to {files[-1]}"
    encodings = [name for name in table.table.encodings if name != "utf-8"]
    sections = [f"[{each.name}]" for each in found.sections if each.table is table]
    yield from _wrapped(named)
    about = [table.table.form, *encodings, counted(table.table.rows, "row"),
             counted(len(table.columns), "column"), " ".join(sections)]  # fmt: skip
    yield from _wrapped(f"  {', '.join(filter(None, about))}")
    yield f"  {'column':<{_NAME}} {'is':<{_OURS}} holds"
    for column in table.columns[:MOST_COLUMNS]:
        yield from _row(column, _ours(column, table, found))
    if len(table.columns) > MOST_COLUMNS:
        yield f"  and {len(table.columns) - MOST_COLUMNS:,} columns more"


def _row(column: Column, ours: Sequence[str]) -> Iterator[str]:
    name = shown(column.name)
    name = name[1:-1] if name.startswith('"') else name
    name = name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"
    said = [of_column(column)]
    if column.profile.filled and column.is_personal and not column.profile.looks_like:
        shapes = " ".join(plain(shape) for shape in list(column.profile.patterns)[:2])
        said.append(f"like {shapes}")
    if column.role == "event_type":
        names = [f"{plain(name)} {count(rows)}" for name, rows in _first(column)]
        if column.unshown_names:
            names.append(f"{count(column.unshown_names)} not shown, as they may be people's")
        said.append(", ".join(names))
    words = "; ".join(filter(None, said))
    indent = " " * (4 + _NAME + _OURS)
    wrapped = textwrap.wrap(words, WIDTH - len(indent), max_lines=4, placeholder=" …") or [""]
    yield f"  {name:<{_NAME}} {', '.join(ours) or '–':<{_OURS}} {wrapped[0]}"
    yield from (indent + line for line in wrapped[1:])


def _first(column: Column) -> list[tuple[str, int]]:
    return list(column.event_names.items())[:MOST_NAMES]


def _ours(column: Column, table: KnownTable, found: Inspection) -> list[str]:
    return list(
        dict.fromkeys(
            guess.ours
            for section in found.sections
            if section.table is table
            for guess in section.guesses
            if guess.column.name == column.name
        )
    )


def _type(column: Column) -> str:
    if column.times is not None:
        return "times"
    return column.profile.looks_like or column.profile.kind


def _events(column: Column) -> dict[str, dict[str, object]]:
    if column.role != "event_type":
        return {}
    return {
        name: {"rows": rows, "ours": event_type_of(name)} for name, rows in _first(column)
    }  # fmt: skip


def _readable(found: Inspection) -> Iterator[str]:
    check = found.check
    if check is None:
        yield from _wrapped(f"not tried: {plain(found.problem or '')}")
        return
    yield from _wrapped(
        f"with consent stated, {count(check.accepted)} of {counted(check.rows, 'sampled row')} "
        f"({share(check.accepted, check.rows)}) would be accepted, from {check.first} to "
        f"{check.last}"
    )
    yield from _rules(check)


def _rules(check: Validation) -> Iterator[str]:
    for rule, one in check.rejected.items():
        texts = ", ".join(repr(text) for text in list(one.texts)[:3])
        of = f"  {one.column} {texts}" if texts else ""
        yield from _wrapped(f"  {rule} {count(one.rows)}{plain(of)}")


def _next(found: Inspection, written: Path | None) -> Iterator[str]:
    if written is None:
        return
    path, mapping = shlex.quote(printable(found.path)), shlex.quote(printable(written))
    yield ""
    yield from _wrapped(f"{printable(written)} was written. Read it, state consent in it, and then")
    yield f"  persona check --path {path} --mapping {mapping}"
    yield f"  persona run --source files --path {path} --mapping {mapping}"
    yield from _without_times(found)


def _without_times(found: Inspection) -> Iterator[str]:
    """What else can be done with files that no run can evaluate models by."""
    if not any("timestamp" in section.assumed for section in found.sections):
        return
    yield ""
    yield from _wrapped(
        "No column holds times, so a run trains models and evaluates none. If you know in which "
        "order things happened (that of a list, say), write rows of user, item and timestamp = 1, "
        "2, 3 … and evaluate the models on them:"
    )
    yield "  persona benchmark FILE --protocol leave_one_out"


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent) or [""]
