"""The TOML document of a mapping: a file or a preset, what it extends, the consent that is stated.

Belongs here: everything that can be wrong before the document has a meaning: a path that is no
file, text that is no TOML, a preset that does not exist. Does not belong here: the meaning of its
keys (`mapping.py`), and what vendors call things (`presets/`).

A person's own file may begin with `extends = "ga4"`: its keys are added to the preset's and win
over them. A column that one maps and the other states as a constant is what the person says.
"""

import glob
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from persona_assets import regular_files
from persona_assets.errors import UserError
from persona_assets.sources.presets import PRESETS, preset_text

Document = dict[str, Any]

EVERYBODY = "all"
"""The one value of `--consent`: everybody in the files consented."""

_NEED_CONSENT = ("events", "search_logs")


def read_document(given: str | Path, *, consent: str | None = None) -> Document:
    """The document behind `--mapping`, with what it extends and the stated consent merged in.

    Args:
        given: name of a preset, or path of a TOML file.
        consent: `all` states consent for every row, as a person says it on the command line.

    Raises:
        UserError: there is no such preset or file, it cannot be read, is no TOML, or already says
            where consent is; the text says what to do.
    """
    document = _document(given)
    if "extends" in document:
        document = merged(_extended(document.pop("extends"), given), document)
    return document if consent is None else _with_consent(document, consent, given)


def printable(path: str | Path) -> str:
    """A path for an error text, whatever bytes its name is made of."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return text.replace("\x00", "\\x00")


def merged(base: Document, own: Document) -> Document:
    """`base` with the keys of `own`, sections within sections; `own` wins."""
    result = dict(base)
    for key, value in own.items():
        there = result.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            result[key] = _merged_section(there, value)
        else:
            result[key] = value
    return result


def _merged_section(base: Document, own: Document) -> Document:
    """A section: what the person maps is no longer a constant of the preset, and the reverse."""
    stated, mapped = own.get("constants", {}), own.keys()
    kept = base
    if isinstance(stated, dict) and stated:
        kept = {key: value for key, value in kept.items() if key not in stated}
        for setting in ("values", "defaults"):
            if isinstance(kept.get(setting), dict):
                kept[setting] = {k: v for k, v in kept[setting].items() if k not in stated}
    if isinstance(kept.get("constants"), dict):
        constants = {k: v for k, v in kept["constants"].items() if k not in mapped}
        kept = {**kept, "constants": constants}
    return merged(kept, own)


def _document(given: str | Path) -> Document:
    if str(given) in PRESETS:
        return tomllib.loads(preset_text(str(given)))
    shown = printable(given)
    try:
        return tomllib.loads(regular_files.text(Path(given)))
    except FileNotFoundError as error:
        nearest = get_close_matches(str(given), PRESETS, n=1)
        hint = f"did you mean the preset {nearest[0]!r}? " if nearest else ""
        raise UserError(
            f"there is no mapping {shown}; {hint}write one, correct the path, or name a preset: "
            f"{', '.join(PRESETS)}"
        ) from error
    except IsADirectoryError as error:
        raise UserError(
            f"the mapping {shown} is a folder; name the TOML file in it, or a preset: "
            f"{', '.join(PRESETS)}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"mapping {shown} is not TOML: {error}; correct that place") from error
    except RecursionError as error:
        raise UserError(
            f"mapping {shown} is nested too deeply to be a mapping; name the right file"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(
            f"the mapping {shown} cannot be read: {reason}; correct the path or its permissions"
        ) from error


def _extended(name: object, given: str | Path) -> Document:
    if not isinstance(name, str) or name not in PRESETS:
        nearest = get_close_matches(str(name), PRESETS, n=1)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise UserError(
            f"mapping {printable(given)}: extends = {name!r} is no preset; {hint}use one of "
            f"{', '.join(PRESETS)}"
        )
    return tomllib.loads(preset_text(name))


def for_path(path: Path, document: Document) -> tuple[Path, Document]:
    """The folder that `path` names, or that of the one file it names, and the document for it.

    Where `path` is a file, the events are in it, and so is every section that names the same files
    as the events.
    """
    if not path.is_file():
        return path, document
    events = document.get("events")
    theirs = events.get("file") if isinstance(events, dict) else None
    alone = {
        name: {**body, "file": glob.escape(path.name)}
        if isinstance(body, dict) and (name == "events" or body.get("file") == theirs)
        else body
        for name, body in document.items()
    }
    return path.parent, alone


def without_consent(document: Document) -> tuple[str, ...]:
    """The sections that need consent and neither map nor state it."""
    return tuple(
        section
        for section in _NEED_CONSENT
        if isinstance(body := document.get(section), dict) and not _says_consent(body)
    )


def with_consent(document: Document, sections: tuple[str, ...]) -> Document:
    """The document with consent stated for every row of `sections`."""
    stated = dict(document)
    for section in sections:
        body = stated[section]
        constants = body.get("constants", {})
        if isinstance(constants, dict):  # what else it may be, the mapping's own checks name
            stated[section] = {**body, "constants": {**constants, "consent": True}}
    return stated


def _says_consent(body: Document) -> bool:
    constants = body.get("constants", {})
    return "consent" in body or (isinstance(constants, dict) and "consent" in constants)


def _with_consent(document: Document, consent: str, given: str | Path) -> Document:
    if consent != EVERYBODY:
        raise UserError(
            f"--consent is {consent!r}; it can only say {EVERYBODY!r}, that everybody in the files "
            'consented; where a column says who did, map it: consent = "<their column>"'
        )
    lacking = without_consent(document)
    there = [name for name in _NEED_CONSENT if name in document and name not in lacking]
    if there:
        raise UserError(
            f"mapping {printable(given)} [{there[0]}] already says who consented; leave out "
            "--consent, or take consent out of the mapping"
        )
    return with_consent(document, lacking)
