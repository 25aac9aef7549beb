"""The resources of a home."""

from typing import TYPE_CHECKING, NotRequired, TypedDict

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
