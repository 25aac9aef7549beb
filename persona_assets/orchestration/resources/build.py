"""The resources of a home."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

import dagster as dg

from persona_assets.lake import DeltaStore, spark_session
from persona_assets.lake.engine import Engine
from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.lake.spark_engine import SparkEngine
from persona_assets.orchestration.resources.lake import LakeIOManager
from persona_assets.orchestration.resources.source import ShopResource
from persona_assets.orchestration.resources.spark import spark_options, spark_resource
from persona_assets.serving.online.opening import open_store
from persona_assets.serving.online.store import OnlineStore
from persona_assets.settings import Settings

if TYPE_CHECKING:
    from dagster_pyspark import LazyPySparkResource


def build_store(settings: Settings) -> DeltaStore:
    """The lake of a home; no session is started before a frame of Spark's is asked for."""
    engine: Engine = PolarsEngine()
    if settings.engine == SparkEngine.name:
        options = spark_options(settings)
        engine = SparkEngine(lambda: spark_session.start(options))
    return DeltaStore(settings.lake_root, engine, settings.storage_options)


class HomeResources(TypedDict):
    """Resource key → resource: the names of the parameters by which assets take them."""

    lake: LakeIOManager
    shop: ShopResource
    online_store: OnlineStore
    pyspark: NotRequired["LazyPySparkResource"]


def build_resources(settings: Settings) -> HomeResources:
    """The resources of a home, each opened when first used."""
    resources: HomeResources = {
        "lake": LakeIOManager(
            build_store(settings), plots=settings.home / "plots", reports=settings.home / "reports"
        ),
        "shop": ShopResource(settings),
        "online_store": open_store(settings.home, settings.online_url or None),
    }
    if settings.engine == SparkEngine.name:
        # The lake's own session, for assets that a shop adds.
        resources["pyspark"] = spark_resource(settings)
    return resources


DESCRIPTIONS = {
    "lake": "Reads and writes the Delta tables of the home, by partition and with provenance.",
    "shop": "The source of the raw tables, the home's settings, and the key that hides people.",
    "online_store": "Features by identifier for the service: staged, compared, then published.",
}
_Described = dg.ResourceDefinition | dg.ConfigurableResource


def described(resources: Mapping[str, object]) -> dict[str, _Described]:
    """`resources` as Dagster shows them, each with what it is for."""
    found: dict[str, _Described] = {}
    for name, each in resources.items():
        if isinstance(each, dg.ResourceDefinition | dg.ConfigurableResource):
            found[name] = each  # which says it itself
        elif isinstance(each, dg.IOManager):
            found[name] = dg.IOManagerDefinition.hardcoded_io_manager(each, DESCRIPTIONS.get(name))
        else:
            found[name] = dg.ResourceDefinition.hardcoded_resource(each, DESCRIPTIONS.get(name))
    return found


def resources_of(defs: dg.Definitions) -> HomeResources:
    """The resources that a graph was built with, out of their descriptions."""
    # What `described` wraps is there already and asks for no context; making one takes Dagster an
    # instance with migrated databases, a third of a second each.
    opened = {
        name: each.resource_fn(cast(dg.InitResourceContext, None))  # type: ignore[call-arg]
        if isinstance(each, dg.ResourceDefinition)
        else each
        for name, each in (defs.resources or {}).items()
    }
    return cast(HomeResources, opened)
