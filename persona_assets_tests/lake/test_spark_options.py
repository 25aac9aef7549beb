from pathlib import Path

import pytest

from persona_assets.lake.spark_options import DELTA, EXCLUDES, SparkOptions, configuration, joined

LOG = Path("spark.log")


def test_a_users_options_go_over_ours():
    conf = configuration(
        SparkOptions(LOG, conf={"spark.driver.memory": "3g", "spark.sql.shuffle.partitions": "7"})
    )
    assert (conf["spark.driver.memory"], conf["spark.sql.shuffle.partitions"]) == ("3g", "7")
    assert conf["spark.master"] == "local[*]"
    assert conf["spark.sql.session.timeZone"] == "UTC"


def test_lists_are_added_to_ours():
    """Who brings the Kafka source or an extension of SQL must not lose Delta."""
    conf = configuration(
        SparkOptions(
            LOG,
            packages=("org.apache.hadoop:hadoop-aws:3.5.0",),
            conf={
                "spark.jars.packages": "com.example:more:1",
                "spark.jars.excludes": "com.example:less",
                "spark.sql.extensions": "com.example.More",
                "spark.executor.extraJavaOptions": "-Dmore=1",
            },
        )
    )
    assert conf["spark.jars.packages"] == (
        f"{DELTA},org.apache.hadoop:hadoop-aws:3.5.0,com.example:more:1"
    )
    assert conf["spark.jars.excludes"] == ",".join([*EXCLUDES, "com.example:less"])
    assert conf["spark.sql.extensions"] == (
        "io.delta.sql.DeltaSparkSessionExtension,com.example.More"
    )
    assert conf["spark.executor.extraJavaOptions"] == "-Xss4m -Dmore=1"
    assert joined({"spark.a": "1"}, {"spark.a": "2"}) == {"spark.a": "2"}


@pytest.mark.parametrize(
    ("jars", "named"), [("provided", None), ("/a.jar,/b.jar", "/a.jar,/b.jar")]
)
def test_jars_that_are_given_are_not_resolved(jars, named):
    conf = configuration(SparkOptions(LOG, jars=jars))
    assert conf.get("spark.jars") == named
    assert "spark.jars.packages" not in conf


def test_a_cluster_keeps_its_own_sizes():
    conf = configuration(SparkOptions(LOG, master="spark://h:7077"))
    assert not {"spark.driver.memory", "spark.sql.shuffle.partitions", "spark.ui.enabled"} & set(
        conf
    )


def test_nothing_that_may_be_secret_is_shown():
    hush = {"spark.hadoop.secret": "hush"}
    shown = repr(SparkOptions(LOG, conf=hush, environment={"AWS_SECRET_ACCESS_KEY": "hush"}))
    assert "hush" not in shown
