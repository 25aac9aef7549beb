"""A home's `persona.toml`: reading and writing it.

Belongs here: the shape of that file, and errors that name its path. Does not belong here: what a
value may be (`values.py`).
"""

import tomllib
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from persona_assets import regular_files
from persona_assets.errors import UserError
from persona_assets.settings.values import (
    CONFIGURATIONS,
    Settings,
    SourceSettings,
    configuration,
)
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS

FILE_NAME = "persona.toml"


def read(path: Path) -> dict[str, Any]:
    """The settings that the file gives, by the names of fields; none where there is no file.

    Raises:
        UserError: the file cannot be read, or a setting is unknown or of another kind.
    """
    stored = _stored(path)
    values: dict[str, Any] = {}
    if "source" in stored:
        values["source"] = _source(stored.pop("source"), path)
    for name, default in CONFIGURATIONS.items():
        if name in stored:
            stored[name] = configuration(default, stored[name], f"{path}: [{name}]")
    known = {"top_k", "exclude", "seed", "retention_days", "event_weights", *CONFIGURATIONS}
    if "event_weights" in stored:
        if not isinstance(stored["event_weights"], dict):
            raise UserError(
                f"{path}: event_weights is not a table; write e.g. [event_weights] and "
                "below it view = 1.0"
            )
        stored["event_weights"] = {**DEFAULT_WEIGHTS, **stored["event_weights"]}
    if unknown := sorted(stored.keys() - known):
        raise UserError(
            f"{path}: unknown setting(s) {', '.join(unknown)}; known are source, "
            f"{', '.join(sorted(known))}"
        )
    return values | stored


def save(settings: Settings) -> None:
    """Write what defines the home's graph to `<home>/persona.toml`, whole or not at all.

    Secrets are never written.
    """
    import tomli_w

    source = {key: value for key, value in asdict(settings.source).items() if value is not None}
    document = {
        "source": source,
        "top_k": settings.top_k,
        "exclude": settings.exclude,
        "seed": settings.seed,
        "retention_days": settings.retention_days,
        "event_weights": dict(settings.event_weights),
        **{name: asdict(getattr(settings, name)) for name in CONFIGURATIONS},
    }
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        fresh = settings.home / f"{FILE_NAME}.new"
        fresh.write_text(tomli_w.dumps(document), encoding="utf-8")
        fresh.replace(settings.home / FILE_NAME)
    except OSError as error:
        raise UserError(
            f"cannot write to the home {settings.home}: {error.strerror}; point PERSONA_HOME at a "
            "folder you may write to"
        ) from error


def _stored(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(regular_files.text(path))
    except FileNotFoundError:
        return {}
    except NotADirectoryError as error:
        raise UserError(f"PERSONA_HOME {path.parent} is not a folder; name another") from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deep to be read; correct or delete it") from error
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UserError(f"{path} is not valid TOML: {error}; correct or delete it") from error
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}; point PERSONA_HOME at a folder you may read"
        ) from error


def _source(stored: object, path: Path) -> SourceSettings:
    # A date and not a date with time, which is a kind of date to Python.
    if not isinstance(stored, dict) or type(stored.get("start")) is not date:
        raise UserError(
            f"{path}: [source] needs a `start` date; correct it or run `persona run` again"
        )
    end = stored.get("end")
    if end is not None and type(end) is not date:
        raise UserError(f"{path}: [source] end = {end!r} is not a date; correct it")
    if unknown := sorted(stored.keys() - {"name", "start", "end", "options"}):
        raise UserError(
            f"{path}: [source] holds {', '.join(unknown)}; only name, start and end belong "
            "there, the source's own options below [source.options]"
        )
    options = stored.get("options", {})
    if not isinstance(options, dict):
        raise UserError(
            f"{path}: options = {options!r} is not a table; write [source.options] and the options "
            "below it"
        )
    if broken := sorted(name for name, value in options.items() if "\0" in str(value)):
        raise UserError(f"{path}: [source.options] {broken[0]} holds a NUL byte; correct it")
    return SourceSettings(
        name=str(stored.get("name", "synthetic")), start=stored["start"], end=end, options=options
    )
