"""Checks before a JVM is started: Java, a master that answers, Delta's jars.

Belongs here: quick checks whose failure is one clear message, where Spark itself would wait for
minutes or print pages. Does not belong here: starting anything (`spark_session.py`).
"""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from persona_assets.errors import InfrastructureError, UserError
from persona_assets.lake.spark_options import PROVIDED

# Spark 4 is compiled for Java 17.
OLDEST_JAVA = 17
CENTRAL = "https://repo1.maven.org/maven2/"
_SECONDS = 5.0
_PORTS = {"http": 80, "https": 443}
_GET_JAVA = (
    "install Java 17 (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install "
    "openjdk@17) and point JAVA_HOME at it, or use PERSONA_ENGINE=polars, which needs none"
)


def check(master: str, jars: str, conf: Mapping[str, str]) -> None:
    """Raise what would keep a session from starting.

    Args:
        master: Spark's master.
        jars: as in `SparkOptions`.
        conf: every option of the session.

    Raises:
        UserError: Java is missing or too old, or a jar does not exist.
        InfrastructureError: the master or the repository of the jars does not answer.
    """
    java()
    reachable(master)
    jars_exist(jars)
    resolvable(conf)


def java() -> int:
    """Major version of the Java that Spark will use; UserError where it is none or too old."""
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    where = f"JAVA_HOME={home}" if home else "the PATH"
    if command is None:
        raise UserError(f"Spark needs Java: none was found on the PATH; {_GET_JAVA}")
    try:
        found = subprocess.run(  # noqa: S603 - the same program that Spark starts
            [command, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"Spark needs Java: {command} ({where}) does not run; {_GET_JAVA}") from (
            error
        )
    match = re.search(r'version "(?:1\.)?(\d+)', found.stderr + found.stdout)
    version = int(match[1]) if match else 0
    if version < OLDEST_JAVA:
        raise UserError(
            f"Spark needs Java {OLDEST_JAVA} or newer, but {command} ({where}) is "
            f"{f'Java {version}' if version else 'of an unknown version'}; {_GET_JAVA}"
        )
    return version


def reachable(master: str) -> None:
    """InfrastructureError unless one of the hosts of a `spark://` master answers."""
    if not master.startswith("spark://"):
        return
    problems = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise UserError(
                f"PERSONA_SPARK_MASTER={master} lacks a port; write it as spark://host:7077"
            )
        if (problem := _no_answer(host, int(port))) is None:
            return
        problems.append(f"{address} ({problem})")
    raise InfrastructureError(
        f"no Spark master answers at {', '.join(problems)}; start it, or correct "
        "PERSONA_SPARK_MASTER"
    )


def jars_exist(jars: str) -> None:
    """UserError for a local path in a list of jars that leads nowhere."""
    for jar in filter(None, jars.split(",")):
        path = jar.removeprefix("file://")
        if jar != PROVIDED and "://" not in path and not Path(path).exists():
            raise UserError(
                f"PERSONA_SPARK_JARS names {jar}, which does not exist; correct the path, or leave "
                "the variable away to have Delta's jars resolved from Maven Central"
            )


def resolvable(conf: Mapping[str, str]) -> None:
    """InfrastructureError where jars must be fetched and their repository does not answer."""
    packages = [each for each in conf.get("spark.jars.packages", "").split(",") if each]
    proxied = "proxyHost" in conf.get("spark.driver.extraJavaOptions", "")
    if all(_is_cached(each, conf) for each in packages) or proxied:
        return
    if "spark.jars.ivySettings" in conf:  # repositories that only Ivy knows
        return
    repository = conf.get("spark.jars.repositories", "").split(",")[0] or CENTRAL
    url = urlsplit(repository)
    if url.hostname is None:
        return
    port = url.port or _PORTS.get(url.scheme, _PORTS["https"])
    if problem := _no_answer(url.hostname, port):
        raise InfrastructureError(
            f"Spark's jars ({', '.join(packages)}) are in no local cache and {repository} does not "
            f"answer ({problem}); connect to the network once, name a repository in "
            'PERSONA_SPARK_CONF as "spark.jars.repositories", or name the jars in '
            "PERSONA_SPARK_JARS"
        )


def _is_cached(coordinate: str, conf: Mapping[str, str]) -> bool:
    """Is a Maven coordinate in Ivy's cache or the local Maven repository?"""
    group, _, rest = coordinate.partition(":")
    artifact, _, version = rest.partition(":")
    jar = f"{artifact}-{version}.jar"
    ivy = Path(conf.get("spark.jars.ivy") or Path.home() / ".ivy2.5.2")
    maven = Path.home() / ".m2" / "repository"
    return (ivy / "cache" / group / artifact / "jars" / jar).exists() or (
        maven.joinpath(*group.split("."), artifact, version, jar).exists()
    )


def _no_answer(host: str, port: int) -> str | None:
    """Why nothing at `host` takes a connection; None where something does."""
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error) or "no answer"
    return None
