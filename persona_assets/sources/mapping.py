"""The TOML mapping from a shop's files and columns to the raw tables.

Belongs here: the mapping's vocabulary and everything that can be wrong with it before a data file
is opened. Does not belong here: reading the files or applying the mapping (`files.py`).

A mapping has one section per raw table; only `[events]` is required:

```toml
[events]
file = "events*.csv"           # files inside the folder, of any format
user_id = "visitor"            # our column = "their column"
product_id = "sku"
event_type = "action"
timestamp = "time"

[events.values.event_type]     # their value = our value; other values stay as they are
cart = "add_to_cart"
buy = "purchase"

[events.constants]             # columns that are the same in every row
consent = true                 # consent is mapped or stated, never assumed

[events.time]                  # how to read timestamp and arrived_at
zone = "Europe/Berlin"         # zone of times that name none; default UTC
```

`[users]` and `[products]` may map `valid_from`, the time from which a row was known: several rows
of a person or product are then its history, and an empty cell says that nothing has changed. Of
rows without dates that differ, the most frequent value of each column counts.

`file` may be a list of names and patterns, and a name may be that of a folder. `[events.time]` may
also hold `format` (as in `%d.%m.%Y %H:%M`; a list is tried in its order) or `unit` (`s`, `ms`, `us`
or `ns` since 1970-01-01 UTC, or `excel`); without them the whole column decides. `[events.numbers]`
may hold `decimal`, `thousands` and `currency`; `null_words` lists the words that mean nothing.
`[events.format]` says what the files' content does not show: `separator`, `encoding`, `sheet`.
`docs/mapping.md` lists every key.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from persona_assets.errors import UserError
from persona_assets.sources.event_flags import event_flags
from persona_assets.sources.mapping_document import Document
from persona_assets.sources.null_words import NULL_WORDS
from persona_assets.sources.reading import AS_THE_CONTENT_SHOWS, FileFormat
from persona_assets.sources.split_cells import SPLIT
from persona_assets.sources.time_parts import IN_PARTS, time_parts
from persona_assets.sources.toml_values import (
    refuse_unknown,
    scalars_of,
    subsection,
    table_of,
    text_of,
    texts_of,
)
from persona_assets.sources.value_settings import (
    AS_THE_NUMBERS_SHOW,
    AS_THE_TIMES_SHOW,
    NumberReading,
    TimeReading,
    null_words,
    number_reading,
    time_reading,
)
from persona_assets.tables import raw
from persona_assets.tables.contract import Table

REQUIRED: dict[str, tuple[str, ...]] = {
    "events": ("user_id", "product_id", "event_type", "timestamp", "consent"),
    "orders": ("order_id", "user_id", "product_id", "timestamp"),
    "search_logs": ("user_id", "timestamp", "query", "consent"),
    "users": ("user_id",),
    "products": ("product_id",),
}
"""Columns without which the rows of a section would mean nothing."""

TABLES: dict[str, Table] = {table.name: table for table in raw.TABLES}
ADDED_BY_US = frozenset({"event_date", "source_row", "quantity_text", "unit_price_text"})
DATED = {"users": ("valid_from",), "products": ("valid_from",)}
"""Columns that a section may map besides those of its table: of what time its rows speak."""
SETTINGS = (
    "file",
    "optional_file",
    "optional_columns",
    "skip_without_key",
    "fill_down",
    "split",
    "where",
    "values",
    "defaults",
    "constants",
    "time",
    "numbers",
    "null_words",
    "format",
)


@dataclass(frozen=True)
class FillDown:
    """Empty cells that mean "as in the row above": `columns` within the rows of one `by`.

    Both are our columns; rows of one `by` are looked at in the order of their file.
    """

    by: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class TableMapping:
    """One section: where a raw table's rows are and how its columns come from theirs.

    `files` are names and patterns inside the folder, `columns` is our column → their column,
    `values` our column → their value → our value, and
    `constants` our column → value; values are text, as delivered values are.

    `split` is our column → the sign between several values of one cell (`split_cells.py`).
    `alternatives` is our column → further columns of theirs, whose values are taken where those
    before are empty; `parts` is our column → part of a time → their column, for times that stand in
    several (`time_parts.py`), or event type → their column, for flags (`event_flags.py`), of which
    `columns` has the first; `optional_columns` are ours that a
    file may lack; `defaults` is our column → the value of rows that have none; `where` is their
    column → values: other rows are not of this
    section, and with `skip_without_key` neither are rows without the table's key (a catalogue that
    is taken from the events); a section with `optional_file` is left out where no file matches.
    """

    section: str
    files: tuple[str, ...]
    columns: dict[str, str]
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    time: TimeReading = AS_THE_TIMES_SHOW
    numbers: NumberReading = AS_THE_NUMBERS_SHOW
    null_words: tuple[str, ...] = NULL_WORDS
    alternatives: dict[str, tuple[str, ...]] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    optional_columns: frozenset[str] = frozenset()
    defaults: dict[str, str] = field(default_factory=dict)
    where: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fill_down: FillDown | None = None
    split: dict[str, str] = field(default_factory=dict)
    optional_file: bool = False
    skip_without_key: bool = False
    format: FileFormat = AS_THE_CONTENT_SHOWS

    @property
    def file(self) -> str:
        """The files as error texts name them."""
        return ", ".join(self.files)

    @property
    def their_columns(self) -> tuple[str, ...]:
        """All columns of theirs, or paths into such, that the section reads."""
        parts = [each.values() for each in self.parts.values()]
        mapped = [self.columns.values(), *self.alternatives.values(), *parts, self.where]
        return tuple(dict.fromkeys(name for names in mapped for name in names))

    @property
    def required_columns(self) -> tuple[str, ...]:
        """Columns of theirs without which nothing of a table of theirs belongs to the section."""
        lone = {
            theirs
            for ours, theirs in self.columns.items()
            if ours not in self.optional_columns and ours not in self.alternatives
        }
        parts = {theirs for each in self.parts.values() for theirs in each.values()}
        return tuple(sorted(lone | parts | {*self.where}))

    @property
    def table(self) -> Table:
        """Contract of the raw table that the section fills."""
        return TABLES[self.section]

    @property
    def given(self) -> frozenset[str]:
        """Our columns that the mapping maps or states."""
        return frozenset(self.columns) | frozenset(self.constants)


@dataclass(frozen=True)
class Mapping:
    """A whole mapping: `tables` is section → its mapping; `path` is where it was read."""

    path: Path
    tables: dict[str, TableMapping]


def parsed(document: Document, path: Path, *, may_lack: Collection[str] = ()) -> Mapping:
    """The mapping that a document describes; `path` is what error texts call it.

    Args:
        document: sections and their keys.
        path: where it was read.
        may_lack: required columns that it need not have, as the caller does without them.

    Raises:
        UserError: the mapping has an unknown key, lacks a required one or contradicts itself; the
            text names the section, the key and what to do.
    """
    if "events" not in document:
        raise UserError(f"mapping {path} has no section [events]; add it")
    refuse_unknown(document, tuple(REQUIRED), f"mapping {path}", "section")
    tables = {name: _Section(path, name, body, may_lack).read() for name, body in document.items()}
    return Mapping(path, tables)


class _Section:
    """Reads one section; holds what its error texts need."""

    def __init__(self, path: Path, name: str, body: object, may_lack: Collection[str]) -> None:
        self.name = name
        self.required = [column for column in REQUIRED[name] if column not in may_lack]
        self.where = f"mapping {path} [{name}]"
        contract = tuple(c.name for c in TABLES[name].columns if c.name not in ADDED_BY_US)
        self.ours = (*contract, *DATED.get(name, ()))
        self.body = table_of(body, self.where)

    def read(self) -> TableMapping:
        refuse_unknown(self.body, (*SETTINGS, *self.ours), self.where, "key")
        parts = {
            key: (event_flags if key == "event_type" else time_parts)(value, key, self.where)
            for key, value in self.body.items()
            if key in (*IN_PARTS, "event_type") and isinstance(value, dict)
        }
        columns = {
            key: tuple(parts[key].values())[:1] if key in parts else self._columns(value, key)
            for key, value in self.body.items()
            if key not in SETTINGS
        }
        mapping = TableMapping(
            self.name,
            self._files(),
            {key: names[0] for key, names in columns.items()},
            self._values(),
            self._scalars("constants"),
            time_reading(self.body, self.where),
            number_reading(self.body, self.where),
            null_words(self.body, self.where),
            alternatives={key: names[1:] for key, names in columns.items() if len(names) > 1},
            parts=parts,
            optional_columns=frozenset(self._ours(self.body, "optional_columns")),
            defaults=self._scalars("defaults"),
            where=self._where(),
            fill_down=self._fill_down(),
            split=self._split(),
            optional_file=self._flag("optional_file"),
            skip_without_key=self._flag("skip_without_key"),
            format=self._file_format(),
        )
        self._refuse_contradictions(mapping)
        return mapping

    def _columns(self, value: object, key: str) -> tuple[str, ...]:
        """Their column, or several, of which the first that has a value is taken."""
        wanted = f'the name of their column: {key} = "…"'
        return texts_of(value or [value], key, wanted, self.where)

    def _ours(self, body: dict[str, object], key: str) -> tuple[str, ...]:
        """A list of our columns that this section maps."""
        value = body.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise UserError(
                f'{self.where}: {key!r} is {value!r}; give a list of columns: ["quantity"]'
            )
        mapped = [name for name in self.ours if name in self.body]
        for each in value:
            if each not in mapped:
                raise UserError(
                    f"{self.where}: {key!r} names {each!r}, which is not mapped to a column; use "
                    f"{', '.join(mapped)}"
                )
        return tuple(value)

    def _where(self) -> dict[str, tuple[str, ...]]:
        body = table_of(self.body.get("where", {}), f"{self.where[:-1]}.where]")
        lists = {key: value if isinstance(value, list) else [value] for key, value in body.items()}
        for key, values in lists.items():
            if not values:
                raise UserError(
                    f"{self.where}: where.{key} is an empty list, which matches no row; list "
                    "values, or remove the line to have all rows"
                )
        return {
            key: tuple(scalars_of(dict(enumerate(values)), key, self.where).values())
            for key, values in lists.items()
        }

    def _fill_down(self) -> FillDown | None:
        if "fill_down" not in self.body:
            return None
        body = subsection(self.body, "fill_down", ("by", "columns"), self.where)
        by = self._ours({"fill_down.by": [body.get("by")]}, "fill_down.by")
        columns = self._ours({"fill_down.columns": body.get("columns")}, "fill_down.columns")
        return FillDown(by[0], columns)

    def _split(self) -> dict[str, str]:
        body = subsection(self.body, "split", SPLIT, self.where)
        wanted = 'the sign between values: product_id = ","'
        signs = {
            key: text_of(each, f"split.{key}", wanted, self.where) for key, each in body.items()
        }
        idle = sorted(key for key in signs if key not in self.body)
        if idle or (signs and "product_id" not in signs):
            raise UserError(
                f"{self.where}: split goes with product_id and mapped columns, not with "
                f'{", ".join(idle) or ", ".join(signs)} alone; write product_id = "," or remove it'
            )
        return signs

    def _flag(self, key: str) -> bool:
        value = self.body.get(key, False)
        if not isinstance(value, bool):
            raise UserError(f"{self.where}: {key!r} is {value!r}; give true or false")
        return value

    def _files(self) -> tuple[str, ...]:
        value = self.body.get("file")
        wanted = 'a file name or pattern, or a list of them: file = "…"'
        return texts_of(value or None, "file", wanted, self.where)

    def _file_format(self) -> FileFormat:
        texts = ("separator", "encoding", "sheet")
        body = subsection(self.body, "format", (*texts, "header_row"), self.where)
        given: dict[str, Any] = {
            key: text_of(value, f"format.{key}", "a text", self.where) if key in texts else value
            for key, value in body.items()
        }
        try:
            return FileFormat(**given, section=self.name)
        except UserError as error:
            raise UserError(f"{self.where}: {error}") from error

    def _values(self) -> dict[str, dict[str, str]]:
        bodies = subsection(self.body, "values", self.ours, self.where)
        return {
            column: scalars_of(
                table_of(body, f"{self.where} values"), f"values.{column}", self.where
            )
            for column, body in bodies.items()
        }

    def _scalars(self, setting: str) -> dict[str, str]:
        body = subsection(self.body, setting, self.ours, self.where)
        return scalars_of(body, setting, self.where)

    def _refuse_contradictions(self, mapping: TableMapping) -> None:
        if self.name == "events" and mapping.optional_file:
            raise UserError(f"{self.where}: without events there is no shop; remove optional_file")
        if mapping.skip_without_key and self.name not in ("users", "products"):
            raise UserError(
                f"{self.where}: skip_without_key goes with [users] and [products] alone; remove it"
            )
        if idle := sorted(mapping.defaults.keys() - mapping.columns.keys()):
            raise UserError(
                f"{self.where}: defaults are given for {idle}, which are not mapped to a column; "
                f"state them in [{self.name}.constants]"
            )
        if both := sorted(mapping.columns.keys() & mapping.constants.keys()):
            raise UserError(
                f"{self.where}: {both} are mapped to a column and stated as constants; keep one"
            )
        if idle := sorted(mapping.values.keys() - mapping.columns.keys()):
            raise UserError(
                f"{self.where}: values are translated for {idle}, which are not mapped to a "
                "column; map them or remove the translation"
            )
        missing = [column for column in self.required if column not in mapping.given]
        if missing == ["consent"]:
            raise UserError(
                f"{self.where}: consent is neither mapped nor stated, and is never assumed; map "
                f'consent = "<their column>", or state it for every row in [{self.name}.constants]'
            )
        if missing:
            raise UserError(
                f"{self.where}: {', '.join(missing)} missing; map each to their column, as in "
                f'{missing[0]} = "<their column>"'
            )
