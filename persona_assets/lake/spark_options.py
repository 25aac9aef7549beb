"""The options that a Spark session is started with.

Belongs here: our defaults, and how the user's options go over them. Does not belong here: what an
object store asks of Spark (`object_store.py`), or starting a session (`spark_session.py`).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOCAL = "local[*]"
PROVIDED = "provided"
"""Word for jars that the cluster brings by itself."""
# The newest Delta for Spark 4.2 whose jar is on Maven Central (4.4.1 is there for Python only).
DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
# What Spark ships by itself, and Unity Catalog's client: with them Delta is 33 jars and 87 MB,
# without 5 jars and 12 MB.
EXCLUDES = (
    "com.fasterxml.jackson.*:*",
    "com.github.luben:*",
    "com.google.code.findbugs:*",
    "commons-logging:*",
    "commons-pool:*",
    "io.airlift:*",
    "io.unitycatalog:*",
    "javax.annotation:*",
    "org.apache.hadoop:hadoop-client-*",
    "org.apache.logging.log4j:*",
    "org.apache.parquet:*",
    "org.locationtech.jts:*",
    "org.roaringbitmap:*",
    "org.slf4j:*",
    "org.xerial.snappy:*",
)
# Days must begin at the same instant on every machine, and vectors go through Arrow.
SESSION_CONF = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Large enough for NumPy to pay, small enough for rows with vectors.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    # Rows that lie together by user are joined by user and product where they are.
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    # An overwrite of nothing by nothing is a commit, too: it says which run found no rows.
    "spark.databricks.delta.skipRecordingEmptyCommits": "false",
}
# A task of MLlib's ALS holds the lineage of all its rounds: Java's 1 MB is too little to unpack it.
_STACK = "-Xss4m"
_BASE_CONF = SESSION_CONF | {
    "spark.app.name": "persona_assets",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.extraJavaOptions": _STACK,
    "spark.executor.extraJavaOptions": _STACK,
}
# Ours and the user's are joined by this, not replaced one by the other.
_JOINED_BY = {
    "spark.jars.packages": ",",
    "spark.jars.excludes": ",",
    "spark.sql.extensions": ",",
    "spark.driver.extraJavaOptions": " ",
    "spark.executor.extraJavaOptions": " ",
}
# Tasks of a shuffle for each core: small ones are merged as they run, large ones need less memory.
_SHUFFLE_TASKS_PER_CORE = 4


@dataclass(frozen=True)
class SparkOptions:
    """Where Spark runs and what it is given.

    Attributes:
        log: file for everything that the JVM says.
        master: as Spark spells it: `local[*]`, `spark://host:7077`, `yarn`, `k8s://…`.
        conf: `spark.*` options over our defaults.
        jars: paths or URLs of Delta's jars, comma-separated; `provided`: the cluster has them;
            empty: resolved from Maven Central.
        packages: Maven coordinates beside Delta's own.
        environment: variables that the JVM gets and this process does not keep.
    """

    log: Path
    master: str = LOCAL
    conf: Mapping[str, str] = field(default_factory=dict, repr=False)
    jars: str = ""
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Does Spark run within one JVM on this machine?"""
        return self.master.startswith("local")


def configuration(options: SparkOptions) -> dict[str, str]:
    """Every `spark.*` option that a session of `options` is started with."""
    conf = _BASE_CONF | {"spark.master": options.master}
    if options.is_local:
        cores = os.cpu_count() or 1
        conf |= {
            "spark.driver.memory": f"{_half_of_the_memory()}m",
            "spark.sql.shuffle.partitions": str(_SHUFFLE_TASKS_PER_CORE * cores),
            "spark.ui.enabled": "false",
            # Delta's default of 50 tasks to read a small log takes seconds.
            "spark.databricks.delta.snapshotPartitions": "2",
        }
    if not options.jars:
        conf["spark.jars.packages"] = ",".join([DELTA, *options.packages])
        conf["spark.jars.excludes"] = ",".join(EXCLUDES)
    elif options.jars != PROVIDED:
        conf["spark.jars"] = options.jars
    return joined(conf, options.conf)


def joined(conf: Mapping[str, str], over: Mapping[str, str]) -> dict[str, str]:
    """The options of `conf` replaced by those of `over`; what is a list in both is added up."""
    lists = {
        name: f"{conf[name]}{by}{over[name]}"
        for name, by in _JOINED_BY.items()
        if name in conf and name in over
    }
    return {**conf, **over, **lists}


def _half_of_the_memory() -> int:
    """Megabytes for the JVM: half of the machine's, for Python needs the rest; at least 1 GB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1024, total // 2 // 2**20)
