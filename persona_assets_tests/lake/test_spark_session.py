"""One quiet session in a process; one clear message where it cannot start.

What must be tried in a fresh process is one of its own: this process has its session already.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from persona_assets.lake import spark_session

CONF = {
    "spark.driver.memory": "500m",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    # Without Delta's jars: nothing is fetched, and Spark is not told of classes it lacks.
    "spark.sql.extensions": "",
    "spark.hadoop.token": "hush-hush",
}
START = """
import json, sys
from pathlib import Path
from persona_assets.lake import spark_session
from persona_assets.lake.spark_options import SparkOptions

given = json.loads(sys.argv[1])
try:
    spark_session.start(SparkOptions(Path(given.pop("log")), **given))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


USE = """
from pyspark.errors import PySparkException

session = spark_session._ours.session
process = spark_session._ours.gateway.proc
command = Path(f"/proc/{process.pid}/cmdline").read_text()
assert "hush" not in command
try:
    session.sql("SELECT 1 / 0").collect()
except PySparkException:
    print(process.pid, session.sparkContext.getConf().get("spark.hadoop.token"))
"""


def python(code: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A fresh process; nothing that it starts may outlive it."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1_200,
    )


def test_a_process_has_one_session(spark, spark_options):
    assert spark_session.start(spark_options) is spark
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.sparkContext.pythonExec == sys.executable


def test_somebody_elses_session_is_shared_and_left_as_it_is(spark, spark_options, monkeypatch):
    """On Databricks or in a notebook: their cluster, our time zone."""
    monkeypatch.setattr(spark_session._ours, "session", None)
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    try:
        ours = spark_session.start(spark_options)
        assert spark_session.start(spark_options) is ours
        assert ours is not spark
        assert ours.sparkContext is spark.sparkContext
        assert ours.conf.get("spark.sql.session.timeZone") == "UTC"
        assert spark.conf.get("spark.sql.session.timeZone") == "Europe/Berlin"
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"master": "nowhere"}, "Master must either be yarn or start with spark"),
        (
            {"jars": "provided", "conf": {"spark.jars.packages": "no-coordinate"}},
            "Coordinates must be in the form .* provided is: no-coordinate",
        ),
        ({"conf": {"spark.driver.memory": "1x"}}, "Invalid maximum heap size: -Xmx1x"),
    ],
)
def test_what_the_jvm_refuses_is_quoted_in_a_line(java, tmp_path, options, said):
    log = tmp_path / "home" / "spark.log"
    done = python(START, json.dumps({"log": str(log), "jars": "provided"} | options))
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert re.fullmatch(
        rf"InfrastructureError: Spark's JVM ended as it started: .*{said}.*; "
        rf"correct that \({log} has the details\)",
        line,
    )
    assert log.read_text()


def test_a_log_that_cannot_be_written_is_named(java, tmp_path):
    (tmp_path / "home").write_text("in the way")
    log = tmp_path / "home" / "spark.log"
    done = python(START, json.dumps({"log": str(log), "jars": "provided"}))
    assert re.search(rf"UserError: cannot write Spark's log {log}: .*PERSONA_HOME", done.stderr)


def test_a_session_speaks_to_its_log_alone_and_ends_with_its_process(spark_options, java, tmp_path):
    log = tmp_path / "spark.log"
    given = {"log": str(log), "master": "local[1]", "jars": "provided", "conf": CONF}
    done = python(START + USE, json.dumps(given))
    assert done.stderr == ""
    assert done.returncode == 0
    pid, secrets = done.stdout.split()
    assert secrets == "hush-hush"
    assert "hush" not in log.read_text()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.1)
    else:
        pytest.fail("the JVM lives on")
