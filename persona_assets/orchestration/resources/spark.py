"""Spark as a Dagster resource: the session of this process, started when it is first asked for.

Belongs here: which of the settings reach Spark. Does not belong here: how a session is configured
and started (`lake/spark_session.py`), or what an object store asks of it (`lake/object_store.py`).
"""

from typing import TYPE_CHECKING

from persona_assets.lake import object_store, spark_session
from persona_assets.lake.spark_options import LOCAL, SparkOptions, joined
from persona_assets.settings import Settings

if TYPE_CHECKING:
    from dagster_pyspark import LazyPySparkResource


def spark_options(settings: Settings) -> SparkOptions:
    """What a home's session is started with; the user's own options win over the lake's."""
    root, storage = settings.lake_root, settings.storage_options
    return SparkOptions(
        log=settings.home / "spark.log",
        master=settings.spark_master or LOCAL,
        conf=joined(object_store.spark_conf(root, storage), settings.spark_conf),
        jars=settings.spark_jars,
        packages=object_store.spark_packages(root),
        environment=object_store.spark_environment(storage),
    )


def spark_resource(settings: Settings) -> "LazyPySparkResource":
    """dagster-pyspark's lazy resource over our own way of starting: checks first, a quiet JVM.

    Its `spark_config` stays empty: options may hold secrets, and Dagster shows configurations.
    """
    from dagster_pyspark import LazyPySparkResource  # imports pyspark

    options = spark_options(settings)

    class SparkResource(LazyPySparkResource):
        def _init_session(self) -> None:
            self._spark_session = spark_session.start(options)

    return SparkResource(spark_config={})
