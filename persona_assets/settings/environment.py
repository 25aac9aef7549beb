"""Settings that the environment gives: `PERSONA_*`, and MLflow's own.

Belongs here: names of variables, and how their texts are read. Does not belong here: what a value
may be (`values.py`).
"""

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from persona_assets import hash_key
from persona_assets import operation as running
from persona_assets import service_settings as serving
from persona_assets.errors import UserError
from persona_assets.settings.values import CONFIGURATIONS, DEFAULT_HOME, configuration, example
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS

_SCALARS = (str, int, float)
ENVIRONMENT = {
    "PERSONA_HOME",
    "PERSONA_LAKE",
    "PERSONA_STORAGE_OPTIONS",
    "PERSONA_ENGINE",
    "PERSONA_SPARK_MASTER",
    "PERSONA_SPARK_CONF",
    "PERSONA_SPARK_JARS",
    "PERSONA_HASH_KEY",
    "PERSONA_OLD_HASH_KEY",
    "PERSONA_EVENT_WEIGHTS",
    "PERSONA_TOP_K",
    "PERSONA_EXCLUDE",
    "PERSONA_SEED",
    "PERSONA_RETENTION_DAYS",
    "PERSONA_SEGMENTATION",
    "PERSONA_EXPERIMENT",
    "PERSONA_ONLINE_URL",
    "PERSONA_RULES",
    "PERSONA_CATEGORY_CAP",
    *running.NAMES,
    *serving.NAMES,
}
MLFLOW = "MLFLOW_TRACKING_URI"


def home_of(environment: Mapping[str, str]) -> Path:
    """The home that the environment names."""
    return Path(environment.get("PERSONA_HOME") or DEFAULT_HOME).absolute()


def refuse_unknown(given: Mapping[str, str]) -> None:
    """Raise UserError for a `PERSONA_*` variable that is none of ours."""
    for name in sorted(given):
        if name.startswith("PERSONA_") and name not in ENVIRONMENT:
            near = difflib.get_close_matches(name, ENVIRONMENT, n=1)
            hint = (
                f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(ENVIRONMENT))}"
            )
            raise UserError(f"unknown setting {name} in the environment; unset it, or {hint}")


def refuse_other_than_text(given: Mapping[str, str], home: Path) -> None:
    """Settings go into files and to libraries that know UTF-8 alone."""
    values = {name: value for name, value in given.items() if name in ENVIRONMENT | {MLFLOW}}
    for name, value in {**values, "PERSONA_HOME": str(home)}.items():
        if not is_text(value):
            raise UserError(f"{name} holds bytes that are not UTF-8; correct it, or name another")


def is_text(value: str) -> bool:
    """Can it be written as UTF-8? Paths and settings of other bytes are Python's surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def read(given: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the environment gives, by the names of fields.

    Raises:
        UserError: a value is unusable; the text names the variable.
    """
    values: dict[str, Any] = {
        "operation": running.operation(given),
        "service": serving.service(given),
    }
    for name in ("lake", "engine", "spark_master", "spark_jars", "exclude", "online_url", "rules"):
        if text := given.get(f"PERSONA_{name.upper()}"):
            values[name] = text
    numbers = ("top_k", "seed", "retention_days", "category_cap")
    for name, key in ((f"PERSONA_{each.upper()}", each) for each in numbers):
        if text := given.get(name):
            try:
                values[key] = int(text)
            except ValueError as error:
                raise UserError(f"{name}={text!r} is not a whole number; set one") from error
    if text := given.get("PERSONA_STORAGE_OPTIONS"):
        values["storage_options"] = _storage_options(text)
    if text := given.get("PERSONA_SPARK_CONF"):
        values["spark_conf"] = _spark_conf(text)
    values |= _hash_keys(given)
    if text := given.get("PERSONA_EVENT_WEIGHTS"):
        values["event_weights"] = {**DEFAULT_WEIGHTS, **_weights(text)}
    return values | _segmenting(given)


def _segmenting(given: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, default in CONFIGURATIONS.items():
        variable = f"PERSONA_{name.upper()}"
        if text := given.get(variable):
            asked = _json_object(variable, text, f"'{json.dumps(example(default))}'")
            values[name] = configuration(default, asked, variable)
    # MLflow's own setting, not one of ours: where it is set, sweeps are tracked there as well.
    if text := given.get(MLFLOW):
        values["tracking_uri"] = text
    return values


def _storage_options(text: str) -> dict[str, str]:
    options = _json_object("PERSONA_STORAGE_OPTIONS", text, "'{\"region\": …}'")
    if unknown := [key for key, value in options.items() if not isinstance(value, str | int)]:
        raise UserError(
            f"PERSONA_STORAGE_OPTIONS: {', '.join(unknown)} is not text; quote each value"
        )
    return {key: str(value) for key, value in options.items()}


def _spark_conf(text: str) -> dict[str, str]:
    options = _json_object("PERSONA_SPARK_CONF", text, '\'{"spark.executor.memory": "8g"}\'')
    # The same shape as in Spark's own files, where a key ends at a blank or an equals sign.
    if unknown := [key for key in options if not re.fullmatch(r"spark\.[\w.\-]+", key)]:
        raise UserError(
            f"PERSONA_SPARK_CONF: {', '.join(unknown)} is not a Spark option; their names begin "
            "with spark."
        )
    if unknown := [key for key, value in options.items() if not isinstance(value, _SCALARS)]:
        raise UserError(f"PERSONA_SPARK_CONF: {', '.join(unknown)} is not text; quote each value")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in options.items()
    }


def _json_object(name: str, text: str, example: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or a thousand brackets deep
        options = None
    # The text may hold credentials, so it is not repeated.
    if not isinstance(options, dict):
        raise UserError(f"{name} is not a JSON object; set e.g. {example}")
    return options


def _hash_keys(given: Mapping[str, str]) -> dict[str, bytes]:
    names = ("hash_key", "old_hash_key")
    asked = {name: given.get(f"PERSONA_{name.upper()}") for name in names}
    return {
        name: _hash_key(f"PERSONA_{name.upper()}", text) for name, text in asked.items() if text
    }


def _hash_key(name: str, text: str) -> bytes:
    key = text.encode()
    low, high = hash_key.BYTES
    if not low <= len(key) <= high:
        raise UserError(
            f"{name} has {len(key)} bytes; use {low} to {high} (BLAKE2b's keys end there)"
        )
    return key


def _weights(text: str) -> dict[str, float]:
    weights = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError as error:
            raise UserError(
                f"PERSONA_EVENT_WEIGHTS: {part!r} is not name=number; write e.g. "
                "view=1,add_to_cart=3,purchase=5"
            ) from error
    return weights
