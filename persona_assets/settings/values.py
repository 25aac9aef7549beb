"""Names, types, defaults and validation of a home's settings.

Belongs here: what a setting may be, wherever it was read. Does not belong here: reading
`persona.toml` (`file.py`) or the environment (`environment.py`).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, get_args

from persona_assets import hash_key
from persona_assets import operation as running
from persona_assets import service_settings as serving
from persona_assets.errors import UserError
from persona_assets.experiments.config import ExperimentConfig
from persona_assets.live_experiments.declaration import LiveExperiment
from persona_assets.recommenders.exclusion import Exclusion
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.tables.mart import EVENT_TYPES
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS

DEFAULT_HOME = ".persona"
ENGINES = ("polars", "spark")
# Of no secrecy: used only for sources whose identifiers are public, so that their tables are the
# same everywhere.
PUBLIC_HASH_KEY = b"persona_assets: public identifiers"
Configuration = SegmentationConfig | ExperimentConfig
CONFIGURATIONS: Mapping[str, Configuration] = {
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
    live_experiments: tuple[LiveExperiment, ...] = ()
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


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0


def example(default: Configuration) -> dict[str, float]:
    """One field, as an example to follow."""
    return dict([next(iter(asdict(default).items()))])


def configuration(default: Configuration, values: object, where: str) -> Configuration:
    """The configuration with the named fields changed, of the types that the fields have."""
    if not isinstance(values, dict):
        ((name, usual),) = example(default).items()
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
