"""Reading the shop's rules: a CSV file with a header, or TOML with `[[rule]]` tables.

Belongs here: fields of a rule and what is wrong with one. Does not belong here: what rules do
(`rules.py`), mistakes that only the catalogue shows (`consistency.py`).
"""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl

from persona_assets import regular_files
from persona_assets.errors import UserError
from persona_assets.tables.raw import MERCHANDISING_RULES

_FIELDS = tuple(MERCHANDISING_RULES.polars_schema)
_ACTIONS = MERCHANDISING_RULES.column("action").allowed or ()
_CONTEXTS = MERCHANDISING_RULES.column("context").allowed or ()
_EVERYWHERE = ("block", "unavailable")
_LONGEST = 256
MOST_PLACES = 100
"""As long as the longest list is."""


def read_rules(path: str) -> pl.DataFrame:
    """Rows of `raw/merchandising_rules`; none where `path` is empty.

    Raises:
        UserError: the file cannot be read, or a rule is wrong; the text names it and the field.
    """
    if not path:
        return MERCHANDISING_RULES.empty()
    file = Path(path)
    rows = []
    for place, given in _given(file):
        rows.append(_rule(given, place, f"{file}, {place}"))
    found = pl.DataFrame(rows, schema=MERCHANDISING_RULES.polars_schema, orient="row")
    twice = found.filter(pl.col("rule_id").is_duplicated())["rule_id"].unique().sort()
    if len(twice):
        raise UserError(f"{file}: rule_id {', '.join(twice[:3])} is there twice; name each once")
    return found


def _given(file: Path) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Each rule as it is written, and where."""
    try:
        text = regular_files.text(file)
    except OSError as error:
        raise UserError(
            f"cannot read the rules {file}: {error.strerror}; correct PERSONA_RULES"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8; save it as such") from error
    if file.suffix.lower() == ".toml":
        yield from _in_toml(file, text)
        return
    rows = csv.DictReader(text.removeprefix("\ufeff").splitlines(), strict=True)
    try:
        for row in rows:
            if None in row or None in row.values():
                raise UserError(
                    f"{file}, line {rows.line_num}: it has not as many fields as the header"
                )
            cells = {(name or "").strip(): value.strip() for name, value in row.items()}
            yield f"line {rows.line_num}", {name: value for name, value in cells.items() if value}
    except csv.Error as error:
        raise UserError(f"{file}, line {rows.line_num}: {error}; correct it") from error


def _in_toml(file: Path, text: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not valid TOML: {error}; correct it") from error
    rules = document.pop("rule", [])
    if document or not isinstance(rules, list) or not all(isinstance(r, dict) for r in rules):
        raise UserError(f"{file}: write each rule below a line [[rule]], and nothing else")
    yield from ((f"rule {number}", rule) for number, rule in enumerate(rules, 1))


def _rule(given: Mapping[str, object], place: str, where: str) -> list[object]:
    """A row of the table, held to what its action needs."""
    if unknown := sorted(given.keys() - set(_FIELDS)):
        raise UserError(f"{where}: unknown field {unknown[0]!r}; fields are {', '.join(_FIELDS)}")
    texts = {
        name: _text(given.get(name), name, where)
        for name in ("rule_id", "action", "product_id", "category", "context", "placement", "note")
    }
    found: dict[str, object] = {
        **texts,
        "rule_id": texts["rule_id"] or place,
        "position": _position(given.get("position"), where),
        "valid_from": _instant(given.get("valid_from"), "valid_from", where),
        "valid_to": _instant(given.get("valid_to"), "valid_to", where),
    }
    _refuse_senseless(found, where)
    return [found[name] for name in _FIELDS]


def _refuse_senseless(rule: Mapping[str, object], where: str) -> None:
    action = rule["action"]
    if action not in _ACTIONS:
        raise UserError(f"{where}: action is {action!r}; use {', '.join(_ACTIONS)}")
    if (rule["product_id"] is None) == (rule["category"] is None):
        raise UserError(f"{where}: name a product_id or a category, one of them")
    if action == "pin" and (rule["position"] is None or rule["product_id"] is None):
        raise UserError(f"{where}: a pin needs a product_id and a position from 1")
    if action != "pin" and rule["position"] is not None:
        raise UserError(f"{where}: a position is of a pin alone; leave it out")
    if action in _EVERYWHERE and (rule["context"] or rule["placement"]):
        raise UserError(
            f"{where}: {action} holds everywhere; for one page or placement use exclude"
        )
    if rule["context"] is not None and rule["context"] not in _CONTEXTS:
        raise UserError(f"{where}: context is {rule['context']!r}; use {', '.join(_CONTEXTS)}")
    begin, end = rule["valid_from"], rule["valid_to"]
    if isinstance(begin, datetime) and isinstance(end, datetime) and end <= begin:
        raise UserError(f"{where}: valid_to is not after valid_from; the rule would never hold")


def _text(value: object, name: str, where: str) -> str | None:
    if value is None:
        return None
    # Numbers of products are often numbers in TOML.
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UserError(f"{where}: {name} is {value!r}, which is no text")
    found = str(value).strip()
    if len(found) > _LONGEST:
        raise UserError(f"{where}: {name} is longer than {_LONGEST} characters")
    return found or None


def _position(value: object, where: str) -> int | None:
    if value is None:
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or not 1 <= int(text) <= MOST_PLACES:
        raise UserError(f"{where}: position is {value!r}; give 1 to {MOST_PLACES}")
    return int(text)


def _instant(value: object, name: str, where: str) -> datetime | None:
    """A day (its beginning, UTC) or a time with a zone."""
    if value is None:
        return None
    found = value
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            found = None
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime.combine(found, time(), UTC)
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise UserError(
            f"{where}: {name} is {str(value)!r}; write 2026-12-01, or 2026-12-01T08:00:00+01:00 "
            "with its zone"
        )
    return found.astimezone(UTC)
