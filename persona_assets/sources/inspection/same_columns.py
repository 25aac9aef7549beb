"""Files of the same columns, read as one table.

Belongs here: reading each file, its nested columns included, and putting together what has the
same columns. Does not belong here: formats (`reading/`), and what columns hold or mean.

A file that cannot be read stops nothing: the others are looked at, and what is wrong with it is
said. A workbook's sheets of other columns are tables of their own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from persona_assets.errors import UserError
from persona_assets.sources.finding import FoundFile
from persona_assets.sources.inspection.missing_header import refuse_missing_header
from persona_assets.sources.inspection.nested_columns import readable_paths
from persona_assets.sources.reading import AS_THE_CONTENT_SHOWS, Delivered, EmptyFile, FileFormat
from persona_assets.sources.reading.read import read_text
from persona_assets.sources.reading.title_rows import HeaderBelowError

MOST_CELLS = 2_000_000
MOST_ROWS = 50_000
"""Rows of a table that are looked at, fewer where it has many columns."""
SEED = 7
WESTERN = "cp1252"
"""What text is tried as that is not UTF-8: it holds every byte but five."""
ALIKE = 0.5
"""Share of the fields that JSON files of one table have in common."""
_WORD = re.compile(r"[^\W\d_]{3,}")
LEAST_TEXT = 0.95
"""Share of printable characters below which bytes are no text of a single-byte encoding."""


@dataclass(frozen=True)
class TableOfFiles:
    """Files of the same columns.

    Attributes:
        files: their names.
        frame: text columns of rows of all of them; nested columns are there as paths.
        rows: rows that were read, before `frame` was drawn from them.
        form: what the files are, as in `delimited text, semicolon`.
        options: what reading them needed to be told.
        encodings: of the files that are text.
        lists: columns that hold lists or objects and are not in `frame`.
        notes: what reading had to say.
    """

    files: tuple[str, ...]
    frame: pl.DataFrame
    rows: int
    form: str
    options: FileFormat = AS_THE_CONTENT_SHOWS
    encodings: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadFiles:
    """What is in files: tables, what is wrong with the files of none, and files without content."""

    tables: tuple[TableOfFiles, ...]
    unreadable: dict[str, str]
    empty: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    name: str
    options: FileFormat
    delivered: Delivered
    lists: tuple[str, ...]

    @property
    def is_json(self) -> bool:
        return self.delivered.format in ("JSON lines", "JSON array")

    @property
    def form(self) -> str:
        parts: list[str] = [self.delivered.format]
        if self.delivered.format == "delimited text":
            parts = [_SEPARATED.get(str(self.delivered.separator), "delimited text")]
        if self.options.sheet is not None:
            parts.append(f"sheet {self.options.sheet!r}")
        return " + ".join([*parts, *filter(None, [self.delivered.compression])])


_SEPARATED = {
    ",": "CSV",
    ";": "CSV with semicolons",
    "\t": "text with tabs",
    "|": "text with vertical bars",
}


def read_files(files: Sequence[FoundFile]) -> ReadFiles:
    """The tables that files hold, those of most rows first."""
    read: list[_Read] = []
    unreadable: dict[str, str] = {}
    empty = []
    for file in files:
        try:
            read.extend(_read(file))
        except EmptyFile:
            empty.append(file.name)
        except UserError as error:
            unreadable[file.name] = str(error).replace(str(file.path), file.name)
    tables = [_together(each) for each in _of_same_columns(read)]
    tables.sort(key=lambda table: (-table.rows, table.files))
    return ReadFiles(tuple(tables), unreadable, tuple(empty))


def _read(file: FoundFile) -> Iterator[_Read]:
    """The tables of one file: one, or one for each kind of sheet."""
    try:
        delivered, options = _below_titles(file, AS_THE_CONTENT_SHOWS)
    except EmptyFile:
        raise
    except UserError:
        if not _is_western(file.path):
            raise
        delivered, options = _below_titles(file, FileFormat(encoding=WESTERN))
    names = [name for name in delivered.header if name not in file.partitions]
    refuse_missing_header(file.name, delivered.frame, names)
    others = delivered.format == "Excel" and [*_other_sheets(file.path, delivered)]
    if others:
        for sheet in others:
            try:
                one, options = _below_titles(file, FileFormat(sheet=sheet))
            except EmptyFile:
                continue
            yield _drawn(_Read(file.name, options, one, ()), file)
        return
    yield _drawn(_Read(file.name, options, delivered, ()), file)


def _below_titles(file: FoundFile, options: FileFormat) -> tuple[Delivered, FileFormat]:
    """A file with what reading it needs to be told, the row of its column names included."""
    try:
        return _whole(file, options), options
    except HeaderBelowError as error:
        below = replace(options, header_row=error.row)
        return _whole(file, below), below


def _whole(file: FoundFile, options: FileFormat) -> Delivered:
    """All columns of a file, those of Parquet left out that have no text."""
    try:
        return read_text(file.path, options=options, partitions=file.partitions)
    except (EmptyFile, HeaderBelowError):
        raise
    except UserError:
        if not _is_parquet(file.path):
            raise
        there = read_text(file.path, columns=(), partitions=file.partitions)
        names = [name for name in there.header if name not in there.nested]
        read = [name for name in names if _has_text(file.path, name)]
        if not read:
            raise
        delivered = read_text(file.path, columns=read, partitions=file.partitions)
        left_out = ", ".join(name for name in names if name not in read)
        notes = (*delivered.notes, f"{file.name}: columns that cannot be read as text: {left_out}")
        return replace(delivered, nested=there.nested, notes=notes)


def _has_text(path: Path, column: str) -> bool:
    try:
        read_text(path, columns=(column,))
    except UserError:
        return False
    return True


def _drawn(read: _Read, file: FoundFile) -> _Read:
    """The same with columns inside nested ones, and no more rows than are looked at."""
    paths, lists = readable_paths(read.delivered)
    delivered = read.delivered
    if paths is not None:
        wanted = [*paths, *file.partitions]
        again = read_text(
            file.path, options=read.options, columns=wanted, partitions=file.partitions
        )
        delivered = replace(again, frame=again.frame[wanted], notes=delivered.notes)
    most = min(MOST_ROWS, max(200, MOST_CELLS // max(1, delivered.frame.width)))
    kept = replace(delivered, frame=_few(delivered.frame, most), row=delivered.row)
    return replace(read, delivered=kept, lists=lists)


def _other_sheets(path: Path, delivered: Delivered) -> Iterator[str]:
    """The names of all sheets, where some were passed over for having other columns."""
    if any("sheet" in note and "was not read" in note for note in delivered.notes):
        import fastexcel  # 40 ms, for workbooks alone

        yield from fastexcel.read_excel(path.read_bytes()).sheet_names


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _is_western(path: Path) -> bool:
    """Whether a file that is not UTF-8 looks like Western European text."""
    with path.open("rb") as stream:
        data = stream.read(1 << 20)
    if b"\0" in data or not data:
        return False
    printable = sum(byte >= 32 or byte in b"\t\r\n" for byte in data)
    try:
        data.decode(WESTERN)
    except UnicodeDecodeError:
        return False
    return printable >= LEAST_TEXT * len(data) and not _is_of_another_alphabet(data)


def _is_of_another_alphabet(data: bytes) -> bool:
    """Whether most words with letters beyond ASCII consist of nothing else, as `привет` would.

    Western words have an accent here and there; the bytes of Cyrillic, Greek or Japanese text would
    be read as a row of accented letters.
    """
    words = _WORD.findall(data.decode(WESTERN, "replace"))
    accented = [word for word in words if not word.isascii()]
    foreign = sum(not any(map(str.isascii, word)) for word in accented)
    return foreign > len(accented) / 2


def _of_same_columns(read: Sequence[_Read]) -> list[list[_Read]]:
    groups: list[list[_Read]] = []
    for each in read:
        same = next((group for group in groups if _are_alike(group[0], each)), None)
        if same is None:
            groups.append([each])
        else:
            same.append(each)
    return groups


def _are_alike(first: _Read, other: _Read) -> bool:
    """Whether two files are of one table; JSON leaves out fields that have no value."""
    if (first.options.sheet, first.options.header_row) != (
        other.options.sheet, other.options.header_row,
    ):  # fmt: skip
        return False
    ours, theirs = {*first.delivered.header}, {*other.delivered.header}
    if first.is_json and other.is_json:
        return len(ours & theirs) > ALIKE * min(len(ours), len(theirs))
    return ours == theirs


def _few(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most so many rows in their order: the first ones, and some of the others."""
    if rows.height <= most:
        return rows
    drawn = pl.int_range(most // 2, rows.height, eager=True).sample(most - most // 2, seed=SEED)
    return pl.concat([rows.head(most // 2), rows[drawn.sort()]])


def _together(group: Sequence[_Read]) -> TableOfFiles:
    notes = dict.fromkeys(note for each in group for note in each.delivered.notes)
    frame = pl.concat([each.delivered.frame for each in group], how="diagonal")
    most = min(MOST_ROWS, max(200, MOST_CELLS // max(1, frame.width)))
    stated = [each.options for each in group if each.options != AS_THE_CONTENT_SHOWS]
    return TableOfFiles(
        files=tuple(dict.fromkeys(each.name for each in group)),
        frame=_few(frame, most),
        rows=sum(len(each.delivered.row) for each in group),
        form=", ".join(dict.fromkeys(each.form for each in group)),
        options=stated[0] if stated else AS_THE_CONTENT_SHOWS,
        encodings=tuple(dict.fromkeys(e.delivered.encoding for e in group if e.delivered.encoding)),
        lists=tuple(dict.fromkeys(name for each in group for name in each.lists)),
        notes=tuple(notes),
    )
