"""A lake on an S3 server of this machine: nothing is lost, and nobody is told a credential."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from persona_assets.errors import InfrastructureError
from persona_assets.lake import DeltaStore, object_store
from persona_assets.lake.content_hash import content_hash
from persona_assets.tables.mart import QUARANTINE

HERE = Path(__file__).parent
DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(24)]
KEY, SECRET, TOKEN = "AKIANOBODYSEESME", "the/secret+that/nobody+sees", "a+token/that+nobody/sees"
REGION = "eu-west-1"
# Commits of delta-rs while Spark makes four: one falls between a look and the write after it.
ROUNDS = 30
_LAKES = itertools.count()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """URL of an S3 server."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "s3_process.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def lake(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Root of a new lake; where it is and whose it is, only the environment says."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", REGION)
    bucket = f"shop-{next(_LAKES)}"
    boto3.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    return f"s3://{bucket}/lake"


def opened(root: str) -> DeltaStore:
    return DeltaStore(root, storage_options=object_store.options(root, {}, os.environ))


def test_store_that_does_not_answer_is_named_with_what_to_check(lake):
    with pytest.raises(InfrastructureError) as caught:
        opened("s3://no-such-bucket/lake").exists(QUARANTINE)
    assert "no-such-bucket/lake/mart/quarantine cannot be reached" in str(caught.value)
    assert "NoSuchBucket" in str(caught.value)
    assert "check that the bucket exists" in str(caught.value)


def test_six_processes_write_24_partitions_at_once_and_lose_nothing(lake, writers):
    store = opened(lake)
    assert not store.exists(QUARANTINE)
    rivals = writers.start(lake, "each", [("v", DAYS[number::6]) for number in range(6)])
    for writer in rivals:
        writer.go()
    commits = [commit for writer in rivals for commit in writer.commits()]
    assert len({commit["version"] for commit in commits}) == len(commits) == 24
    told = {
        key: digest
        for commit in sorted(commits, key=lambda each: each["version"])
        for key, digest in commit["hashes"].items()
    }
    stored = {
        str(day["event_date"][0]): day for day in store.read(QUARANTINE).partition_by("event_date")
    }
    assert {key: content_hash(day) for key, day in stored.items()} == told
    assert {key: set(day["value"]) for key, day in stored.items()} == {
        day.isoformat(): {f"v0 on {day}"} for day in DAYS
    }


def test_of_rivals_for_the_same_partitions_one_wins_whole(lake, writers):
    rivals = writers.start(lake, "together", [(f"w{n}-", DAYS[:2]) for n in range(3)], times=2)
    for writer in rivals:
        writer.go()
    commits = {each["version"]: each["hashes"] for writer in rivals for each in writer.commits()}
    assert len(commits) == 6
    for version, hashes in commits.items():
        frame = opened(lake).read(QUARANTINE, at=version)
        assert frame["value"].n_unique() == 1
        assert hashes == {str(day): content_hash(frame.filter(event_date=day)) for day in DAYS[:2]}


@pytest.fixture
def driver(
    lake: str, java: None, spark_options: Any, tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """driver(*days) → a process of `spark_on_s3_process.py`, whose keys are all in one setting."""
    started = []

    def start(*days: date) -> subprocess.Popen[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        options = {
            "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": TOKEN,
        }
        process = subprocess.Popen(
            [sys.executable, str(HERE / "spark_on_s3_process.py"), *map(str, days)],
            env=own
            | {
                "PERSONA_HOME": str(tmp_path),
                "PERSONA_LAKE": lake,
                "PERSONA_ENGINE": "spark",
                "PERSONA_SPARK_MASTER": "local[2]",
                "PERSONA_SPARK_CONF": json.dumps(dict(spark_options.conf)),
                "PERSONA_STORAGE_OPTIONS": json.dumps(options),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_spark_and_delta_rs_write_one_table_at_once_and_tell_no_secret(
    lake, writers, driver, tmp_path
):
    first, by_spark, by_delta_rs = DAYS[0], DAYS[1:5], DAYS[5]
    [writer] = writers.start(lake, "each", [("v", [first])])
    writer.go()
    [commit] = writer.commits()
    [rival] = writers.start(lake, "each", [("v", [by_delta_rs])], times=ROUNDS)
    spark = driver(first, *by_spark)
    assert spark.stdout.readline() == "ready\n", spark.communicate()[1][-3000:]
    rival.go()
    output, errors = spark.communicate("\n", timeout=1_200)
    assert spark.returncode == 0, errors[-3000:]
    found = json.loads(output)
    commits = [commit, *found["commits"], *rival.commits()]

    assert found["read"] == [f"v0 on {first}"]
    assert (
        len({commit["version"] for commit in commits}) == len(commits) == 1 + len(by_spark) + ROUNDS
    )
    told = {
        key: digest
        for commit in sorted(commits, key=lambda each: each["version"])
        for key, digest in commit["hashes"].items()
    }
    store = opened(lake)
    stored = {
        str(day["event_date"][0]): day for day in store.read(QUARANTINE).partition_by("event_date")
    }
    assert {key: content_hash(day) for key, day in stored.items()} == told
    assert set(stored[str(by_spark[0])]["value"]) == {f"spark on {by_spark[0]}"}

    history = store.history(QUARANTINE)
    assert {
        each["persona/run_id"]
        for each in history
        if each["version"] in (commit["version"] for commit in found["commits"])
    } == {"a-run"}
    log = (tmp_path / "spark.log").read_text()
    assert "no-such-bucket" in found["said"][-1]
    for text in (*found["said"], str(history), log, errors):
        assert not [secret for secret in (KEY, SECRET, TOKEN) if secret in text]


def test_the_graph_makes_the_same_tables_as_in_a_folder(lake, open_graph, whole):
    storage_options = object_store.options(lake, {}, os.environ)
    graph = open_graph(lake=lake, storage_options=storage_options)
    days = sorted(whole.hashes["raw/events"])
    cutoff = max(whole.hashes["evaluation/offline_metrics"])
    graph.run("daily_tables", days[0], days[-1])
    graph.run("weekly_training", cutoff)
    graph.run("weekly_evaluation", cutoff)
    made = graph.hashes()
    assert {"raw/events", "feature_store/user_features", "recommendations/top_k"} <= set(made)
    assert made == {path: {key: whole.hashes[path][key] for key in made[path]} for path in made}
    assert not (graph.settings.home / "lake").exists()
