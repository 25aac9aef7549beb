"""A home's `experiments.toml`: a table per experiment.

Belongs here: the file's keys and types. Does not belong here: what contradicts itself in an
experiment (`declaration.py`). It is a file of its own because commands write `persona.toml` anew.
"""

import tomllib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from persona_assets import regular_files
from persona_assets.errors import UserError
from persona_assets.live_experiments.declaration import LiveExperiment, refuse_shared_customers

FILE_NAME = "experiments.toml"
_NEEDED = ("start", "users")
_KEYS = (
    "arms",
    "shares",
    "layer",
    "traffic",
    "holdout",
    "primary",
    "guardrails",
    "smallest_gain",
    "users",
    "start",
    "end",
    "days",
)
_MOST_DAYS = 3_650
_MOST = 10_000_000_000
"""More customers than there are people: a slip of the hand."""


def read_experiments(path: Path) -> tuple[LiveExperiment, ...]:
    """The experiments that the file declares, by name; none where there is no file.

    Raises:
        UserError: the file cannot be read, or an experiment in it is not usable; the text names it.
    """
    try:
        document = tomllib.loads(regular_files.text(path))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except RecursionError as error:
        raise UserError(f"{path} is nested too deep to be read; correct it") from error
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UserError(f"{path} is not valid TOML: {error}; correct it") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; make it readable") from error
    found = tuple(_experiment(name, body, path) for name, body in sorted(document.items()))
    refuse_shared_customers(found)
    return found


def _experiment(name: str, body: object, path: Path) -> LiveExperiment:
    where = f"{path}: [{name}]"
    if not isinstance(body, dict):
        raise UserError(f"{where} is {body!r} and no table; write [{name}] and its keys below it")
    if unknown := sorted(body.keys() - set(_KEYS)):
        raise UserError(f"{where}: unknown key {unknown[0]}; known are {', '.join(_KEYS)}")
    if missing := [key for key in _NEEDED if key not in body]:
        raise UserError(f"{where}: {missing[0]} is missing; give start, users, and end or days")
    if ("end" in body) == ("days" in body):
        raise UserError(f"{where}: give either end, the first day after it, or days")
    start = _date(body["start"], "start", where)
    given = {key: _READ[key](value, key, where) for key, value in body.items() if key in _READ}
    end, users = _end(body, start, where), _whole(body["users"], "users", where)
    _refuse_unknown_models(given.get("arms", {}), where)
    try:
        return LiveExperiment(name, start, end, users, **given)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _refuse_unknown_models(arms: Mapping[str, str], where: str) -> None:
    from persona_assets.recommenders import model_named

    for name in arms.values():
        try:
            model_named(name)
        except UserError as error:
            raise UserError(f"{where}: arms: {error}") from error


def _end(body: Mapping[str, object], start: date, where: str) -> date:
    if "end" in body:
        return _date(body["end"], "end", where)
    days = _whole(body["days"], "days", where)
    if not 1 <= days <= _MOST_DAYS:
        raise UserError(f"{where}: days is {days}; give a number from 1 to {_MOST_DAYS}")
    try:
        return start + timedelta(days=days)
    except OverflowError as error:
        raise UserError(
            f"{where}: {days} days after {start} there is no date; correct it"
        ) from error


def _date(value: object, key: str, where: str) -> date:
    # A date and not a date with time, which is a kind of date to Python.
    if type(value) is not date:
        raise UserError(f"{where}: {key} is {value!r}; write a date, as 2026-03-01")
    return value


def _text(value: object, key: str, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UserError(f"{where}: {key} is {value!r}; write a text in quotes")
    return value


def _number(value: object, key: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{where}: {key} is {value!r}; write a number")
    try:
        return float(value)
    except OverflowError as error:
        raise UserError(f"{where}: {key} is too large; correct it") from error


def _whole(value: object, key: str, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{where}: {key} is {value!r}; write a whole number")
    if abs(value) > _MOST:
        raise UserError(f"{where}: {key} is above {_MOST:,}; correct it")
    return value


def _table(value: object, key: str, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict) or not value:
        raise UserError(f"{where}: {key} is {value!r}; write a table, as {key} = {{ … }}")
    return value


def _numbers(value: object, key: str, where: str) -> dict[str, float]:
    found = _table(value, key, where)
    return {name: _number(each, f"{key}.{name}", where) for name, each in found.items()}


def _texts(value: object, key: str, where: str) -> dict[str, str]:
    found = _table(value, key, where)
    return {name: _text(each, f"{key}.{name}", where) for name, each in found.items()}


def _interval(value: object, key: str, where: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise UserError(f"{where}: {key} is {value!r}; give two numbers, as [0.0, 0.5]")
    return _number(value[0], key, where), _number(value[1], key, where)


_READ: Mapping[str, Callable[[object, str, str], Any]] = {
    "arms": _texts,
    "shares": _numbers,
    "layer": _text,
    "traffic": _interval,
    "holdout": _number,
    "primary": _text,
    "guardrails": _numbers,
    "smallest_gain": _number,
}
"""How the value of each key that may be left out is read."""
