"""Provenance of a Dagster step: windows, settings and versions for the lake's records.

Belongs here: windows from partition mappings, the digest of the settings behind an asset, and the
versions of what a source delivers. Does not belong here: keeping records (`lake/provenance.py`) or
drawing conclusions from them (`orchestration/runs/due.py`).
"""

import hashlib
from collections.abc import Mapping, Sequence

import dagster as dg

from persona_assets.lake import DeltaStore
from persona_assets.lake.windows import EVERYTHING, Window, Windows
from persona_assets.lifecycle.append import held
from persona_assets.lifecycle.configurations import in_use
from persona_assets.merchandising.rules_file import read_rules
from persona_assets.orchestration.dagster_internals.graph import partitions_in_job
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.tables import raw
from persona_assets.tables.collected import IMPRESSIONS
from persona_assets.tables.lifecycle import PROMOTIONS

SETTINGS = "persona/settings"
"""Metadata of an asset: the names of the settings that what it makes depends on."""
WINDOWS = "persona/windows"
"""Metadata of an asset: what its partition mappings do not say of what it reads (`Reads`)."""
HISTORIES = frozenset({raw.USER_HISTORY.path, raw.PRODUCT_HISTORY.path})
"""Tables of which only what was known in time is read (`transforms/attribute_history.py`)."""
SOURCE = "source"
"""Name under which a raw table's partitions keep the version of what was delivered."""
CONFIGURATIONS = "configurations"
"""Name that stands for the promoted configurations of all models; `configurations/als` for one."""
PROMOTED = "promotions"
"""Name that stands for the decisions about which model serves."""
LIVE_EXPERIMENTS = "live_experiments"
"""Name that stands for what the home declares, and for what the service has brought in of it."""
RULES = "rules"
"""Name that stands for what the shop's file of rules holds."""

ALL_SETTINGS = (
    "top_k", "exclude", "seed", "event_weights", "segmentation", "hash_key", CONFIGURATIONS,
)  # fmt: skip
"""Behind every asset that takes the shop and names none."""


def window(
    partitions: dg.PartitionsDefinition | None,
    upstream: dg.PartitionsDefinition | None,
    mapping: dg.PartitionMapping | None,
    path: str = "",
    said: Mapping[str, str] | None = None,
) -> Window:
    """The window of an input by its mapping, and by what the asset says of it.

    Args:
        partitions: of the asset.
        upstream: of the input.
        mapping: from one to the other.
        path: of the input.
        said: the asset's metadata `WINDOWS` of this input.
    """
    said = said or {}
    if partitions is None:
        return Window(until=said.get("until", ""))
    days = 7 if isinstance(partitions, dg.WeeklyPartitionsDefinition) else 1
    if upstream is None:
        if path not in HISTORIES:
            return EVERYTHING
        # A day is told with what is known at its end, a cut-off with what was known at its own.
        known_days = 1 if days == 1 else 0
        return Window(
            days,
            known_days=known_days,
            names=said.get("names", ""),
            named_in=said.get("named_in", ""),
        )
    if isinstance(mapping, dg.AllPartitionMapping):
        return EVERYTHING
    if isinstance(mapping, dg.TimeWindowPartitionMapping):
        return Window(days, mapping.start_offset, mapping.end_offset)
    return Window(days)


def windows_of(context: dg.AssetExecutionContext | dg.InputContext) -> Windows:
    """The windows of the inputs of the step under way, by the path of each."""
    assets = _assets_of(context)
    if assets is None:
        return {}
    found: dict[str, Window] = {}
    for spec in assets.specs:
        said = said_of_windows(spec.metadata)
        for dep in spec.deps:
            if dep.asset_key not in assets.keys:
                path = "/".join(dep.asset_key.path)
                upstream = partitions_in_job(context, dep.asset_key)
                found[path] = window(
                    assets.partitions_def, upstream, dep.partition_mapping, path, said.get(path)
                )
    return found


def _assets_of(
    context: dg.AssetExecutionContext | dg.InputContext,
) -> dg.AssetsDefinition | None:
    if isinstance(context, dg.AssetExecutionContext):
        return context.assets_def
    return context.step_context.assets_def


def said_of_windows(metadata: Mapping[str, object]) -> Mapping[str, Mapping[str, str]]:
    """What an asset's metadata say of its windows, by the path of each input."""
    found = metadata.get(WINDOWS)
    value = found.value if isinstance(found, dg.JsonMetadataValue) else found
    return value if isinstance(value, Mapping) else {}


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
        elif name == PROMOTED:
            value = held(store, PROMOTIONS).select("decision", "model").rows()
        elif name == RULES:
            value = read_rules(shop.settings.rules).rows()
        elif name == LIVE_EXPERIMENTS:
            declared = shop.settings.live_experiments
            value = [
                (each.name, each.as_plan(), store.data_version(IMPRESSIONS)) for each in declared
            ]
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
