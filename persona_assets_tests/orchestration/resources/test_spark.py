"""Which settings reach Spark, and when: not before the first frame of Spark's."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from persona_assets.lake.polars_engine import PolarsEngine
from persona_assets.lake.spark_engine import SparkEngine
from persona_assets.orchestration.resources.build import build_resources, build_store
from persona_assets.orchestration.resources.spark import spark_options, spark_resource
from persona_assets.settings import Settings

DRIVER_ONLY = """
import polars as pl
from datetime import date
from persona_assets.definitions import defs
from persona_assets.errors import UserError
from persona_assets.tables.mart import QUARANTINE
from persona_assets.tables.raw import PRODUCTS

from persona_assets.orchestration.resources.build import resources_of
store = resources_of(defs)["lake"].store
assert store.engine.distributed
written = store.overwrite(PRODUCTS, PRODUCTS.empty())
day = date(2025, 1, 1)
store.overwrite(QUARANTINE, QUARANTINE.empty(), partitions=[day])
assert store.read(PRODUCTS, columns=["brand"]).columns == ["brand"]
assert store.digests(PRODUCTS) == {"": (0, 0)}
assert len(store.history(PRODUCTS)) == 2
try:
    store.scan(PRODUCTS)
except UserError as error:
    print(error)
"""


def test_nothing_starts_a_jvm_before_a_frame_of_spark_is_used(tmp_path):
    """Definitions, reads and writes of what lies in this process do without; here is no Java."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER_ONLY],
        env=os.environ
        | {
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PERSONA_HOME": str(tmp_path),
            "PERSONA_ENGINE": "spark",
            "JAVA_HOME": "/no/java/here",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1_200,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Spark needs Java: /no/java/here/bin/java")
    assert not (tmp_path / "spark.log").exists()


def test_the_settings_choose_the_engine(tmp_path):
    embedded = Settings(home=tmp_path)
    assert isinstance(build_store(embedded).engine, PolarsEngine)
    assert "pyspark" not in build_resources(embedded)
    distributed = Settings(home=tmp_path, engine="spark")
    assert isinstance(build_store(distributed).engine, SparkEngine)
    assert "pyspark" in build_resources(distributed)


def test_what_spark_is_told_of_a_home(tmp_path):
    local = spark_options(Settings(home=tmp_path, engine="spark"))
    assert (local.master, local.log) == ("local[*]", tmp_path / "spark.log")
    assert (local.conf, local.packages, local.environment) == ({}, (), {})
    far = spark_options(
        Settings(
            home=tmp_path,
            lake="s3://bucket/lake",
            storage_options={"AWS_ACCESS_KEY_ID": "who", "AWS_SECRET_ACCESS_KEY": "hush"},
            engine="spark",
            spark_master="spark://host:7077",
            spark_conf={"spark.jars.excludes": "com.example:less", "spark.cores.max": "4"},
            spark_jars="provided",
        )
    )
    assert (far.master, far.jars) == ("spark://host:7077", "provided")
    assert far.conf["spark.cores.max"] == "4"
    # The lake's own options stay beside the user's.
    assert "spark.hadoop.fs.s3.impl" in far.conf
    assert far.conf["spark.jars.excludes"].endswith(",com.example:less")
    assert far.environment["AWS_SECRET_ACCESS_KEY"] == "hush"
    assert "hush" not in f"{far}{far.conf}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, engine="spark", spark_conf={"spark.secret": "hush"})


def test_assets_of_a_shop_get_the_lakes_own_session(spark, settings):
    @dg.asset(required_resource_keys={"pyspark"})
    def seen(context: dg.AssetExecutionContext) -> None:
        assert context.resources.pyspark.spark_session is spark

    resources = {"pyspark": spark_resource(settings)}
    assert dg.materialize([seen], resources=resources).success


def test_dagster_is_told_no_option(settings):
    resource = spark_resource(settings)
    assert "hush" not in f"{resource!r}{resource.model_dump()}{build_store(settings)!r}"
