"""What keeps a session from starting is one clear message, without a JVM and without waiting."""

import os
import socket
from pathlib import Path

import pytest

from persona_assets.errors import InfrastructureError, UserError
from persona_assets.lake import spark_preflight
from persona_assets.lake.spark_options import DELTA, SparkOptions, configuration
from persona_assets.lake.spark_preflight import jars_exist, java, reachable, resolvable

MEND = r"install Java 17 .*openjdk-17-jre-headless.*JAVA_HOME.*or use PERSONA_ENGINE=polars"


def fake_java(folder: Path, version: str) -> Path:
    """A `java` that says what `version` says and is good for nothing else."""
    command = folder / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2021-01-19' >&2\n")
    command.chmod(0o755)
    return command


@pytest.fixture
def no_java(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")


def test_no_java_at_all(no_java):
    with pytest.raises(UserError, match=f"Spark needs Java: none was found on the PATH; {MEND}"):
        java()


@pytest.mark.parametrize(("version", "major"), [("11.0.9", 11), ("1.8.0_292", 8), ("16", 16)])
def test_an_old_java_is_named_with_its_place(no_java, tmp_path, monkeypatch, version, major):
    command = fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    said = rf"Java 17 or newer, but {command} \(JAVA_HOME={tmp_path}\) is Java {major}; {MEND}"
    with pytest.raises(UserError, match=said):
        java()


@pytest.mark.parametrize(("version", "major"), [("17", 17), ("21.0.2", 21), ("25-ea", 25)])
def test_a_new_java_will_do_and_java_home_comes_first(tmp_path, monkeypatch, version, major):
    fake_java(tmp_path / "new", version)
    fake_java(tmp_path / "old", "11.0.9")
    monkeypatch.setenv("PATH", f"{tmp_path}/old/bin:{os.environ['PATH']}")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "new"))
    assert java() == major


def test_a_java_home_that_holds_none_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    said = rf"{tmp_path}/bin/java \(JAVA_HOME={tmp_path}\) does not run; {MEND}"
    with pytest.raises(UserError, match=said):
        java()


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_master_that_does_not_answer_is_named(monkeypatch):
    port = closed_port()
    with pytest.raises(
        InfrastructureError,
        match=rf"no Spark master answers at 127.0.0.1:{port} \(.*refused\); .*PERSONA_SPARK_MASTER",
    ):
        reachable(f"spark://127.0.0.1:{port}")
    with pytest.raises(InfrastructureError, match=r"no-such-host.invalid:7077 \("):
        reachable("spark://no-such-host.invalid:7077")
    with pytest.raises(UserError, match="spark://here lacks a port; write it as"):
        reachable("spark://here")


def test_one_master_of_several_is_enough():
    with socket.create_server(("127.0.0.1", 0)) as server:
        reachable(f"spark://127.0.0.1:{closed_port()},127.0.0.1:{server.getsockname()[1]}")
    reachable("local[2]")
    reachable("yarn")


def test_a_jar_that_is_not_there_is_named(tmp_path):
    jar = tmp_path / "delta.jar"
    jar.touch()
    jars_exist("")
    jars_exist("provided")
    jars_exist(f"{jar},file://{jar},s3://bucket/delta.jar,https://host/delta.jar")
    with pytest.raises(UserError, match=r"PERSONA_SPARK_JARS names /no/such.jar, which does not"):
        jars_exist(f"{jar},/no/such.jar")


def conf(tmp_path: Path, **options: str) -> dict[str, str]:
    """Options of a session whose jars must be fetched from where nothing answers."""
    options = {name.replace("_", "."): value for name, value in options.items()}
    given = {
        "spark.jars.ivy": str(tmp_path / "ivy"),
        "spark.jars.repositories": f"http://127.0.0.1:{closed_port()}/maven",
    }
    return configuration(SparkOptions(log=tmp_path / "log", conf=given | options))


def test_without_a_network_the_jars_are_named_and_how_to_get_them(tmp_path):
    with pytest.raises(
        InfrastructureError,
        match=rf"jars \({DELTA}\) are in no local cache and http://127.0.0.1:.*refused.*"
        "PERSONA_SPARK_JARS",
    ):
        resolvable(conf(tmp_path))


def test_cached_jars_need_no_network(tmp_path, monkeypatch):
    jar = "delta-spark_4.2_2.13-4.4.0.jar"
    cached = tmp_path / "ivy" / "cache" / "io.delta" / "delta-spark_4.2_2.13" / "jars" / jar
    cached.parent.mkdir(parents=True)
    cached.touch()
    resolvable(conf(tmp_path))
    # One more package is not there.
    with pytest.raises(InfrastructureError, match=r"com\.example:more:1"):
        resolvable(conf(tmp_path, spark_jars_packages="com.example:more:1"))
    cached.unlink()
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    maven = tmp_path / ".m2/repository/io/delta/delta-spark_4.2_2.13/4.4.0" / jar
    maven.parent.mkdir(parents=True)
    maven.touch()
    resolvable(conf(tmp_path))


def test_where_only_the_jvm_knows_the_way_it_is_left_to_it(tmp_path):
    resolvable(conf(tmp_path, spark_jars_ivySettings="/etc/ivy.xml"))
    resolvable(conf(tmp_path, spark_driver_extraJavaOptions="-Dhttps.proxyHost=proxy"))
    resolvable(configuration(SparkOptions(log=tmp_path / "log", jars="provided")))


def test_everything_is_checked(tmp_path, monkeypatch):
    options = configuration(SparkOptions(log=tmp_path / "log", jars="/no/such.jar"))
    with pytest.raises(UserError, match=r"/no/such.jar"):
        spark_preflight.check("local[*]", "/no/such.jar", options)
    with pytest.raises(InfrastructureError, match="no Spark master answers"):
        spark_preflight.check(f"spark://127.0.0.1:{closed_port()}", "/no/such.jar", options)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UserError, match="needs Java"):
        spark_preflight.check("spark://127.0.0.1:1", "", options)
