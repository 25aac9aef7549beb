"""What Dagster knows of a step, as the lake's provenance wants it.

Belongs here: windows from partition mappings, the digest of the settings behind an asset, and the
versions of what a source delivers. Does not belong here: keeping records (`lake/provenance.py`) or
drawing conclusions from them (`orchestration/runs/due.py`).
"""

import hashlib
from collections.abc import Mapping, Sequence

import dagster as dg

from persona_assets.lake import DeltaStore
from persona_assets.lake.provenance import Contents, Records
from persona_assets.lake.windows import EVERYTHING, Window, Windows
from persona_assets.resources.source import ShopResource
from persona_assets.tuning.configurations import in_use

SETTINGS = "persona/settings"
"""Metadata of an asset: the names of the settings that what it makes depends on."""
SOURCE = "source"
"""Name under which a raw table's partitions keep the version of what was delivered."""
CONFIGURATIONS = "configurations"
"""Name that stands for the promoted configurations of all models; `configurations/als` for one."""

ALL_SETTINGS = (
    "top_k", "exclude", "seed", "event_weights", "segmentation", "hash_key", CONFIGURATIONS,
)  # fmt: skip
"""Behind every asset that takes the shop and names none."""


def window(
    partitions: dg.PartitionsDefinition | None,
    upstream: dg.PartitionsDefinition | None,
    mapping: dg.PartitionMapping | None,
) -> Window:
    """The window of an input by its mapping."""
    if partitions is None or upstream is None or isinstance(mapping, dg.AllPartitionMapping):
        return EVERYTHING
    days = 7 if isinstance(partitions, dg.WeeklyPartitionsDefinition) else 1
    if isinstance(mapping, dg.TimeWindowPartitionMapping):
        return Window(days, mapping.start_offset, mapping.end_offset)
    return Window(days)


def windows(context: dg.AssetExecutionContext) -> Windows:
    """The windows of the step's inputs, by the path of each."""
    layer = context.job_def.asset_layer
    assets = context.assets_def
    return {
        "/".join(dep.asset_key.path): window(
            assets.partitions_def,
            layer.get(dep.asset_key).partitions_def,
            dep.partition_mapping,
        )
        for spec in assets.specs
        for dep in spec.deps
        if dep.asset_key not in assets.keys
    }


def input_digests(
    keys: Sequence[str], reads: Windows, records: Records
) -> dict[str, dict[str, str]]:
    """Partition key → input → digest of what the partition reads of it, by the records."""
    contents = {path: Contents(records.get(path, {})) for path in reads}
    return {
        key: {path: contents[path].digest(*window.of(key)) for path, window in reads.items()}
        for key in keys
    }


def settings_digest(names: Sequence[str], shop: ShopResource, store: DeltaStore) -> str:
    """Digest of the named settings' values; a secret one shows in none of its bits."""
    digest = hashlib.blake2b(digest_size=8)
    promoted: Mapping[str, Mapping[str, object]] | None = None
    for name in sorted(names):
        kind, _, model = name.partition("/")
        if kind == CONFIGURATIONS:
            promoted = in_use(store) if promoted is None else promoted
            value: object = {
                key: row["parameters"]
                for key, row in sorted(promoted.items())
                if key == (model or key)
            }
        elif name == "hash_key":
            value = hashlib.blake2b(b"settings behind a table", key=shop.hash_key).hexdigest()
        elif name == "event_weights":
            value = sorted(shop.settings.event_weights.items())
        else:
            value = getattr(shop.settings, name)
        digest.update(f"{name}={value!r}\n".encode())
    return digest.hexdigest()


def names_of(metadata: Mapping[str, object]) -> tuple[str, ...]:
    """The settings that an asset's metadata name."""
    found = metadata.get(SETTINGS)
    value = found.value if isinstance(found, dg.JsonMetadataValue) else found
    return tuple(str(name) for name in value) if isinstance(value, Sequence) else ()
