"""The one Spark session of this process: how it is started and stopped.

Belongs here: the JVM's launch, its log and its end. Does not belong here: the options
(`spark_options.py`), what is checked before a JVM is started (`spark_preflight.py`), or tables
(`spark_engine.py`).
"""

import atexit
import os
import re
import shlex
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from persona_assets.errors import InfrastructureError, UserError
from persona_assets.lake import spark_preflight
from persona_assets.lake.spark_options import SESSION_CONF, SparkOptions, configuration

if TYPE_CHECKING:
    from py4j.java_gateway import JavaGateway
    from pyspark.sql import SparkSession

_DECISIVE = re.compile(
    r"unresolved dependency|^Exception in thread|^Caused by|^Invalid|^Error|\bERROR\b|Exception:"
)
# They print what they raise, pages of it.
_LOUD = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
_LOCK = threading.RLock()


def start(options: SparkOptions) -> "SparkSession":
    """The session of this process, started now if there is none.

    The JVM is launched once: later calls give the same session, whatever their options. A session
    that somebody else started (Databricks, a notebook) is not started again: its cluster is used
    through a session of our own, so that their settings stay as they are.

    Raises:
        UserError: Java is missing or too old, a jar does not exist, or an option is unusable.
        InfrastructureError: the master or the repository of the jars cannot be reached, or Spark
            did not start; the text quotes Spark and names the log.
    """
    with _LOCK:
        running = _running()
        if running is not None and running is _ours.session:
            return running
        if running is not None:
            _ours.session = _own_session(running)
        else:
            _ours.session = _started(options)
            atexit.register(stop)
        return _ours.session


def stop() -> None:
    """End the session that `start` started, if it did; the JVM ends with this process."""
    with _LOCK:
        session, _ours.session = _ours.session, None
        if session is not None and _ours.gateway is not None:
            session.stop()


class _Ours:
    """What this process holds: a session, and the JVM behind it if we launched it."""

    session: "SparkSession | None" = None
    gateway: "JavaGateway | None" = None


_ours = _Ours()


def _running() -> "SparkSession | None":
    """The session that this process has; None without importing pyspark where nobody did."""
    if "pyspark" not in sys.modules:
        return None
    from pyspark import SparkContext

    if SparkContext._active_spark_context is None:
        return None
    if _ours.session is not None:
        return _ours.session
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate()


def _own_session(running: "SparkSession") -> "SparkSession":
    """A session of our own on the cluster of `running`."""
    session = running.newSession()
    for name, value in SESSION_CONF.items():
        session.conf.set(name, value)
    return session


def _started(options: SparkOptions) -> "SparkSession":
    spark_preflight.check(options.master, options.jars, configuration(options))
    from py4j.protocol import Py4JError
    from pyspark import SparkContext
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    log, said_before = _opened(options.log)
    with log, _environment(options):
        if _ours.gateway is None:
            _ours.gateway = _launched(options, log, said_before)
        try:
            context = SparkContext(gateway=_ours.gateway)
        except Py4JError as error:
            raise InfrastructureError(
                f"Spark did not start on {options.master}: {_cause(str(error))}; correct that or "
                f"PERSONA_SPARK_MASTER and PERSONA_SPARK_CONF ({options.log} has the details)"
            ) from error
    for name in _LOUD:
        PySparkLogger.getLogger(name).disabled = True
    return SparkSession(context)


def _launched(options: SparkOptions, log: BinaryIO, said_before: int) -> "JavaGateway":
    """A JVM with the options, talking to `log` and to nobody else."""
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    # By file, not by command line: arguments can be seen by everybody on the machine.
    with tempfile.TemporaryDirectory() as folder:
        properties = Path(folder) / "spark.properties"
        properties.touch(mode=0o600)
        properties.write_text(_properties(configuration(options)), encoding="utf-8")
        given = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
        file = shlex.quote(str(properties))
        arguments = f"--properties-file {file} --load-spark-defaults {given}"
        with _variables({"PYSPARK_SUBMIT_ARGS": arguments}):
            try:
                return launch_gateway(popen_kwargs={"stdout": log, "stderr": log})
            except PySparkRuntimeError as error:
                said = options.log.read_bytes()[said_before:].decode(errors="replace")
                raise InfrastructureError(
                    f"Spark's JVM ended as it started: {_decisive_line(said)}; correct that "
                    f"({options.log} has the details)"
                ) from error


def _properties(conf: Mapping[str, str]) -> str:
    """`conf` in the format of Java's property files."""
    lines = []
    for name, value in conf.items():
        escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines.append(f"{name}={escaped}\n")
    return "".join(lines)


def _opened(path: Path) -> tuple[BinaryIO, int]:
    """The log, opened to be continued, and its length until now."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        log = path.open("ab")
    except OSError as error:
        raise UserError(
            f"cannot write Spark's log {path}: {error.strerror}; point PERSONA_HOME at a folder "
            "you may write to"
        ) from error
    return log, log.tell()


@contextmanager
def _environment(options: SparkOptions) -> Iterator[None]:
    """What JVM and workers see of the environment, while they are started."""
    variables = dict(options.environment)
    if options.is_local:
        # The machine's name may not resolve, and its `python3` may be another one than this.
        for name, value in (("SPARK_LOCAL_IP", "127.0.0.1"), ("PYSPARK_PYTHON", sys.executable)):
            variables[name] = os.environ.get(name) or value
    with _variables(variables):
        yield


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _decisive_line(said: str) -> str:
    """The line of a JVM's last words that says why."""
    lines = [line.strip(": \t") for line in said.splitlines() if line.strip(": \t")]
    decisive = [line for line in lines if _DECISIVE.search(line)]
    return (decisive or lines[-1:] or ["it said nothing"])[0].removeprefix(
        'Exception in thread "main" '
    )


def _cause(error: str) -> str:
    """The Java exception in a text of Py4J."""
    for line in error.splitlines():
        if line.startswith(": "):
            return line.removeprefix(": ")
    return error.splitlines()[0]
