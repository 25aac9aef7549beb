"""Every knob, read in one place: `PERSONA_*` environment over `<home>/persona.toml` over defaults.

Belongs here: names, types, defaults and validation of settings. Does not belong here: what is done
with them. Nothing else in the package reads the environment.
"""

import difflib
import json
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

from persona_assets import hash_key, regular_files
from persona_assets import operation as running
from persona_assets import service_settings as serving
from persona_assets.errors import UserError
from persona_assets.experiments.config import ExperimentConfig
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.tables.mart import EVENT_TYPES
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS

FILE_NAME = "persona.toml"
DEFAULT_HOME = ".persona"
ENGINES = ("polars", "spark")
# Of no secrecy: used only for sources whose identifiers are public, so that their tables are the
# same everywhere.
PUBLIC_HASH_KEY = b"persona_assets: public identifiers"
_SCALARS = (str, int, float)
_ENVIRONMENT = {
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
_MLFLOW = "MLFLOW_TRACKING_URI"
_Configuration = SegmentationConfig | ExperimentConfig
_CONFIGURATIONS: Mapping[str, _Configuration] = {
    "segmentation": SegmentationConfig(),
    "experiment": ExperimentConfig(),
}
"""Settings that are tables of numbers, with their defaults."""


@dataclass(frozen=True)
class SourceSettings:
    """Which raw data the graph stands on. `end` is exclusive; None: open-ended, up to today."""

    name: str = "synthetic"
    start: date = date(2025, 1, 1)
    end: date | None = date(2025, 3, 2)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """One home's settings."""

    home: Path = Path(DEFAULT_HOME)
    lake: str = ""
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    engine: str = "polars"
    spark_master: str = ""
    spark_conf: Mapping[str, str] = field(default_factory=dict, repr=False)
    spark_jars: str = ""
    source: SourceSettings = field(default_factory=SourceSettings)
    event_weights: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    top_k: int = 50
    exclude: Exclusion = "bought"
    seed: int = 7
    retention_days: int = 7
    segmentation: SegmentationConfig = field(default_factory=SegmentationConfig)
    experiment: ExperimentConfig = field(default_factory=ExperimentConfig)
    tracking_uri: str = field(default="", repr=False)
    online_url: str = field(default="", repr=False)
    rules: str = ""
    category_cap: int = 0
    operation: running.Operation = field(default_factory=running.Operation)
    service: serving.ServiceSettings = field(default_factory=serving.ServiceSettings)
    hash_key: bytes | None = field(default=None, repr=False)
    old_hash_key: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if type(self.top_k) is not int or self.top_k < 1:
            raise UserError(
                f"top_k must be a whole number of at least 1, got {self.top_k!r}; pass a positive "
                "--k or PERSONA_TOP_K"
            )
        if type(self.seed) is not int or not 0 <= self.seed < 2**32:
            raise UserError(
                f"seed must be a whole number from 0 to {2**32 - 1}, got {self.seed!r}; correct "
                "PERSONA_SEED or the seed in persona.toml"
            )
        if type(self.retention_days) is not int or not 1 <= self.retention_days < 100_000:
            raise UserError(
                f"retention_days must be a whole number from 1 to 99999, got "
                f"{self.retention_days!r}: within a day, whoever began to read before a file was "
                "replaced may still be reading it; "
                "change PERSONA_RETENTION_DAYS or retention_days in persona.toml"
            )
        if type(self.category_cap) is not int or self.category_cap < 0:
            raise UserError(
                f"PERSONA_CATEGORY_CAP is {self.category_cap!r}; give the most products of one "
                "category in a list, or 0 for as many as there are"
            )
        if self.exclude not in get_args(Exclusion):
            raise UserError(
                f"exclude is {self.exclude!r}; use one of {', '.join(get_args(Exclusion))}"
            )
        if self.engine not in ENGINES:
            raise UserError(f"PERSONA_ENGINE is {self.engine!r}; use {' or '.join(ENGINES)}")
        if self.source.end is not None and self.source.end <= self.source.start:
            raise UserError(
                f"the source ends on {self.source.end}, which is not after its start "
                f"{self.source.start}; pass an --end after --start (the end day is not included)"
            )
        for name, weight in self.event_weights.items():
            if name not in EVENT_TYPES or not _is_weight(weight):
                raise UserError(
                    f"event weight {name}={weight} is not usable; name {', '.join(EVENT_TYPES)} "
                    "with weights of 0 or more in PERSONA_EVENT_WEIGHTS"
                )

    @property
    def lake_root(self) -> str:
        """Root of the Delta tables: a folder or an object-store URL."""
        return self.lake or str(self.home / "lake")

    def secret_key(self, *, identifiers_are_public: bool) -> bytes:
        """Key of the user identifiers' hashes, held to the one that the lake was made with.

        A shop's own key comes from `PERSONA_HASH_KEY` or, once made, from the home's `hash_key`
        file, readable by its owner only. Sources with public identifiers use a public key.

        Raises:
            UserError: the key is lost, or another than the lake's.
        """
        from persona_assets.lake import DeltaStore, key_record  # with it come deltalake and pyarrow

        store = DeltaStore(self.lake_root, storage_options=self.storage_options)
        file = self.home / hash_key.FILE_NAME
        if self.hash_key is not None:
            key, origin = self.hash_key, "PERSONA_HASH_KEY"
        elif identifiers_are_public:
            key, origin = PUBLIC_HASH_KEY, "the key of sources with public identifiers"
        else:
            lost = not file.exists() and (record := key_record.load(store)) is not None
            if lost and record is not None and key_record.holds_identifiers(store):
                raise UserError(
                    f"the identifiers in the lake {store.root} were made with the hash key of "
                    f"fingerprint {record.fingerprint}, but there is no file {file}; "
                    f"{key_record.WAYS_OUT}"
                )
            key, origin = hash_key.of(self.home), str(file)
        key_record.require(store, key, origin)
        return key


def home_of(environment: Mapping[str, str]) -> Path:
    """The home that the environment names."""
    return Path(environment.get("PERSONA_HOME") or DEFAULT_HOME).absolute()


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the home that `PERSONA_HOME` names.

    Raises:
        UserError: an unknown `PERSONA_*` variable or an unusable value.
    """
    given = os.environ if environment is None else environment
    _refuse_unknown(given)
    home = home_of(given)
    _refuse_other_than_text(given, home)
    stored = _stored(home / FILE_NAME)
    values: dict[str, Any] = {"home": home}
    if "source" in stored:
        values["source"] = _source(stored.pop("source"), home / FILE_NAME)
    for name, default in _CONFIGURATIONS.items():
        if name in stored:
            stored[name] = _configuration(default, stored[name], f"{home / FILE_NAME}: [{name}]")
    known = {"top_k", "exclude", "seed", "retention_days", "event_weights", *_CONFIGURATIONS}
    if "event_weights" in stored:
        if not isinstance(stored["event_weights"], dict):
            raise UserError(
                f"{home / FILE_NAME}: event_weights is not a table; write e.g. [event_weights] and "
                "below it view = 1.0"
            )
        stored["event_weights"] = {**DEFAULT_WEIGHTS, **stored["event_weights"]}
    if unknown := sorted(stored.keys() - known):
        raise UserError(
            f"{home / FILE_NAME}: unknown setting(s) {', '.join(unknown)}; known are source, "
            f"{', '.join(sorted(known))}"
        )
    values |= stored
    values |= _from_environment(given)
    settings = Settings(**values)
    from persona_assets.lake import object_store  # with it come deltalake and pyarrow

    if "://" not in settings.lake_root and Path(settings.lake_root).is_file():
        raise UserError(
            f"the lake {settings.lake_root} is a file and no folder; move it away, or point "
            "PERSONA_LAKE at another folder"
        )
    return replace(
        settings,
        storage_options=object_store.options(settings.lake_root, settings.storage_options, given),
    )


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
        **{name: asdict(getattr(settings, name)) for name in _CONFIGURATIONS},
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


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in sorted(given):
        if name.startswith("PERSONA_") and name not in _ENVIRONMENT:
            near = difflib.get_close_matches(name, _ENVIRONMENT, n=1)
            hint = (
                f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(_ENVIRONMENT))}"
            )
            raise UserError(f"unknown setting {name} in the environment; unset it, or {hint}")


def _refuse_other_than_text(given: Mapping[str, str], home: Path) -> None:
    """Settings go into files and to libraries that know UTF-8 alone."""
    values = {name: value for name, value in given.items() if name in _ENVIRONMENT | {_MLFLOW}}
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


def _from_environment(given: Mapping[str, str]) -> dict[str, Any]:
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
    for name, default in _CONFIGURATIONS.items():
        variable = f"PERSONA_{name.upper()}"
        if text := given.get(variable):
            asked = _json_object(variable, text, f"'{json.dumps(_example(default))}'")
            values[name] = _configuration(default, asked, variable)
    # MLflow's own setting, not one of ours: where it is set, sweeps are tracked there as well.
    if text := given.get(_MLFLOW):
        values["tracking_uri"] = text
    return values


def _example(default: _Configuration) -> dict[str, float]:
    """One field, as an example to follow."""
    return dict([next(iter(asdict(default).items()))])


def _configuration(default: _Configuration, values: object, where: str) -> _Configuration:
    """The configuration with the named fields changed, of the types that the fields have."""
    if not isinstance(values, dict):
        ((name, usual),) = _example(default).items()
        raise UserError(
            f"{where} = {values!r} is not a table of fields; write e.g. {name} = {usual} below it"
        )
    fields_ = asdict(default)
    for name, value in values.items():
        expected = fields_.get(name, value)
        wanted = (int,) if isinstance(expected, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            kind = "a whole number" if wanted == (int,) else "a number"
            raise UserError(f"{where}: {name} is {value!r}, which is not {kind}; give one")
    try:
        return type(default).of(values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0


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
