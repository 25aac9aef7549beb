"""A lake in an object store: options for delta-rs and Spark, and one writer at a time on S3.

Belongs here: translating one set of options, spelled as delta-rs spells them, for both engines;
keeping Spark's writers on S3 from each other. Does not belong here: reading the environment
(`settings/`), starting Spark (`spark_session.py`), reading and writing tables (`store.py`).
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from persona_assets.errors import UserError

SCHEMES = ("s3", "s3a", "gs", "abfs", "abfss", "az")
_S3 = ("s3", "s3a")
# Variables that say where the store is, not who one is: Spark must be told, delta-rs reads them.
_PLACE_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ALLOW_HTTP",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
)
_CREDENTIALS = ("access_key_id", "secret_access_key", "session_token")
# Names that delta-rs takes for the same thing.
_SYNONYMS = {
    "endpoint": "endpoint_url",
    "default_region": "region",
    "token": "session_token",
}
# How delta-rs keeps writers apart; who chose one of these gets no other.
_EXCLUSIONS = ("conditional_put", "s3_locking_provider", "s3_allow_unsafe_rename")

# S3A of the Hadoop that pyspark 4.2 ships, and of the AWS SDK the modules that S3A loads: their
# versions are those of hadoop-aws 3.5.0's own build.
_SDK = "2.35.4"
_S3A_PACKAGES = (
    "org.apache.hadoop:hadoop-aws:3.5.0",
    f"software.amazon.awssdk:s3:{_SDK}",
    f"software.amazon.awssdk:s3-transfer-manager:{_SDK}",
    f"software.amazon.awssdk:sts:{_SDK}",
    f"software.amazon.awssdk:netty-nio-client:{_SDK}",
    f"software.amazon.awssdk:apache-client:{_SDK}",
    "software.amazon.s3.analyticsaccelerator:analyticsaccelerator-s3:1.3.1",
)
# hadoop-aws asks for the whole SDK in one jar of 686 MB; the rest Spark ships by itself.
_S3A_EXCLUDES = (
    "software.amazon.awssdk:bundle",
    "org.wildfly.openssl:*",
    "io.netty:*",
    "org.apache.httpcomponents:*",
    "commons-codec:*",
)


def is_remote(root: str) -> bool:
    """Is `root` a URL, not a local folder?

    Raises:
        UserError: a URL of a kind that the lake cannot lie at.
    """
    scheme, colon, _ = root.partition("://")
    if colon and scheme not in SCHEMES:
        raise UserError(
            f"PERSONA_LAKE is {root}; use a folder or a URL that begins with "
            f"{', '.join(f'{each}://' for each in SCHEMES)}"
        )
    return bool(colon)


def options(root: str, given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """delta-rs' options for the lake at `root`.

    Args:
        root: folder or URL of the lake.
        given: the user's own options (`PERSONA_STORAGE_OPTIONS`).
        environment: of the process; what it says of the place of an S3 store is taken over where
            `given` is silent. Credentials in it are left there: both engines read them themselves.

    Raises:
        UserError: `root` is a URL of an unknown kind.
    """
    found = dict(given)
    if not is_remote(root) or not _on_s3(root):
        return found
    known = _named(given)
    for name in _PLACE_VARIABLES:
        if environment.get(name) and _name(name) not in known:
            found[name] = environment[name]
    # Without one of these, delta-rs lets two writers make the same version.
    if not any(_name(name) in _EXCLUSIONS for name in (*given, *environment)):
        found["aws_conditional_put"] = "etag"
    # An endpoint that says http:// means it.
    if _named(found).get("endpoint_url", "").startswith("http://"):
        found.setdefault("AWS_ALLOW_HTTP", "true")
    return found


def spark_conf(root: str, options: Mapping[str, str]) -> dict[str, str]:
    """Spark's options for the lake at `root`; no credential is among them (they can be seen).

    Spark on other stores than S3 needs its cluster's own: see docs/spark.md.
    """
    if not _on_s3(root):
        return {}
    named = _named(options)
    conf = {
        # One URL for both engines: delta-rs says s3://, Hadoop knows S3A's scheme only.
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.jars.excludes": ",".join(_S3A_EXCLUDES),
    }
    if endpoint := named.get("endpoint_url"):
        virtual_hosted = named.get("virtual_hosted_style_request", "false").lower() == "true"
        conf["spark.hadoop.fs.s3a.endpoint"] = endpoint
        conf["spark.hadoop.fs.s3a.path.style.access"] = str(not virtual_hosted).lower()
    if region := named.get("region"):
        conf["spark.hadoop.fs.s3a.endpoint.region"] = region
    return conf


def spark_packages(root: str) -> tuple[str, ...]:
    """Maven coordinates that Spark needs beside Delta's to reach `root` (S3: 36 jars, 13 MB)."""
    return _S3A_PACKAGES if _on_s3(root) else ()


def spark_environment(options: Mapping[str, str]) -> dict[str, str]:
    """The credentials among `options`, as variables of the JVM's environment.

    Spark hands them on to its executors by itself.
    """
    named = _named(options)
    return {f"AWS_{name.upper()}": named[name] for name in _CREDENTIALS if name in named}


@contextmanager
def writing(uri: str, *, by_spark: bool) -> Iterator[None]:
    """Within it, a writer of the table at `uri` is safe from the others of this machine.

    delta-rs makes a version on S3 by a conditional request: the second of two fails and tries
    again. delta-spark's S3SingleDriverLogStore looks and then writes: it is safe from the threads
    of its own driver only, and in the moment between can write over any other's commit. So a
    driver keeps a table for itself while it writes, and writers by delta-rs only keep drivers out.
    The system lifts the lock of a process that is killed. Writers on other machines are not kept
    out: docs/spark.md says what to do with several.
    """
    if not _on_s3(uri):
        yield
        return
    import fcntl  # not on Windows

    folder = Path(tempfile.gettempdir()) / f"persona_assets-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = hashlib.blake2b(_location(uri).encode(), digest_size=16).hexdigest()
    with (folder / f"{name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if by_spark else fcntl.LOCK_SH)
        yield


def _on_s3(root: str) -> bool:
    return root.partition("://")[0] in _S3 and "://" in root


def _location(uri: str) -> str:
    """Bucket and key, whichever scheme they are named by."""
    parts = urlsplit(uri)
    return f"{parts.netloc}/{parts.path.strip('/')}"


def _name(option: str) -> str:
    """An option's one name of the several that delta-rs takes, without the prefix `aws_`."""
    name = option.lower().removeprefix("aws_")
    return _SYNONYMS.get(name, name)


def _named(options: Mapping[str, str]) -> dict[str, str]:
    """`options` by their one name; who is called by it wins over its synonyms."""
    named = {_name(key): value for key, value in options.items()}
    exact = {key.lower().removeprefix("aws_"): value for key, value in options.items()}
    return {name: exact.get(name, value) for name, value in named.items()}
