"""The resources of a home."""

from pathlib import Path

from persona_assets.lake import DeltaStore
from persona_assets.resources.lake import LakeIOManager
from persona_assets.resources.source import ShopResource
from persona_assets.serving.online_store import OnlineStore
from persona_assets.settings import Settings


def build_store(settings: Settings) -> DeltaStore:
    """The lake of a home."""
    return DeltaStore(settings.lake_root, storage_options=settings.storage_options)


def online_store_path(settings: Settings) -> Path:
    """File of the online feature store."""
    return settings.home / "online" / "features.sqlite"


def build_resources(settings: Settings) -> dict[str, object]:
    """Resource key → resource, each opened when first used."""
    return {
        "lake": LakeIOManager(
            build_store(settings), plots=settings.home / "plots", reports=settings.home / "reports"
        ),
        "shop": ShopResource(settings),
        "online_store": OnlineStore(online_store_path(settings)),
    }
